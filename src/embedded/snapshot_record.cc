#include "snapshot_record.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "bytes.h"
#include "crc32c.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::uint64_t bytes_at_once = 64U << 10U;

std::uint32_t header_crc(const snapshot_record& record, std::uint32_t seed) noexcept {
  std::array<std::byte, sizeof record> bytes{};
  write_as(bytes.data(), record);
  constexpr std::size_t crc_at = offsetof(snapshot_record, crc);
  constexpr std::size_t after = offsetof(snapshot_record, state_crc);
  return crc32c(crc32c(seed, std::span(bytes).first(crc_at)), std::span(bytes).subspan(after));
}

}  // namespace

result<std::optional<snapshot_file_header>> read_snapshot_header(file& from, const uuid& store_id) {
  aligned_bytes block(block_bytes);
  const auto got = from.read_at(0, block.bytes());
  if (!got) return std::unexpected(got.error());
  if (*got < block_bytes) return std::optional<snapshot_file_header>{};
  const auto header = read_as<snapshot_file_header>(block.data());
  const bool ours =
      header.magic == snapshot_file_header{}.magic && header.version == format_version &&
      header.store_id == store_id &&
      header_block_holds(std::span<const std::byte, block_bytes>(block.data(), block_bytes));
  return ours ? std::optional(header) : std::nullopt;
}

std::vector<std::byte> encode_snapshot(snapshot_record& record, std::span<const std::byte> state,
                                       std::uint32_t seed) {
  record.length = sizeof record + padded(state.size());
  record.state_length = state.size();
  std::vector<std::byte> bytes(static_cast<std::size_t>(record.length));
  copy_bytes(bytes.data() + sizeof record, state);
  record.state_crc = crc32c(seed, std::span(bytes).subspan(sizeof record));
  record.crc = header_crc(record, seed);
  write_as(bytes.data(), record);
  return bytes;
}

std::optional<snapshot_record> snapshot_record_in(std::span<const std::byte> bytes,
                                                  std::uint64_t room, std::uint32_t seed) noexcept {
  if (bytes.size() < sizeof(snapshot_record)) return std::nullopt;
  const auto record = read_as<snapshot_record>(bytes.data());
  const bool holds = record.length >= sizeof record && record.length % 8 == 0 &&
                     record.length <= room && header_crc(record, seed) == record.crc &&
                     record.state_length <= record.length &&
                     padded(record.state_length) == record.length - sizeof record;
  return holds ? std::optional(record) : std::nullopt;
}

std::optional<snapshot> snapshot_in(std::span<const std::byte> bytes, std::uint32_t seed) {
  const auto record = snapshot_record_in(bytes, bytes.size(), seed);
  if (!record) return std::nullopt;
  const auto padded_state =
      bytes.first(static_cast<std::size_t>(record->length)).subspan(sizeof(snapshot_record));
  if (crc32c(seed, padded_state) != record->state_crc) return std::nullopt;
  const auto state = padded_state.first(static_cast<std::size_t>(record->state_length));
  return snapshot{{record->version},
                  record->last_event,
                  record->shape,
                  std::vector<std::byte>(state.begin(), state.end())};
}

result<bool> snapshot_cursor::next() {
  if (end_ + sizeof(snapshot_record) > size_) return false;
  const auto seen = window(end_, sizeof(snapshot_record));
  if (!seen) return std::unexpected(seen.error());
  const auto record = snapshot_record_in(*seen, size_ - end_, seed_);
  if (!record) return false;
  record_ = *record;
  offset_ = end_;
  end_ += record->length;
  return true;
}

result<std::span<const std::byte>> snapshot_cursor::bytes() {
  return window(offset_, record_.length);
}

// A part of the file; shorter where that ends.
result<std::span<const std::byte>> snapshot_cursor::window(std::uint64_t offset,
                                                           std::uint64_t length) {
  const auto wanted = static_cast<std::size_t>(std::min(length, size_ - offset));
  if (offset < held_from_ || offset + wanted > held_from_ + held_.size()) {
    held_.resize(
        static_cast<std::size_t>(std::min(std::max(bytes_at_once, length), size_ - offset)));
    held_from_ = offset;
    const auto got = from_.read_at(offset, held_);
    if (!got) return std::unexpected(got.error());
    held_.resize(*got);
  }
  const auto at = static_cast<std::size_t>(offset - held_from_);
  return std::span(held_).subspan(at, std::min(wanted, held_.size() - at));
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
