#pragma once

#include <functional>

#include "store.h"

namespace bench::rivals {

/// Appends with the events that they point to, made before the clock runs.
struct batch {
  std::vector<std::vector<annals::new_event>> events{};
  std::vector<stream_append> appends{};
};

/// One way to append to an entrant's store, under the name that figures carry.
struct way {
  std::string name{};
  writer* through = nullptr;
  bool one_by_one = false;  ///< a transaction for each append: slow, so it is given less
};

/// A store in the contest, with what it was given. Every entrant is given the same kind of events:
/// 256 bytes that do not compress, all metadata, no tags.
class entrant {
 public:
  static constexpr std::size_t order_count = 1'000;      ///< streams that appends go to in turn
  static constexpr std::size_t aggregate = order_count;  ///< the stream that is loaded

  using opener = std::function<std::unique_ptr<store>()>;
  /// Its payloads are `json`; without it, bytes that do not compress.
  entrant(std::string name, opener open, std::string json);

  const std::string& name() const { return name_; }
  store& held() { return *held_; }
  std::vector<way>& ways() { return ways_; }
  /// A front that appends go through; it lives until the store is closed.
  void add_way(std::string name, std::unique_ptr<writer> front, bool one_by_one);
  void add_way(std::string name, writer& itself) { ways_.push_back({std::move(name), &itself}); }

  const stream& at(std::size_t index) const { return streams_[index]; }
  const totals& given() const { return given_; }

  /// Adds an append of so many events to a stream, at the version that the stream will have.
  void add(batch& to, std::size_t index, std::size_t count);

  /// Has late appends refused by every way, alone and among others; then closes the store, opens
  /// it again and finds all that it was given, in order, with all fields. Else ends the program.
  void check();
  /// Closes the store, calls `meanwhile`, and opens it again; afterwards it has no ways to append.
  void reopen(const std::function<void()>& meanwhile);

 private:
  struct sample {
    std::size_t stream = 0;
    std::uint64_t version = 0;
    std::uint64_t event = 0;
    std::uint64_t append = 0;
  };
  annals::new_event event_of(std::uint64_t number) const;
  void check_conflicts(const way& by);
  void check_sample(const sample& one, std::vector<stored_event>& found);
  [[noreturn]] void differs(std::string_view what) const {
    fail(name_, "the check at the end", what);
  }

  std::string name_;
  opener open_;
  std::string json_;
  std::unique_ptr<store> held_;
  std::vector<std::unique_ptr<writer>> fronts_{};
  std::vector<way> ways_{};
  std::vector<stream> streams_{};
  totals given_{};
  std::uint64_t appends_ = 0;
  std::vector<sample> samples_{};
};

}  // namespace bench::rivals
