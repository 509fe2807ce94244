#pragma once

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "annals/env.h"
#include "annals/json/encode.h"
#include "annals/json/writer.h"

/// The disk that a benchmark measures, its yardstick, and how figures are kept.
namespace bench {

/// Ends the program when the directory is not on a disk: durable figures need one.
inline void refuse_volatile(const char* program, const std::string& directory) {
  struct statfs facts{};
  if (::statfs(directory.c_str(), &facts) == 0 && facts.f_type != TMPFS_MAGIC &&
      facts.f_type != RAMFS_MAGIC)
    return;
  std::fprintf(stderr, "%s: %s is not on a disk; durable figures need one\n", program,
               directory.c_str());
  std::exit(2);
}

/// The yardstick of every durable figure: a 4 KiB write into a file of zeros that is durable when
/// it returns (O_DIRECT|O_DSYNC). Nothing that waits for the disk can be faster than one of it.
class raw_file {
 public:
  static constexpr std::size_t block = 4096;
  static constexpr int blocks = 512;

  explicit raw_file(const std::string& directory) : path_(directory + "/raw") {
    std::filesystem::remove(path_);
    auto& env = annals::posix_env();
    {
      const std::vector<std::byte> zeros(block * blocks);
      auto zeroed = env.open(path_, annals::file_mode::create, annals::write_through::none).value();
      zeroed->write_at(0, zeros).value();
      zeroed->sync().value();
    }
    file_ = env.open(path_, annals::file_mode::write, annals::write_through::durable).value();
  }
  ~raw_file() {
    std::error_code ignored;  // whoever made the directory removes it
    std::filesystem::remove(path_, ignored);
  }
  raw_file(const raw_file&) = delete;
  raw_file& operator=(const raw_file&) = delete;

  /// Writes block `i`, of blocks 0 to `blocks` - 1.
  void write(int i) {
    alignas(block) static constexpr std::byte bytes[block] = {};
    file_->write_at(static_cast<std::uint64_t>(i) * block, bytes).value();
  }

 private:
  std::string path_;
  std::unique_ptr<annals::file> file_{};
};

/// What stands at a part (0 to 1) of sorted figures.
inline double quantile(const std::vector<double>& sorted, double part) {
  return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
}

inline double microseconds_since(std::chrono::nanoseconds start) {
  return static_cast<double>((annals::posix_env().monotonic() - start).count()) / 1e3;
}

inline std::string json_number(double value) {
  std::string text;
  annals::json::append_double(text, value);
  return text;
}

/// Writes a file of figures; says why and answers false where that fails.
inline bool save(const char* path, const std::string& json) {
  std::FILE* const out = std::fopen(path, "w");
  if (out != nullptr) {
    const bool written = std::fprintf(out, "%s\n", json.c_str()) >= 0;
    if (std::fclose(out) == 0 && written) return true;
  }
  std::perror(path);
  return false;
}

}  // namespace bench
