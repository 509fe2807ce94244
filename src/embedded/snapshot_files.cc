#include "snapshot_files.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "annals/env.h"
#include "bytes.h"
#include "crc32c.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::uint64_t rewritten_from = 4U << 20U;  // bytes of records that do not count

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

result<std::optional<snapshot_record>> read_snapshot_record(file& from, std::uint64_t offset,
                                                            std::uint64_t size,
                                                            std::uint32_t seed) {
  if (offset + sizeof(snapshot_record) > size) return std::optional<snapshot_record>{};
  std::array<std::byte, sizeof(snapshot_record)> bytes{};
  const auto got = from.read_at(offset, bytes);
  if (!got) return std::unexpected(got.error());
  const auto record = read_as<snapshot_record>(bytes.data());
  const bool holds = record.length >= sizeof record && record.length % 8 == 0 &&
                     record.length <= size - offset && header_crc(record, seed) == record.crc &&
                     record.state_length <= record.length &&
                     padded(record.state_length) == record.length - sizeof record;
  return holds ? std::optional(record) : std::nullopt;
}

result<std::optional<std::vector<std::byte>>> read_snapshot_state(file& from, std::uint64_t offset,
                                                                  const snapshot_record& record,
                                                                  std::uint32_t seed) {
  std::vector<std::byte> state(static_cast<std::size_t>(record.length - sizeof record));
  const auto got = from.read_at(offset + sizeof record, state);
  if (!got) return std::unexpected(got.error());
  if (*got < state.size() || crc32c(seed, state) != record.state_crc)
    return std::optional<std::vector<std::byte>>{};
  state.resize(static_cast<std::size_t>(record.state_length));  // without the padding
  return std::optional(std::move(state));
}

void snapshot_files::note(const key& of, found at) {
  bytes_ += at.record.length;
  auto& newest = newest_[of];
  if (newest.in && newest.record.version > at.record.version) return;
  if (newest.in) live_bytes_ -= newest.record.length;
  live_bytes_ += at.record.length;
  newest = std::move(at);
}

result<void> snapshot_files::open() {
  const std::scoped_lock lock(mutex_);
  if (auto read = read_new_files(); !read) return read;
  return role_ == role::reader ? result<void>{} : rewrite_when_mostly_dead();
}

result<void> snapshot_files::read_new_files() {
  const auto there = env_.exists(paths_.snapshots());
  if (!there) return std::unexpected(there.error());
  if (!*there) return {};
  const auto names = env_.list(paths_.snapshots());
  if (!names) return std::unexpected(names.error());
  std::vector<std::uint64_t> numbers;
  for (const auto& name : *names)
    if (const auto number = number_in_name(name, ".snap"); number >= next_number_)
      numbers.push_back(number);
  std::ranges::sort(numbers);
  for (const auto number : numbers)
    if (auto read = read_file(number); !read) return read;
  return {};
}

result<void> snapshot_files::read_file(std::uint64_t number) {
  auto file_of = std::make_shared<snapshot_file>();
  file_of->path = paths_.snapshot_file(number);
  auto opened = env_.open(file_of->path, role_ == role::reader ? file_mode::read : file_mode::write,
                          write_through::none);
  if (!opened) {
    // A writer that opens the store may just have rewritten and removed it.
    const auto there = env_.exists(file_of->path);
    if (role_ == role::reader && there && !*there) return {};
    return std::unexpected(opened.error());
  }
  file_of->opened = std::move(*opened);
  const auto header = read_snapshot_header(*file_of->opened, store_id_);
  if (!header) return std::unexpected(header.error());
  current_.reset();
  // A reader looks again at one whose header has yet to be written.
  if (*header || role_ == role::writer) next_number_ = number + 1;
  if (!*header) return {};
  file_of->seed = seed_of((*header)->salt);
  files_.push_back(file_of);
  end_ = block_bytes;
  return read_records();
}

// Of the last file, from where they were read to.
result<void> snapshot_files::read_records() {
  const auto& file_of = files_.back();
  const auto size = file_of->opened->size();
  if (!size) return std::unexpected(size.error());
  for (;;) {
    const auto record = read_snapshot_record(*file_of->opened, end_, *size, file_of->seed);
    if (!record) return std::unexpected(record.error());
    if (!*record) break;
    note({(*record)->stream_key, (*record)->shape}, {file_of, end_, **record});
    end_ += (*record)->length;
  }
  // Behind something unreadable nothing is added: the next one begins a new file.
  if (end_ == *size) current_ = file_of;
  return {};
}

result<std::shared_ptr<snapshot_files::snapshot_file>> snapshot_files::make_file() {
  if (auto made = env_.create_directories(paths_.snapshots()); !made)
    return std::unexpected(made.error());
  auto file_of = std::make_shared<snapshot_file>();
  file_of->path = paths_.snapshot_file(next_number_);
  auto opened = env_.open(file_of->path, file_mode::create, write_through::none);
  if (!opened) return std::unexpected(opened.error());
  file_of->opened = std::move(*opened);
  std::array<std::uint8_t, sizeof(std::uint64_t)> salt{};
  env_.random(salt);
  snapshot_file_header header{.store_id = store_id_, .number = next_number_};
  std::memcpy(&header.salt, salt.data(), sizeof header.salt);
  ++next_number_;
  const auto block = header_block(header);
  if (auto written = file_of->opened->write_at(0, {block.data(), block.size()}); !written)
    return std::unexpected(written.error());
  file_of->seed = seed_of(header.salt);
  return file_of;
}

// Fills in the record's CRCs.
result<void> snapshot_files::write_record(snapshot_file& to, std::uint64_t offset,
                                          snapshot_record& record,
                                          std::span<const std::byte> state) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(record.length));
  std::ranges::copy(state, bytes.begin() + sizeof record);
  record.state_crc = crc32c(to.seed, std::span(bytes).subspan(sizeof record));
  record.crc = header_crc(record, to.seed);
  write_as(bytes.data(), record);
  return to.opened->write_at(offset, bytes);
}

result<void> snapshot_files::save(const uuid& stream_key, const snapshot_write& write) {
  const std::scoped_lock lock(mutex_);
  if (!current_) {
    auto made = make_file();
    if (!made) return std::unexpected(made.error());
    current_ = *made;
    files_.push_back(current_);
    end_ = block_bytes;
  }
  snapshot_record record{.length = sizeof(snapshot_record) + padded(write.state.size()),
                         .stream_key = stream_key,
                         .last_event = write.last_event,
                         .shape = write.shape,
                         .version = write.version.number,
                         .saved = env_.now().time_since_epoch().count(),
                         .state_length = write.state.size()};
  if (auto written = write_record(*current_, end_, record, write.state); !written) {
    current_.reset();  // what stands there now is unknown
    return written;
  }
  const auto at = std::exchange(end_, end_ + record.length);
  note({stream_key, write.shape}, {current_, at, record});
  return {};
}

result<std::optional<std::vector<std::byte>>> snapshot_files::read_state(const found& at) {
  return read_snapshot_state(*at.in->opened, at.offset, at.record, at.in->seed);
}

result<std::optional<snapshot>> snapshot_files::load(const uuid& stream_key, std::uint64_t shape) {
  found at;
  {
    const std::scoped_lock lock(mutex_);
    if (role_ == role::reader) {
      if (!files_.empty())
        if (auto more = read_records(); !more) return std::unexpected(more.error());
      if (auto more = read_new_files(); !more) return std::unexpected(more.error());
    }
    const auto newest = newest_.find({stream_key, shape});
    if (newest == newest_.end()) return std::optional<snapshot>{};
    at = newest->second;
  }
  auto state = read_state(at);
  if (!state) return std::unexpected(state.error());
  if (!*state) return std::optional<snapshot>{};
  return std::optional(
      snapshot{{at.record.version}, at.record.last_event, at.record.shape, std::move(**state)});
}

result<void> snapshot_files::rewrite_when_mostly_dead() {
  const std::uint64_t dead = bytes_ - live_bytes_;
  if (dead < rewritten_from || dead < live_bytes_) return {};
  auto made = make_file();
  if (!made) return std::unexpected(made.error());
  std::uint64_t offset = block_bytes;
  std::map<key, found> moved;
  for (const auto& [of, at] : newest_) {
    const auto state = read_state(at);
    if (!state) return std::unexpected(state.error());
    if (!*state) continue;
    auto record = at.record;
    if (auto written = write_record(**made, offset, record, **state); !written) return written;
    moved[of] = {*made, offset, record};
    offset += record.length;
  }
  auto done = (*made)->opened->sync();
  if (done) done = env_.sync_directory(paths_.snapshots());
  for (const auto& old : files_)
    if (done) done = env_.remove(old->path);
  if (!done) return done;
  newest_ = std::move(moved);
  files_ = {*made};
  current_ = *made;
  end_ = offset;
  bytes_ = live_bytes_ = offset - block_bytes;
  return {};
}

result<void> snapshot_files::close() {
  const std::scoped_lock lock(mutex_);
  if (!current_) return {};
  auto synced = current_->opened->sync();
  if (synced) synced = env_.sync_directory(paths_.snapshots());
  return synced;
}

result<snapshot_file_content> examine_snapshot_file(env& environment, const std::string& path,
                                                    const uuid& store_id) {
  auto opened = environment.open(path, file_mode::read, write_through::none);
  if (!opened) return std::unexpected(opened.error());
  const auto size = (*opened)->size();
  if (!size) return std::unexpected(size.error());
  snapshot_file_content content{.size = *size};
  const auto header = read_snapshot_header(**opened, store_id);
  if (!header) return std::unexpected(header.error());
  if (!*header) {
    content.damage.push_back(
        path + ": the header of the snapshot file does not hold; its snapshots are ignored");
    return content;
  }
  std::uint64_t offset = block_bytes;
  const std::uint32_t seed = seed_of((*header)->salt);
  for (;;) {
    const auto record = read_snapshot_record(**opened, offset, *size, seed);
    if (!record) return std::unexpected(record.error());
    if (!*record) break;
    const auto state = read_snapshot_state(**opened, offset, **record, seed);
    if (!state) return std::unexpected(state.error());
    ++content.snapshots;
    if (!*state)
      content.damage.push_back(path + ": the snapshot at offset " + std::to_string(offset) +
                               " does not hold its CRC; it is ignored");
    offset += (*record)->length;
  }
  content.left = *size - offset;
  return content;
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
