#include "segment.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <new>

#include "bytes.h"
#include "crc32c.h"
#include "snapshot_format.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::uint64_t first_segment_bytes = 4U << 20U;
constexpr std::size_t number_digits = 12;
constexpr std::size_t crc_offset = block_bytes - sizeof(std::uint32_t);

// Zeros are written from here. Never written to, hence never given memory by the system.
constexpr std::size_t zero_bytes = 1U << 20U;
alignas(block_bytes) std::byte zeros[zero_bytes];

std::string numbered(const std::string& folder, std::uint64_t number, std::string_view ending) {
  auto digits = std::to_string(number);
  if (digits.size() < number_digits) digits.insert(0, number_digits - digits.size(), '0');
  return folder + '/' + digits + std::string(ending);
}

std::unexpected<error> damaged(const std::string& path, std::string_view what) {
  return fail(errc::store_corrupt,
              path + ": " + std::string(what) + "; restore this file from a backup of the store");
}

}  // namespace

aligned_bytes::aligned_bytes(std::size_t size)
    : memory_(static_cast<std::byte*>(
          ::operator new(size + readable_after_payload, std::align_val_t{block_bytes}))),
      size_(size) {
  std::memset(memory_.get() + size, 0, readable_after_payload);
}

void aligned_bytes::free_aligned::operator()(std::byte* memory) const noexcept {
  ::operator delete(memory, std::align_val_t{block_bytes});
}

std::string store_paths::segment(std::uint64_t number) const {
  return numbered(log(), number, ".seg");
}
std::string store_paths::zeroed(std::uint64_t number) const {
  return numbered(log(), number, ".zero");
}
std::string store_paths::segment_index(std::uint64_t number) const {
  return numbered(indexes(), number, ".six");
}
std::string store_paths::run(std::uint64_t first, std::uint64_t last) const {
  return numbered(indexes(), first, "-") + numbered({}, last, ".run").substr(1);
}
std::string store_paths::snapshot_file(std::uint64_t number) const {
  return numbered(snapshots(), number, ".snap");
}

std::uint64_t number_in_name(std::string_view name, std::string_view ending) noexcept {
  if (name.size() < number_digits + ending.size() || !name.ends_with(ending)) return 0;
  name.remove_suffix(ending.size());
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(name.begin(), name.end(), number);
  return problem == std::errc{} && end == name.end() ? number : 0;
}

result<std::vector<std::uint64_t>> numbers_in(env& environment, const std::string& folder,
                                              std::string_view ending) {
  const auto names = environment.list(folder);
  if (!names) return std::unexpected(names.error());
  std::vector<std::uint64_t> numbers;
  for (const auto& name : *names)
    if (const auto number = number_in_name(name, ending); number != 0) numbers.push_back(number);
  std::ranges::sort(numbers);
  return numbers;
}

result<std::vector<std::uint64_t>> numbers_if_any(env& environment, const std::string& folder,
                                                  std::string_view ending) {
  const auto there = environment.exists(folder);
  if (!there) return std::unexpected(there.error());
  if (!*there) return std::vector<std::uint64_t>{};
  return numbers_in(environment, folder, ending);
}

std::uint64_t planned_capacity(std::uint64_t number, std::uint64_t segment_bytes) noexcept {
  constexpr std::uint64_t doublings = 10;  // 4 MiB to 4 GiB, the largest that can be configured
  const auto grown = first_segment_bytes << std::min(number - 1, doublings);
  return std::min(grown, segment_bytes);
}

template <class Header>
aligned_bytes header_block(const Header& header) {
  aligned_bytes block(block_bytes);
  std::memset(block.data(), 0, block_bytes);
  write_as(block.data(), header);
  write_as(block.data() + crc_offset, crc32c(0, block.bytes().first(crc_offset)));
  return block;
}
template aligned_bytes header_block(const segment_header&);
template aligned_bytes header_block(const store_mark&);
template aligned_bytes header_block(const snapshot_file_header&);

bool header_block_holds(std::span<const std::byte, block_bytes> block) noexcept {
  return crc32c(0, block.first(crc_offset)) == read_as<std::uint32_t>(block.data() + crc_offset);
}

result<segment_header> read_segment_header(file& from, const std::string& path,
                                           const uuid& store_id, std::uint64_t number) {
  aligned_bytes block(block_bytes);
  const auto got = from.read_at(0, block.bytes());
  if (!got) return std::unexpected(got.error());
  if (*got < block_bytes) return damaged(path, "the file is shorter than a segment's header");
  const auto header = read_as<segment_header>(block.data());
  if (header.magic != segment_header{}.magic) return damaged(path, "this is no segment of a log");
  if (header.version > format_version || header.incompatible != 0)
    return fail(errc::store_too_new, path + " has format version " +
                                         std::to_string(header.version) + ", this program knows " +
                                         std::to_string(format_version) + "; use a newer program");
  if (!header_block_holds(std::span<const std::byte, block_bytes>(block.data(), block_bytes)))
    return damaged(path, "the CRC of the header does not hold");
  if (header.version < format_version)
    return damaged(path, "the segment has format version " + std::to_string(header.version));
  if (header.store_id != store_id)
    return damaged(path, "the segment belongs to store " + header.store_id.to_string() +
                             ", not to " + store_id.to_string());
  if (header.number != number)
    return damaged(path, "the segment has the number " + std::to_string(header.number));
  const auto size = from.size();
  if (!size) return std::unexpected(size.error());
  if (*size != header.capacity || header.header_length != block_bytes)
    return damaged(path, "the file has " + std::to_string(*size) + " bytes, its header says " +
                             std::to_string(header.capacity));
  return header;
}

result<void> write_zeros(file& to, std::uint64_t from, std::uint64_t end) {
  while (from < end) {
    const auto part = std::min<std::uint64_t>(end - from, zero_bytes);
    auto written = to.write_at(from, std::span(zeros).first(static_cast<std::size_t>(part)));
    if (!written) return written;
    from += part;
  }
  return {};
}

result<void> zero_stretch(file& to, std::uint64_t from, std::uint64_t end) {
  const std::uint64_t block = round_down(from, block_bytes);
  aligned_bytes first(block_bytes);
  const auto got = to.read_at(block, first.bytes());
  if (!got) return std::unexpected(got.error());
  std::ranges::fill(first.bytes().subspan(static_cast<std::size_t>(from - block)), std::byte{0});
  auto written = to.write_at(block, first.bytes());
  if (written) written = write_zeros(to, block + block_bytes, round_up(end, block_bytes));
  if (written) written = to.sync();
  return written;
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
