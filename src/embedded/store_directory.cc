#include "store_directory.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "bytes.h"
#include "log_scan.h"
#include "segment_supply.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::array<std::string_view, 12> own_names{
    "ANNALS", "ANNALS.tmp", "CLOSED",   "CLOSED.tmp",   "LOCK", "STATE",
    "log",    "idx",        "MANIFEST", "MANIFEST.tmp", "lost", "snap"};

std::unexpected<error> not_a_store(const std::string& root, std::string_view why) {
  return fail(errc::not_a_store, root + ": " + std::string(why));
}

/// What a directory without a marker is.
enum class unmarked : std::uint8_t { usable, foreign, marker_lost };

// An interrupted creation has made at most one segment, and no frame in it.
result<bool> holds_frames(const store_paths& paths, env& environment) {
  const auto names = environment.list(paths.log());
  if (!names) return std::unexpected(names.error());
  for (const auto& name : *names) {
    const auto number = number_in_name(name, ".seg");
    if (number == 0) continue;
    if (number > 1) return true;
    auto opened = environment.open(paths.segment(1), file_mode::read, write_through::none);
    if (!opened) return std::unexpected(opened.error());
    const auto size = (*opened)->size();
    if (!size) return std::unexpected(size.error());
    file_window window(**opened, *size);
    const auto first = window.at(first_frame_offset, sizeof(frame_header));
    if (!first) return std::unexpected(first.error());
    if (std::ranges::any_of(*first, [](std::byte b) { return b != std::byte{0}; })) return true;
  }
  return false;
}

result<unmarked> look_at_unmarked(const store_paths& paths, const std::vector<std::string>& names,
                                  env& environment) {
  bool has_log = false;
  for (const auto& name : names) {
    if (std::ranges::find(own_names, name) == own_names.end()) return unmarked::foreign;
    has_log = has_log || name == "log";
  }
  if (!has_log) return unmarked::usable;
  const auto frames = holds_frames(paths, environment);
  if (!frames) return std::unexpected(frames.error());
  return *frames ? unmarked::marker_lost : unmarked::usable;
}

result<std::optional<store_mark>> read_mark(const std::string& path,
                                            const std::array<char, 8>& magic, env& environment) {
  auto opened = environment.open(path, file_mode::read, write_through::none);
  if (!opened) return std::unexpected(opened.error());
  aligned_bytes block(block_bytes);
  const auto got = (*opened)->read_at(0, block.bytes());
  if (!got) return std::unexpected(got.error());
  const auto mark = *got < sizeof(store_mark) ? store_mark{} : read_as<store_mark>(block.data());
  if (mark.magic != magic) return std::optional<store_mark>{};
  if (mark.version > format_version || mark.incompatible != 0)
    return fail(errc::store_too_new, path + " has format version " + std::to_string(mark.version) +
                                         ", this program knows " + std::to_string(format_version) +
                                         "; use a newer program");
  if (mark.version < format_version)
    return fail(errc::unsupported, path + " has format version " + std::to_string(mark.version) +
                                       "; `annals export` it with the program that wrote it, and "
                                       "`annals import` that with this one");
  if (*got < block_bytes ||
      !header_block_holds(std::span<const std::byte, block_bytes>(block.data(), block_bytes)))
    return fail(errc::store_corrupt,
                path + ": the CRC does not hold; restore this file from a backup of the store" +
                    (magic == closed_magic ? ", or move it aside: annals repair" : ""));
  return std::optional(mark);
}

result<void> make_store(store_directory& directory, const embedded_options& options,
                        env& environment) {
  const auto& paths = directory.paths;
  std::array<std::uint8_t, 16> random{};
  environment.random(random);
  directory.store_id = options.store_id.is_nil() ? make_uuid_v4(random) : options.store_id;
  auto made = environment.create_directories(paths.log());
  if (made) made = environment.create_directories(paths.snapshots());
  if (made) made = environment.create_directories(paths.indexes());
  if (made)
    made = write_manifest(environment, paths.manifest(),
                          empty_manifest(directory.store_id, environment));
  if (!made) return made;
  made = make_segment(environment, paths,
                      {.store_id = directory.store_id,
                       .number = 1,
                       .capacity = planned_capacity(1, options.segment_bytes),
                       .first_sequence = 1});
  if (!made) return made;
  const store_mark mark{.magic = store_magic,
                        .store_id = directory.store_id,
                        .time = environment.now().time_since_epoch().count()};
  const auto block = header_block(mark);
  return replace_file(environment, paths.root, paths.marker(), {block.data(), block.size()});
}

result<void> read_marker(store_directory& directory, env& environment) {
  const auto mark = read_mark(directory.paths.marker(), store_magic, environment);
  if (!mark) return std::unexpected(mark.error());
  if (!*mark) return not_a_store(directory.paths.root, "the file ANNALS is not one of ours");
  directory.store_id = (*mark)->store_id;
  return {};
}

result<void> read_closed(store_directory& directory, env& environment) {
  const auto was_closed = environment.exists(directory.paths.closed());
  if (!was_closed) return std::unexpected(was_closed.error());
  if (!*was_closed) return {};
  auto closed = read_mark(directory.paths.closed(), closed_magic, environment);
  if (!closed) return std::unexpected(closed.error());
  if (!*closed || (*closed)->store_id != directory.store_id)
    return fail(errc::store_corrupt, directory.paths.closed() +
                                         " belongs to another store; restore it from a backup, or "
                                         "move it aside: annals repair");
  directory.closed = *closed;
  return {};
}

result<void> read_store(store_directory& directory, env& environment) {
  auto read = read_marker(directory, environment);
  return read ? read_closed(directory, environment) : read;
}

// A process that was killed may have given names that no directory has on disk yet: seen by us, and
// lost with the power, together with all that we acknowledge from here on.
result<void> sync_names(const store_paths& paths, env& environment) {
  for (const auto& folder : {paths.root, paths.log(), paths.indexes()})
    if (auto synced = environment.sync_directory(folder); !synced) return synced;
  return {};
}

// Whether there is a store, and, when not, whether one may be made.
result<bool> find_store(const store_paths& paths, const embedded_options& options,
                        env& environment) {
  const bool may_make = options.create;
  const auto there = environment.exists(paths.root);
  if (!there) return std::unexpected(there.error());
  if (!*there) {
    if (!may_make) return not_a_store(paths.root, "there is no such directory");
    return false;
  }
  const auto is_directory = environment.is_directory(paths.root);
  if (!is_directory) return std::unexpected(is_directory.error());
  if (!*is_directory) return not_a_store(paths.root, "this is not a directory");
  const auto names = environment.list(paths.root);
  if (!names) return std::unexpected(names.error());
  if (std::ranges::find(*names, "ANNALS") != names->end()) return true;
  const auto kind = look_at_unmarked(paths, *names, environment);
  if (!kind) return std::unexpected(kind.error());
  switch (*kind) {
    case unmarked::foreign:
      return not_a_store(paths.root,
                         "the directory holds other files and no store; name an empty "
                         "directory to make one");
    case unmarked::marker_lost:
      return not_a_store(paths.root,
                         "there is a log but the file ANNALS is missing; restore it "
                         "from a backup");
    case unmarked::usable: break;
  }
  if (!may_make) return not_a_store(paths.root, "the directory is empty");
  return false;
}

}  // namespace

manifest empty_manifest(const uuid& store_id, env& environment) {
  manifest made{.store_id = store_id};
  std::array<std::uint8_t, sizeof made.hash_seed> seed{};
  environment.random(seed);
  std::memcpy(&made.hash_seed, seed.data(), sizeof made.hash_seed);
  return made;
}

result<void> replace_file(env& environment, const std::string& folder, const std::string& path,
                          std::span<const std::byte> content) {
  const std::string temporary = path + ".tmp";
  const auto left_over = environment.exists(temporary);
  if (!left_over) return std::unexpected(left_over.error());
  if (*left_over)
    if (auto removed = environment.remove(temporary); !removed) return removed;
  auto made = environment.open(temporary, file_mode::create, write_through::none);
  if (!made) return std::unexpected(made.error());
  auto done = (*made)->write_at(0, content);
  if (done) done = (*made)->sync();
  if (done) done = environment.rename(temporary, path);
  if (done) done = environment.sync_directory(folder);
  return done;
}

result<void> write_closed(env& environment, const store_directory& directory, lsn end,
                          std::uint64_t last_sequence) {
  const store_mark mark{.magic = closed_magic,
                        .store_id = directory.store_id,
                        .time = environment.now().time_since_epoch().count(),
                        .end = end,
                        .last_sequence = last_sequence};
  const auto block = header_block(mark);
  return replace_file(environment, directory.paths.root, directory.paths.closed(),
                      {block.data(), block.size()});
}

result<store_directory> open_directory(const std::string& root, const embedded_options& options,
                                       env& environment) {
  store_directory opened{.paths = {root}};
  auto found = find_store(opened.paths, options, environment);
  if (!found) return std::unexpected(found.error());
  if (!*found)
    if (auto made = environment.create_directories(root); !made)
      return std::unexpected(made.error());
  auto lock = environment.lock(opened.paths.lock());
  if (!lock) return std::unexpected(lock.error());
  opened.lock = std::move(*lock);
  // Looked at again under the lock: another process may have made it in between.
  found = find_store(opened.paths, options, environment);
  if (!found) return std::unexpected(found.error());
  auto done = *found ? read_store(opened, environment) : make_store(opened, options, environment);
  if (done && *found) done = sync_names(opened.paths, environment);
  if (!done) return std::unexpected(done.error());
  return opened;
}

result<damaged_directory> open_directory_for_repair(const std::string& root, env& environment) {
  damaged_directory opened{.directory = {.paths = {root}}};
  auto& directory = opened.directory;
  auto found = find_store(directory.paths, {.create = false}, environment);
  if (!found) return std::unexpected(found.error());
  auto lock = environment.lock(directory.paths.lock());
  if (!lock) return std::unexpected(lock.error());
  directory.lock = std::move(*lock);
  found = find_store(directory.paths, {.create = false}, environment);
  if (!found) return std::unexpected(found.error());
  if (auto read = read_marker(directory, environment); !read) return std::unexpected(read.error());
  if (auto read = read_closed(directory, environment); !read) {
    if (read.error().code() != errc::store_corrupt) return std::unexpected(read.error());
    opened.closed_problem = read.error().message();
  }
  return opened;
}

result<store_directory> find_directory(const std::string& root, env& environment) {
  store_directory found{.paths = {root}};
  if (const auto there = find_store(found.paths, {.create = false}, environment); !there)
    return std::unexpected(there.error());
  if (auto read = read_store(found, environment); !read) return std::unexpected(read.error());
  return found;
}

result<void> check_still_there(const store_directory& directory, env& environment) {
  const auto& paths = directory.paths;
  const auto there = environment.exists(paths.marker());
  if (!there) return std::unexpected(there.error());
  if (!*there)
    return not_a_store(paths.root,
                       "the store was deleted or moved while it was read; open it where it is now");
  const auto mark = read_mark(paths.marker(), store_magic, environment);
  if (!mark) return std::unexpected(mark.error());
  if (*mark && (*mark)->store_id == directory.store_id) return {};
  return not_a_store(paths.root, "another store was put in the place of " +
                                     directory.store_id.to_string() +
                                     " while that was read; open it anew");
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
