#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "fuzz.h"

namespace annals {
namespace fuzz {

/// A file that has a path but stands in memory, for readers that open paths.
class file_in_memory {
 public:
  explicit file_in_memory(std::string_view content) : descriptor_(::memfd_create("input", 0)) {
    require(descriptor_ >= 0, "there is a file in memory");
    const auto written = ::write(descriptor_, content.data(), content.size());
    require(written == static_cast<ssize_t>(content.size()), "it holds the input");
  }
  file_in_memory(const file_in_memory&) = delete;
  file_in_memory& operator=(const file_in_memory&) = delete;
  ~file_in_memory() { ::close(descriptor_); }

  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace fuzz
}  // namespace annals
