#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "annals/env.h"

/// The files that a person names on the command line; "-" is standard input or output.
namespace annals_cli {

/// A file that is read from its start to its end; pipes too.
class input_file {
 public:
  /// Errors:  file_error, with the name and the system's reason.
  static annals::result<input_file> open(const std::string& name);

  /// Fills memory as far as one read does, and answers how many bytes; 0 at the end.
  ///
  /// Errors:  file_error; shutting_down once the program is interrupted, or nobody wants more.
  /// Blocks:  until there is something; looks at `enough` meanwhile.
  annals::result<std::size_t> read(std::span<char> out, const std::atomic<bool>& enough);
  /// Bytes in all; 0 where that is not known.
  std::uint64_t size() const noexcept { return size_; }
  /// As messages name it.
  const std::string& name() const noexcept { return name_; }

 private:
  struct closer {
    void operator()(std::FILE* open) const noexcept {
      if (open != stdin) std::fclose(open);
    }
  };
  std::unique_ptr<std::FILE, closer> file_{};
  std::string name_{};
  std::uint64_t size_ = 0;
};

/// A file that is there whole or not at all: it is written under another name beside its place,
/// and gets its own when it is complete and on disk. It goes there past the page cache, where that
/// is possible: half of the time of an export went into copying it there, and into the sync at its
/// end. Standard output, and what is no regular file, is written to as it is.
class output_file {
 public:
  /// Errors:  file_error, disk_full.
  static annals::result<output_file> create(const std::string& name);
  output_file(output_file&& other) noexcept;
  output_file& operator=(output_file&&) = delete;
  /// Removes what is not complete.
  ~output_file();

  annals::result<void> write(std::string_view bytes);
  /// All was written: syncs, and gives the file its name.
  annals::result<void> complete();

 private:
  struct free_memory {
    void operator()(std::byte* memory) const noexcept;
  };

  output_file() = default;
  annals::result<void> flush(std::size_t bytes);

  std::string name_{};
  std::string temporary_{};               // empty: written in place
  std::unique_ptr<annals::file> file_{};  // null: `stream_`
  std::FILE* stream_ = nullptr;
  std::unique_ptr<std::byte, free_memory> buffer_{};  // at an address that suits the file
  std::size_t buffered_ = 0;                          // bytes in it
  std::uint64_t offset_ = 0;                          // bytes written
};

}  // namespace annals_cli
