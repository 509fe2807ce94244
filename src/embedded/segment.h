#pragma once

#include <memory>
#include <string>
#include <vector>

#include "annals/env.h"
#include "format.h"
#include "recent_bytes.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Bytes at an address that suits unbuffered files, with 64 readable bytes behind them.
class aligned_bytes {
 public:
  explicit aligned_bytes(std::size_t size);

  std::byte* data() noexcept { return memory_.get(); }
  const std::byte* data() const noexcept { return memory_.get(); }
  std::size_t size() const noexcept { return size_; }
  std::span<std::byte> bytes() noexcept { return {memory_.get(), size_}; }

 private:
  struct free_aligned {
    void operator()(std::byte* memory) const noexcept;
  };
  std::unique_ptr<std::byte, free_aligned> memory_;
  std::size_t size_;
};

/// A segment of the log that is in use: what its header says, and its file.
///
/// Threads: immutable; the files and what was mapped may be used from any thread.
struct segment {
  segment_header header{};
  std::string path{};
  std::shared_ptr<file> reader{};  // buffered
  std::unique_ptr<file> direct{};  // past the page cache; in read-only stores, while it is written
  std::unique_ptr<file> writer{};  // durable; null in read-only stores and for sealed segments
  mutable recent_bytes bytes{};    // of the reader's file

  std::uint32_t seed() const noexcept { return seed_of(header.salt); }
  std::uint64_t number() const noexcept { return header.number; }
  std::uint64_t capacity() const noexcept { return header.capacity; }
  /// What offsets and lengths of writes are multiples of.
  std::size_t write_unit() const noexcept { return writer->alignment() == 1 ? 1 : block_bytes; }
};

/// What a process does with a store: at any time one writes, and any number read.
enum class role : std::uint8_t { writer, reader };

/// Where things stand in a store's directory.
struct store_paths {
  std::string root{};

  std::string marker() const { return root + "/ANNALS"; }
  std::string lock() const { return root + "/LOCK"; }
  std::string closed() const { return root + "/CLOSED"; }
  std::string state() const { return root + "/STATE"; }
  std::string log() const { return root + "/log"; }
  std::string indexes() const { return root + "/idx"; }
  std::string manifest() const { return root + "/MANIFEST"; }
  std::string snapshots() const { return root + "/snap"; }
  std::string lost() const { return root + "/lost"; }
  std::string segment(std::uint64_t number) const;
  /// The file of zeros that becomes a segment.
  std::string zeroed(std::uint64_t number) const;
  std::string snapshot_file(std::uint64_t number) const;
  std::string snapshot_table() const { return snapshots() + "/table"; }
  std::string segment_index(std::uint64_t number) const;
  /// The run over these segments.
  std::string run(std::uint64_t first, std::uint64_t last) const;
};

/// The number in a name like "000000000042.seg"; 0 for another name.
std::uint64_t number_in_name(std::string_view name, std::string_view ending) noexcept;
/// The numbers in the names of a folder that end so, ascending.
///
/// Errors:  database_error, also when the folder is not there.
result<std::vector<std::uint64_t>> numbers_in(env& environment, const std::string& folder,
                                              std::string_view ending);
/// The same; none when the folder is not there.
result<std::vector<std::uint64_t>> numbers_if_any(env& environment, const std::string& folder,
                                                  std::string_view ending);

/// The size of segment `number`: doubling from 4 MiB up to the configured one.
std::uint64_t planned_capacity(std::uint64_t number, std::uint64_t segment_bytes) noexcept;

struct snapshot_file_header;
/// The 4,096 bytes of a header block: a structure, zeros, and a CRC in the last four.
template <class Header>
aligned_bytes header_block(const Header& header);
extern template aligned_bytes header_block(const segment_header&);
extern template aligned_bytes header_block(const store_mark&);
extern template aligned_bytes header_block(const snapshot_file_header&);

/// True when the CRC in the last four bytes of a header block holds.
bool header_block_holds(std::span<const std::byte, block_bytes> block) noexcept;

/// Reads a segment's header block.
///
/// Errors:  store_corrupt naming the file and what does not match, store_too_new, database_error.
result<segment_header> read_segment_header(file& from, const std::string& path,
                                           const uuid& store_id, std::uint64_t number);

/// Fills a part of a durable file with zeros, durably.
result<void> write_zeros(file& to, std::uint64_t from, std::uint64_t end);
/// Fills a stretch of a durable file with zeros, durably; it need not begin or end with a block.
/// What stands before it in its first block stays, up to the end of its last one there are zeros.
result<void> zero_stretch(file& to, std::uint64_t from, std::uint64_t end);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
