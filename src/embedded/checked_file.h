#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "annals/env.h"
#include "bytes.h"
#include "format.h"

namespace annals {
inline namespace v1 {
namespace embedded {

inline constexpr std::size_t checked_page_bytes = 4096;  // what one CRC covers

using file_magic = std::array<char, 8>;

/// What the header block of an index file begins with; docs/format.md, "Checked files".
struct checked_header {
  file_magic magic{};
  std::uint32_t version = format_version;
  std::uint32_t incompatible = 0;
  uuid store_id{};
  std::uint64_t first_segment = 0;
  std::uint64_t last_segment = 0;
  std::uint64_t length = 0;     // of the data; filled in by the writer
  std::uint32_t table_crc = 0;  // filled in by the writer
  std::uint32_t zero = 0;
  std::uint64_t hash_seed = 0;
};
static_assert(sizeof(checked_header) == 72);

/// By what `MANIFEST` knows a checked file.
struct checked_file_facts {
  std::uint64_t size = 0;    ///< bytes
  std::uint64_t digest = 0;  ///< XXH3 of its header block

  friend bool operator==(const checked_file_facts&, const checked_file_facts&) = default;
};

/// Writes an index file from its beginning to its end, under a temporary name until it is whole.
/// Keeps four bytes per 4 KiB in memory, and a buffer of 1 MiB.
///
/// Errors:  disk_full, database_error; the temporary file stays and is replaced by the next
/// attempt. Threads: one.
class checked_file_writer {
 public:
  /// Begins a file that will have the name `path`.
  static result<checked_file_writer> create(env& environment, const std::string& path);

  /// Appends to the data.
  result<void> add(std::span<const std::byte> data);
  std::uint64_t length() const noexcept { return written_ + buffer_.size(); }

  /// Completes the file with its header block, in which `fields` follow the header. The file, and
  /// its name, are durable when this returns.
  template <class Fields>
    requires std::has_unique_object_representations_v<Fields>
  result<checked_file_facts> finish(const checked_header& header, const Fields& fields) {
    static_assert(sizeof(checked_header) + sizeof fields <= block_bytes - sizeof(std::uint32_t));
    return finish_with(header, std::as_bytes(std::span(&fields, 1)));
  }

 private:
  checked_file_writer(env& environment, std::string path, std::unique_ptr<file> made);

  result<void> flush();
  result<checked_file_facts> finish_with(checked_header header, std::span<const std::byte> fields);

  env* env_;
  std::string path_;
  std::unique_ptr<file> file_;
  std::vector<std::byte> buffer_{};
  std::uint64_t written_ = 0;
  std::vector<std::uint32_t> table_{};
};

/// An index file, mapped; each page is checked before its first use.
///
/// Errors:  store_corrupt with path, offset and what is wrong; database_error for a disk that
/// cannot
///          be read.
/// Threads: any.
class checked_file {
 public:
  /// Maps a file and checks all but its data.
  ///
  /// Errors:  also store_too_new.
  static result<checked_file> open(env& environment, const std::string& path,
                                   const file_magic& magic, const uuid& store_id);

  const checked_header& header() const noexcept { return header_; }
  const checked_file_facts& facts() const noexcept { return facts_; }
  const std::string& path() const noexcept { return path_; }
  std::uint64_t length() const noexcept { return header_.length; }
  /// What follows the header in its block.
  template <class Fields>
  Fields fields() const noexcept {
    return read_as<Fields>(mapped_->bytes().data() + sizeof(checked_header));
  }

  /// A part of the data, valid as long as the file.
  result<std::span<const std::byte>> bytes(std::uint64_t offset, std::uint64_t length) const {
    if (offset > header_.length || length > header_.length - offset)
      return beyond_end(offset, length);
    if (const auto missing = unchecked(offset, length); !missing.empty()) {
      ask_for(missing);  // and no more
      if (auto checked = check(missing.begin, missing.end); !checked)
        return std::unexpected(checked.error());
    }
    return data().subspan(offset, length);
  }
  /// Says that a part of the data will be asked for soon; returns at once. False when it is in
  /// memory, as far as is known.
  bool expect(std::uint64_t offset, std::uint64_t length) const noexcept {
    const auto missing = unchecked(offset, length);
    if (missing.empty()) return false;
    ask_for(missing);
    return true;
  }
  /// Where the data is mapped, not to be looked at before bytes() has answered.
  const std::byte* mapped() const noexcept { return data().data(); }
  /// Checks all of the data, as it stands on the disk or in the system's cache now.
  result<void> check_all() const;

  /// Whether what was looked at was what the file holds; see mapping::check.
  ///
  /// Errors:  database_error.
  result<void> check_pages() const { return mapped_->check(); }

  /// An error that says what is wrong with this file.
  std::unexpected<error> damaged(std::string_view what) const;

 private:
  checked_file(std::string path, checked_file_facts facts, std::unique_ptr<mapping> mapped);

  static constexpr std::uint64_t pages_per_word = 64;

  std::span<const std::byte> data() const noexcept {
    return mapped_->bytes().subspan(block_bytes, header_.length);
  }
  // What is in the mapping does not change, so that no order is needed.
  bool was_checked(std::uint64_t page) const noexcept {
    const auto word = checked_[page / pages_per_word].load(std::memory_order_relaxed);
    return (word >> page % pages_per_word & 1U) != 0;
  }
  struct pages {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    bool empty() const noexcept { return begin >= end; }
  };
  /// Those of a part, from the first on that was not checked.
  pages unchecked(std::uint64_t offset, std::uint64_t length) const noexcept {
    pages of{offset / checked_page_bytes,
             (offset + length + checked_page_bytes - 1) / checked_page_bytes};
    while (!of.empty() && was_checked(of.begin)) ++of.begin;
    return of;
  }
  void ask_for(const pages& of) const noexcept {
    mapped_->expect(block_bytes + of.begin * checked_page_bytes,
                    (of.end - of.begin) * checked_page_bytes);
  }
  std::unexpected<error> beyond_end(std::uint64_t offset, std::uint64_t length) const;
  result<void> check(std::uint64_t page, std::uint64_t end) const;

  std::string path_;
  checked_file_facts facts_;
  std::unique_ptr<mapping> mapped_;
  checked_header header_;
  std::uint64_t table_at_;  // in the file
  std::unique_ptr<std::atomic<std::uint64_t>[]> checked_;
};

/// An error that says what is wrong with an index file or the manifest, and what to do.
std::unexpected<error> index_damaged(const std::string& path, std::string_view what);
/// An error for a file of a newer format.
std::unexpected<error> index_too_new(const std::string& path, std::uint32_t version);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
