#include "snapshot_files.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "annals/env.h"
#include "bytes.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::uint64_t file_bytes = 32U << 20U;   // a longer one is not begun
constexpr std::uint64_t cleaned_from = 4U << 20U;  // bytes of records that do not count
constexpr std::uint64_t read_unasked = 1U << 20U;  // longer ones must fit into their file

}  // namespace

result<void> snapshot_files::open() {
  const std::scoped_lock lock(saving_);
  auto opened = snapshot_table::open(env_, paths_, store_id_, role_);
  if (!opened) return std::unexpected(opened.error());
  set_table(*opened);
  if (role_ == role::reader) return {};  // it opens files as it needs them
  auto numbers = numbers_if_any(env_, paths_.snapshots(), ".snap");
  if (!numbers) return std::unexpected(numbers.error());
  std::erase_if(*numbers, [](auto number) { return number > snapshot_table::most_files; });
  for (const auto number : *numbers)
    if (auto counted = count_file(number); !counted) return counted;
  if (*opened == nullptr) return files_.empty() ? result<void>{} : rebuild(*numbers);
  const auto& ledger = (*opened)->ledger();
  const bool whole = ledger.clean || (*opened)->is_of_this_boot();
  doubtful_ = ledger.doubtful || !whole;
  counting_bytes_ = ledger.counting_bytes;
  next_number_ = std::max(next_number_, ledger.file + 1);
  return whole ? go_on_from(ledger) : result<void>{};
}

// Not where the machine stopped: nobody knows what stands behind the end there. A writer that was
// killed may have left records, and a file behind, that its table, or the table's header, does not
// know.
result<void> snapshot_files::go_on_from(const snapshot_ledger& ledger) {
  for (auto at = files_.lower_bound(ledger.file); at != files_.end(); ++at) {
    const auto begin = at->first == ledger.file ? ledger.end : std::uint64_t{block_bytes};
    const auto size = at->second->opened->size();
    if (!size) return std::unexpected(size.error());
    if (*size < begin) continue;
    const auto end = know_records(at->first, begin);
    if (!end) return std::unexpected(end.error());
    current_ = at->first;
    end_ = *end;
  }
  return {};
}

result<void> snapshot_files::count_file(std::uint64_t number) {
  next_number_ = std::max(next_number_, number + 1);
  const auto found = file_of(number);
  if (!found) return std::unexpected(found.error());
  if (*found == nullptr) return {};
  const auto size = (*found)->opened->size();
  if (!size) return std::unexpected(size.error());
  bytes_ += *size - std::min(*size, std::uint64_t{block_bytes});
  return {};
}

// Null when it is not there, or not one of this store.
result<snapshot_files::file_ptr> snapshot_files::open_file(std::uint64_t number) {
  auto made = std::make_shared<snapshot_file>();
  made->path = paths_.snapshot_file(number);
  const auto is_there = [&] { return env_.exists(made->path); };
  auto there = is_there();
  if (!there) return std::unexpected(there.error());
  if (!*there) return nullptr;
  auto opened = env_.open(made->path, role_ == role::reader ? file_mode::read : file_mode::write,
                          write_through::none);
  if (!opened) {
    // The writer may just have removed it.
    there = is_there();
    if (role_ == role::reader && there && !*there) return nullptr;
    return std::unexpected(opened.error());
  }
  made->opened = std::move(*opened);
  const auto header = read_snapshot_header(*made->opened, store_id_);
  if (!header) return std::unexpected(header.error());
  if (!*header) return nullptr;
  made->seed = seed_of((*header)->salt);
  return made;
}

result<snapshot_files::file_ptr> snapshot_files::file_of(std::uint64_t number) {
  {
    const std::scoped_lock lock(mutex_);
    if (const auto known = files_.find(number); known != files_.end()) return known->second;
  }
  auto opened = open_file(number);
  if (!opened || *opened == nullptr) return opened;
  const std::scoped_lock lock(mutex_);
  // Of those that the writer has removed a reader would keep the room.
  if (role_ == role::reader)
    std::erase_if(files_, [this](const auto& one) {
      const auto there = env_.exists(one.second->path);
      return there && !*there;
    });
  return files_.try_emplace(number, std::move(*opened)).first->second;
}

snapshot_files::table_ptr snapshot_files::table() const {
  const std::scoped_lock lock(mutex_);
  return table_;
}

void snapshot_files::set_table(table_ptr now) {
  const std::scoped_lock lock(mutex_);
  table_ = std::move(now);
}

// The writer may have made the first one, or a greater one, since.
result<snapshot_files::table_ptr> snapshot_files::table_to_read() {
  auto known = table();
  if (role_ == role::writer) return known;
  if (known != nullptr) {
    const auto replaced = known->is_replaced();
    if (!replaced) return std::unexpected(replaced.error());
    if (!*replaced) return known;
  }
  auto opened = snapshot_table::open(env_, paths_, store_id_, role_);
  if (opened) set_table(*opened);
  return opened;
}

// Looking.

void snapshot_files::expect(const uuid& stream_key, std::uint64_t shape) {
  const auto in = table();
  if (in == nullptr) return;
  const auto kept = in->find(in->hash_of(stream_key, shape));
  if (!kept || kept->newest.file == 0) return;
  const auto file = file_of(kept->newest.file);
  if (!file || *file == nullptr) return;
  (*file)->opened->expect(kept->newest.offset, std::min(kept->newest.length, read_unasked));
}

result<std::optional<snapshot>> snapshot_files::load(const uuid& stream_key, std::uint64_t shape,
                                                     const judge& usable) {
  kept_snapshots seen;
  for (;;) {
    const auto in = table_to_read();
    if (!in) return std::unexpected(in.error());
    if (*in == nullptr) return std::optional<snapshot>{};
    const auto kept = (*in)->find((*in)->hash_of(stream_key, shape));
    if (!kept) return std::unexpected(kept.error());
    if (*kept == seen) return std::optional<snapshot>{};
    for (const auto& at : {kept->newest, kept->previous}) {
      auto found = read_at(at, stream_key, shape);
      if (!found) return std::unexpected(found.error());
      if (!*found) continue;
      const auto is_usable = usable(**found);
      if (!is_usable) return std::unexpected(is_usable.error());
      if (*is_usable) return found;
    }
    seen = *kept;  // they may have been moved meanwhile
  }
}

result<std::optional<snapshot>> snapshot_files::read_at(const snapshot_place& at,
                                                        const uuid& stream_key,
                                                        std::uint64_t shape) {
  if (at.file == 0 || at.length < sizeof(snapshot_record)) return std::optional<snapshot>{};
  const auto in = file_of(at.file);
  if (!in) return std::unexpected(in.error());
  if (*in == nullptr) return std::optional<snapshot>{};
  if (at.length > read_unasked) {
    const auto size = (*in)->opened->size();
    if (!size) return std::unexpected(size.error());
    if (at.offset > *size || at.length > *size - at.offset) return std::optional<snapshot>{};
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(at.length));
  const auto got = (*in)->opened->read_at(at.offset, bytes);
  if (!got) return std::unexpected(got.error());
  bytes.resize(*got);
  const auto record = snapshot_record_in(bytes, bytes.size(), (*in)->seed);
  if (!record || record->stream_key != stream_key || record->shape != shape)
    return std::optional<snapshot>{};
  return snapshot_in(bytes, (*in)->seed);
}

// None when another one stands there, or none that holds.
result<std::optional<snapshot_record>> snapshot_files::header_at(const snapshot_place& at,
                                                                 const uuid& stream_key,
                                                                 std::uint64_t shape) {
  if (at.file == 0) return std::optional<snapshot_record>{};
  const auto in = file_of(at.file);
  if (!in) return std::unexpected(in.error());
  if (*in == nullptr) return std::optional<snapshot_record>{};
  std::array<std::byte, sizeof(snapshot_record)> bytes{};
  const auto got = (*in)->opened->read_at(at.offset, bytes);
  if (!got) return std::unexpected(got.error());
  const auto record = snapshot_record_in(std::span(bytes).first(*got), at.length, (*in)->seed);
  const bool is_it = record && record->stream_key == stream_key && record->shape == shape;
  return is_it ? record : std::nullopt;
}

// Saving.

result<void> snapshot_files::save(const uuid& stream_key, const snapshot_write& write) {
  const std::scoped_lock lock(saving_);
  snapshot_record record{.stream_key = stream_key,
                         .last_event = write.last_event,
                         .shape = write.shape,
                         .version = write.version.number,
                         .saved = env_.now().time_since_epoch().count()};
  if (auto written = this->write(record, write.state); !written) return written;
  auto done = have_table();
  if (done) done = point_to(record, {current_, end_ - record.length, record.length});
  if (!done) {
    end_ -= record.length;  // nothing knows of it
    bytes_ -= record.length;
    return done;
  }
  done = note();
  if (done) done = clean_when_mostly_dead();
  return done;
}

result<void> snapshot_files::have_table() {
  if (table() != nullptr) return {};
  auto made = snapshot_table::create(env_, paths_, store_id_);
  if (!made) return std::unexpected(made.error());
  set_table(std::move(*made));
  return {};
}

result<void> snapshot_files::write(snapshot_record& record, std::span<const std::byte> state) {
  if (auto room = make_room(sizeof record + padded(state.size())); !room) return room;
  const auto to = file_of(current_);
  if (!to) return std::unexpected(to.error());
  const auto bytes = encode_snapshot(record, state, (*to)->seed);
  if (auto written = (*to)->opened->write_at(end_, bytes); !written) {
    current_ = 0;  // what stands there now is unknown
    return written;
  }
  end_ += record.length;
  bytes_ += record.length;
  return {};
}

result<void> snapshot_files::make_room(std::uint64_t length) {
  if (current_ != 0) {
    if (end_ + length <= file_bytes || end_ == block_bytes) return {};
    const auto full = file_of(current_);
    if (!full) return std::unexpected(full.error());
    if (auto synced = (*full)->opened->sync(); !synced) return synced;
  }
  return make_file();
}

result<void> snapshot_files::make_file() {
  if (auto there = env_.create_directories(paths_.snapshots()); !there) return there;
  const auto number = next_number_++;
  auto made = std::make_shared<snapshot_file>();
  made->path = paths_.snapshot_file(number);
  auto opened = env_.open(made->path, file_mode::create, write_through::none);
  if (!opened) return std::unexpected(opened.error());
  made->opened = std::move(*opened);
  std::array<std::uint8_t, sizeof(std::uint64_t)> salt{};
  env_.random(salt);
  snapshot_file_header header{.store_id = store_id_, .number = number};
  std::memcpy(&header.salt, salt.data(), sizeof header.salt);
  made->seed = seed_of(header.salt);
  const auto block = header_block(header);
  current_ = 0;
  if (auto written = made->opened->write_at(0, {block.data(), block.size()}); !written)
    return written;
  const std::scoped_lock lock(mutex_);
  files_[number] = std::move(made);
  current_ = number;
  end_ = block_bytes;
  return {};
}

// Of a stream and shape the one with the highest version is the newest, among equals the last.
result<void> snapshot_files::point_to(const snapshot_record& record, const snapshot_place& at) {
  const auto hash = table()->hash_of(record.stream_key, record.shape);
  const auto kept = table()->find(hash);
  if (!kept) return std::unexpected(kept.error());
  if (at == kept->newest || at == kept->previous) return {};
  const auto newest = header_at(kept->newest, record.stream_key, record.shape);
  if (!newest) return std::unexpected(newest.error());
  kept_snapshots now{.newest = at, .previous = *newest ? kept->newest : kept->previous};
  if (*newest && (*newest)->version > record.version) std::swap(now.newest, now.previous);
  for (const auto& old : {kept->newest, kept->previous})
    if (old != now.newest && old != now.previous)
      counting_bytes_ -= std::min(counting_bytes_, old.length);
  counting_bytes_ += at.length;
  return put(hash, now);
}

// A page that stays full has slots that nobody put there.
result<void> snapshot_files::put(std::uint64_t hash, const kept_snapshots& kept) {
  constexpr int doublings = 3;
  for (int i = 0;; ++i) {
    const auto done = table()->put(hash, kept, i == doublings);
    if (!done) return std::unexpected(done.error());
    if (*done) return {};
    auto greater = table()->doubled();
    if (!greater) return std::unexpected(greater.error());
    set_table(std::move(*greater));
  }
}

result<void> snapshot_files::note() {
  saved_ = true;
  return table()->note(
      {.file = current_, .end = end_, .counting_bytes = counting_bytes_, .doubtful = doubtful_});
}

// The slots before the header that calls them whole.
result<void> snapshot_files::close() {
  const std::scoped_lock lock(saving_);
  if (!std::exchange(saved_, false)) return {};
  result<void> done;
  if (current_ != 0) {
    const auto last = file_of(current_);
    if (!last) return std::unexpected(last.error());
    done = (*last)->opened->sync();
  }
  if (done) done = table()->sync();
  if (done) done = env_.sync_directory(paths_.snapshots());
  if (done)
    done = table()->note({.file = current_,
                          .end = end_,
                          .counting_bytes = counting_bytes_,
                          .clean = true,
                          .doubtful = doubtful_});
  if (done) done = table()->sync();
  return done;
}

// Making good what was lost, and room.

result<void> snapshot_files::rebuild(const std::vector<std::uint64_t>& numbers) {
  if (auto made = have_table(); !made) return made;
  for (const auto number : numbers) {
    const auto in = file_of(number);
    if (!in) return std::unexpected(in.error());
    if (*in == nullptr) continue;
    const auto end = know_records(number, block_bytes);
    if (!end) return std::unexpected(end.error());
    const auto size = (*in)->opened->size();
    if (!size) return std::unexpected(size.error());
    current_ = *end == *size ? number : 0;  // behind something unreadable nothing is added
    end_ = *end;
  }
  return note();
}

// Puts the records of a file from an offset on into the table; where they end.
result<std::uint64_t> snapshot_files::know_records(std::uint64_t number, std::uint64_t begin) {
  const auto in = file_of(number);
  if (!in) return std::unexpected(in.error());
  const auto size = (*in)->opened->size();
  if (!size) return std::unexpected(size.error());
  snapshot_cursor records(*(*in)->opened, *size, (*in)->seed, begin);
  auto more = records.next();
  for (; more && *more; more = records.next())
    if (auto put = point_to(records.record(), {number, records.offset(), records.record().length});
        !put)
      return std::unexpected(put.error());
  if (!more) return std::unexpected(more.error());
  return records.end();
}

result<void> snapshot_files::clean_when_mostly_dead() {
  const auto dead = bytes_ - std::min(bytes_, counting_bytes_);
  if (dead < cleaned_from || dead < counting_bytes_) return {};
  std::uint64_t oldest = 0;
  {
    const std::scoped_lock lock(mutex_);
    oldest = files_.begin()->first;
  }
  if (oldest == current_)
    if (auto made = make_file(); !made) return made;
  return clean_file(oldest);
}

// What counts goes to the end; it is durable before the file is gone.
result<void> snapshot_files::clean_file(std::uint64_t number) {
  const auto old = file_of(number);
  if (!old) return std::unexpected(old.error());
  const auto size = (*old)->opened->size();
  if (!size) return std::unexpected(size.error());
  snapshot_cursor records(*(*old)->opened, *size, (*old)->seed);
  auto more = records.next();
  for (; more && *more; more = records.next())
    if (auto moved = move_record(records, {number, records.offset(), records.record().length});
        !moved)
      return moved;
  if (!more) return std::unexpected(more.error());
  const auto last = file_of(current_);
  if (!last) return std::unexpected(last.error());
  auto done = (*last)->opened->sync();
  if (done) done = table()->sync();
  if (done) done = env_.sync_directory(paths_.snapshots());
  if (done) done = env_.remove((*old)->path);
  if (!done) return done;
  bytes_ -= std::min(bytes_, *size - block_bytes);
  {
    const std::scoped_lock lock(mutex_);
    files_.erase(number);
  }
  return note();
}

result<void> snapshot_files::move_record(snapshot_cursor& from, const snapshot_place& at) {
  const auto hash = table()->hash_of(from.record().stream_key, from.record().shape);
  auto kept = table()->find(hash);
  if (!kept) return std::unexpected(kept.error());
  if (kept->newest != at && kept->previous != at) return {};
  const auto bytes = from.bytes();
  if (!bytes) return std::unexpected(bytes.error());
  const auto whole = snapshot_in(*bytes, from.seed());
  if (!whole) return {};  // damaged: it is lost
  auto record = from.record();
  if (auto written = write(record, whole->state); !written) return written;
  auto& moved = kept->newest == at ? kept->newest : kept->previous;
  moved = {current_, end_ - record.length, record.length};
  return put(hash, *kept);
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
