#pragma once

#include <string>
#include <vector>

namespace bench::rivals {

struct figure {
  std::string who{};
  double p50 = 0;  ///< microseconds
  double p99 = 0;
  double per_second = 0;  ///< events
};

/// The figures of one run: printed as they come, row by row, and kept as JSON.
class report {
 public:
  /// `raw` in microseconds, of the raw durable write.
  void yardsticks(figure raw, double memory_bytes_per_second);
  /// The raw write at the end of the run: where it differs much from the one at the beginning, the
  /// disk was not quiet.
  void raw_again(figure raw);
  void begin(std::string what, std::string goal);
  /// The figure of a row: Annals first, then rivals.
  void add(figure one);
  /// Prints how Annals compares to the best of its rivals, by events per second.
  void end();
  void remark(const std::string& text);
  double memory_bytes_per_second() const { return memory_; }

  std::string to_json() const;

 private:
  struct row {
    std::string what{};
    std::string goal{};
    std::vector<figure> figures{};

    const figure& best_rival() const;
    double ratio() const { return figures.front().per_second / best_rival().per_second; }
  };
  void print(const figure& one) const;

  figure raw_{};
  figure raw_at_end_{};
  double memory_ = 0;
  std::vector<row> rows_{};
};

}  // namespace bench::rivals
