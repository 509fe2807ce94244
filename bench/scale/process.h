#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "../cold.h"

/// What a benchmark needs of processes: some that are killed, and how much memory they have.
namespace bench {

/// Memory of this process that is not a file's (RssAnon + RssShmem), in bytes.
inline std::uint64_t resident_bytes() {
  std::ifstream status("/proc/self/status");
  std::uint64_t sum = 0;
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("RssAnon:") || line.starts_with("RssShmem:"))
      sum += std::stoull(line.substr(line.find(':') + 1)) * 1024;
  return sum;
}

/// A child that runs `body`, which tells numbers through `tell`, until it is killed.
class process {
 public:
  using teller = std::function<void(const std::vector<double>&)>;

  explicit process(const std::function<void(const teller&)>& body) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) give_up("pipe");
    child_ = ::fork();
    if (child_ < 0) give_up("fork");
    if (child_ == 0) {
      std::FILE* const out = ::fdopen(ends[1], "w");
      body([out](const std::vector<double>& numbers) {
        for (const auto one : numbers) std::fprintf(out, "%.3f ", one);
        std::fprintf(out, "\n");
        std::fflush(out);
      });
      std::_Exit(0);
    }
    ::close(ends[1]);
    heard_ = ::fdopen(ends[0], "r");
  }
  /// Without warning.
  ~process() {
    ::kill(child_, SIGKILL);
    int status = 0;
    ::waitpid(child_, &status, 0);
    std::fclose(heard_);
  }
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  /// The next numbers that it tells, so many.
  std::vector<double> hear(std::size_t count) {
    std::vector<double> numbers(count);
    for (auto& one : numbers)
      if (std::fscanf(heard_, "%lf", &one) != 1) {
        std::fprintf(stderr, "scale_bench: a writing process has ended by itself\n");
        std::exit(1);
      }
    return numbers;
  }

 private:
  pid_t child_ = 0;
  std::FILE* heard_ = nullptr;
};

}  // namespace bench
