#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

/// Makes things cold: what a processor has in its caches, and what a system has in memory of files.
namespace bench {

[[noreturn]] inline void give_up(const std::string& doing) {
  std::perror(doing.c_str());
  std::exit(1);
}

/// The bytes of a file that are in the page cache, at most.
inline std::uint64_t cached_bytes(int file, std::size_t size) {
  if (size == 0) return 0;
  void* const at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
  if (at == MAP_FAILED) give_up("mmap");
  constexpr std::size_t page = 4096;
  std::vector<unsigned char> pages((size + page - 1) / page);
  if (::mincore(at, size, pages.data()) != 0) give_up("mincore");
  ::munmap(at, size);
  std::uint64_t sum = 0;
  for (const auto one : pages) sum += (one & 1U) != 0 ? page : 0;
  return sum;
}

/// Takes the files of a directory, which nobody has open, out of the page cache; the bytes that
/// stayed there.
inline std::uint64_t drop_from_cache(const std::string& directory) {
  std::uint64_t left = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    const int file = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) give_up(entry.path());
    if (::fdatasync(file) != 0) give_up(entry.path());
    ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    left += cached_bytes(file, entry.file_size());
    ::close(file);
  }
  return left;
}

/// Leaves nothing in the caches of this processor but what nobody will ask for.
inline void flush_processor_caches() {
  static const std::vector<std::uint64_t> words(std::size_t{32} << 20U, 1);  // 256 MiB
  if (std::accumulate(words.begin(), words.end(), 0ULL) != words.size()) std::abort();
}

}  // namespace bench
