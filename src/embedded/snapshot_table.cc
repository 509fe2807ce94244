#include "snapshot_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "bytes.h"
#include "crc32c.h"
#include "xxh3.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::uint32_t clean_flag = 1;
constexpr std::uint32_t doubtful_flag = 2;
constexpr std::uint32_t replaced_flag = 4;

constexpr unsigned offset_bits = 36;  // of a place, in units of 8 bytes
constexpr std::uint64_t most_pages = std::uint64_t{1} << 40U;

std::uint64_t packed(const snapshot_place& at) noexcept {
  return at.file << offset_bits | at.offset / 8;
}

snapshot_place unpacked(std::uint64_t value, std::uint32_t length) noexcept {
  return {.file = value >> offset_bits,
          .offset = (value & ((std::uint64_t{1} << offset_bits) - 1)) * 8,
          .length = std::uint64_t{length} * 8};
}

snapshot_slot slot_of(std::uint64_t hash, const kept_snapshots& kept) noexcept {
  return {.hash = hash,
          .newest = packed(kept.newest),
          .previous = packed(kept.previous),
          .newest_length = static_cast<std::uint32_t>(kept.newest.length / 8),
          .previous_length = static_cast<std::uint32_t>(kept.previous.length / 8)};
}

std::uint32_t crc_of(const snapshot_table_header& header) noexcept {
  std::array<std::byte, sizeof header> bytes{};
  write_as(bytes.data(), header);
  return crc32c(0, std::span(bytes).first(offsetof(snapshot_table_header, crc)));
}

bool holds(const snapshot_table_header& header, const uuid& store_id) noexcept {
  return header.magic == snapshot_table_header{}.magic && header.version == format_version &&
         header.store_id == store_id && header.crc == crc_of(header) &&
         std::has_single_bit(header.pages) && header.pages <= most_pages;
}

/// Where a hash stands in its page, or would stand; null when the page is full.
template <class Page>
auto* find_slot(Page& in, std::uint64_t hash) noexcept {
  constexpr std::uint64_t slots = snapshot_table::slots_per_page;
  for (std::uint64_t i = 0; i < slots; ++i) {
    auto& slot = in[(hash + i) % slots];
    if (slot.newest == 0 || slot.hash == hash) return &slot;
  }
  return static_cast<decltype(&in[0])>(nullptr);
}

std::uint64_t offset_of_page(std::uint64_t number) noexcept {
  return (number + 1) * snapshot_table::page_bytes;  // behind the header
}

}  // namespace

kept_snapshots kept_in(const snapshot_slot& slot) noexcept {
  return {unpacked(slot.newest, slot.newest_length), unpacked(slot.previous, slot.previous_length)};
}

snapshot_table::snapshot_table(env& environment, store_paths paths, std::unique_ptr<file> opened,
                               const snapshot_table_header& header)
    : env_(environment),
      paths_(std::move(paths)),
      file_(std::move(opened)),
      header_(header),
      ledger_{.file = header.file,
              .end = header.end,
              .counting_bytes = header.counting_bytes,
              .clean = (header.flags & clean_flag) != 0,
              .doubtful = (header.flags & doubtful_flag) != 0} {}

result<std::shared_ptr<snapshot_table>> snapshot_table::open(env& environment,
                                                             const store_paths& paths,
                                                             const uuid& store_id, role plays) {
  const auto path = paths.snapshot_table();
  const auto there = environment.exists(path);
  if (!there) return std::unexpected(there.error());
  if (!*there) return nullptr;
  auto opened = environment.open(path, plays == role::reader ? file_mode::read : file_mode::write,
                                 write_through::none);
  if (!opened) return std::unexpected(opened.error());
  std::array<std::byte, sizeof(snapshot_table_header)> bytes{};
  const auto got = (*opened)->read_at(0, bytes);
  if (!got) return std::unexpected(got.error());
  const auto header = read_as<snapshot_table_header>(bytes.data());
  const auto size = (*opened)->size();
  if (!size) return std::unexpected(size.error());
  if (!holds(header, store_id) || *size < offset_of_page(header.pages)) return nullptr;
  return std::shared_ptr<snapshot_table>(
      new snapshot_table(environment, paths, std::move(*opened), header));
}

result<std::shared_ptr<snapshot_table>> snapshot_table::create(env& environment,
                                                               const store_paths& paths,
                                                               const uuid& store_id) {
  snapshot_table_header header{.store_id = store_id, .pages = 1};
  std::array<std::uint8_t, sizeof header.hash_seed> seed{};
  environment.random(seed);
  std::memcpy(&header.hash_seed, seed.data(), sizeof header.hash_seed);
  auto made = make(environment, paths, header);
  if (!made) return made;
  if (auto placed = (*made)->take_place(); !placed) return std::unexpected(placed.error());
  return made;
}

// Pages of which nothing was written read as zeros; they are no blocks of the disk.
result<std::shared_ptr<snapshot_table>> snapshot_table::make(env& environment,
                                                             const store_paths& paths,
                                                             const snapshot_table_header& header) {
  const auto path = paths.snapshot_table() + ".tmp";
  const auto there = environment.exists(path);
  if (!there) return std::unexpected(there.error());
  if (*there)
    if (auto removed = environment.remove(path); !removed) return std::unexpected(removed.error());
  auto opened = environment.open(path, file_mode::create, write_through::none);
  if (!opened) return std::unexpected(opened.error());
  if (auto sized = (*opened)->truncate(offset_of_page(header.pages)); !sized)
    return std::unexpected(sized.error());
  return std::shared_ptr<snapshot_table>(
      new snapshot_table(environment, paths, std::move(*opened), header));
}

result<void> snapshot_table::take_place() {
  auto done = note(ledger_);
  if (done) done = env_.rename(paths_.snapshot_table() + ".tmp", paths_.snapshot_table());
  return done;
}

std::uint64_t snapshot_table::hash_of(const uuid& stream_key, std::uint64_t shape) const noexcept {
  std::array<std::byte, sizeof stream_key + sizeof shape> bytes{};
  write_as(bytes.data(), stream_key);
  write_as(bytes.data() + sizeof stream_key, shape);
  return xxh3_64(header_.hash_seed, bytes);
}

// By its first bits, so that a page becomes two neighbours when pages double.
std::uint64_t snapshot_table::page_of(std::uint64_t hash) const noexcept {
  const int bits = std::countr_zero(header_.pages);
  return bits == 0 ? 0 : hash >> (64 - bits);
}

result<snapshot_table::page> snapshot_table::read_page(std::uint64_t number) const {
  page read{};
  const auto got = file_->read_at(offset_of_page(number), std::as_writable_bytes(std::span(read)));
  if (!got) return std::unexpected(got.error());
  return read;
}

result<kept_snapshots> snapshot_table::find(std::uint64_t hash) const {
  const auto in = read_page(page_of(hash));
  if (!in) return std::unexpected(in.error());
  const auto* slot = find_slot(*in, hash);
  return slot == nullptr || slot->newest == 0 ? kept_snapshots{} : kept_in(*slot);
}

result<bool> snapshot_table::put(std::uint64_t hash, const kept_snapshots& kept, bool replaced) {
  const auto number = page_of(hash);
  auto in = read_page(number);
  if (!in) return std::unexpected(in.error());
  auto* slot = find_slot(*in, hash);
  if (slot == nullptr && !replaced) return false;
  if (slot == nullptr) slot = &(*in)[hash % slots_per_page];
  *slot = slot_of(hash, kept);
  const auto at = static_cast<std::size_t>(slot - in->data()) * sizeof *slot;
  const auto bytes = std::as_bytes(std::span(slot, 1));
  if (auto put = file_->write_at(offset_of_page(number) + at, bytes); !put)
    return std::unexpected(put.error());
  return true;
}

result<std::shared_ptr<snapshot_table>> snapshot_table::doubled() {
  auto header = header_;
  header.pages *= 2;
  auto made = make(env_, paths_, header);
  if (!made) return made;
  for (std::uint64_t number = 0; number < header_.pages; ++number) {
    const auto old = read_page(number);
    if (!old) return std::unexpected(old.error());
    std::array<page, 2> halves{};
    for (const auto& slot : *old)
      if (slot.newest != 0) *find_slot(halves[(*made)->page_of(slot.hash) & 1U], slot.hash) = slot;
    if (auto put =
            (*made)->file_->write_at(offset_of_page(2 * number), std::as_bytes(std::span(halves)));
        !put)
      return std::unexpected(put.error());
  }
  if (auto placed = (*made)->take_place(); !placed) return std::unexpected(placed.error());
  header_.flags |= replaced_flag;  // readers that have it open look for the other
  if (auto told = write_header(); !told) return std::unexpected(told.error());
  return made;
}

bool snapshot_table::is_of_this_boot() const {
  const auto boot = env_.boot_id();
  return boot != uuid{} && header_.boot_id == boot;
}

result<void> snapshot_table::note(const snapshot_ledger& now) {
  ledger_ = now;
  header_.boot_id = env_.boot_id();
  header_.file = now.file;
  header_.end = now.end;
  header_.counting_bytes = now.counting_bytes;
  header_.flags = (now.clean ? clean_flag : 0) | (now.doubtful ? doubtful_flag : 0);
  return write_header();
}

result<void> snapshot_table::write_header() {
  header_.crc = crc_of(header_);
  std::array<std::byte, sizeof header_> bytes{};
  write_as(bytes.data(), header_);
  return file_->write_at(0, bytes);
}

result<bool> snapshot_table::is_replaced() const {
  std::array<std::byte, sizeof header_> bytes{};
  const auto got = file_->read_at(0, bytes);
  if (!got) return std::unexpected(got.error());
  const auto now = read_as<snapshot_table_header>(bytes.data());
  return now.crc != crc_of(now) || (now.flags & replaced_flag) != 0;
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
