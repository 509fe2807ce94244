#include "simulated_disk.h"

#include <algorithm>
#include <string_view>

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

/// What a power cut does to a write that was not synced.
enum class fate : std::uint8_t { kept, dropped, torn };

fate draw_fate(dice& chances) {
  constexpr std::uint64_t fates = 3;
  return static_cast<fate>(chances.below(fates));
}

}  // namespace

std::string plain_path(const std::string& path) {
  std::vector<std::string_view> parts;
  for (std::string_view rest = path; !rest.empty();) {
    const auto slash = rest.find('/');
    const auto part = rest.substr(0, slash);
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (!part.empty() && part != "." && part != "..") parts.push_back(part);
  }
  std::string plain;
  for (const auto part : parts) (plain += '/') += part;
  return plain.empty() ? "/" : plain;
}

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::size_t simulated_disk::content::read(std::uint64_t offset, std::span<std::byte> out) const {
  if (offset >= seen_.size()) return 0;
  const auto size = std::min<std::uint64_t>(out.size(), seen_.size() - offset);
  std::copy_n(seen_.begin() + static_cast<std::ptrdiff_t>(offset), size, out.begin());
  return static_cast<std::size_t>(size);
}

void simulated_disk::content::apply(const change& one, std::vector<std::byte>& to) {
  const auto end = static_cast<std::size_t>(one.offset) + one.bytes.size();
  if (one.bytes.empty() || end > to.size()) to.resize(end);
  std::ranges::copy(one.bytes, to.begin() + static_cast<std::ptrdiff_t>(one.offset));
}

void simulated_disk::content::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  unsynced_.push_back({offset, {bytes.begin(), bytes.end()}});
  apply(unsynced_.back(), seen_);
}

void simulated_disk::content::resize(std::uint64_t size) {
  unsynced_.push_back({size, {}});
  apply(unsynced_.back(), seen_);
}

void simulated_disk::content::make_durable() {
  for (const auto& one : unsynced_) apply(one, durable_);
  unsynced_.clear();
}

void simulated_disk::content::drop_cache(dice& chances, double kept) {
  auto left = durable_;
  for (const auto& one : unsynced_) apply(one, left);
  left.resize(seen_.size());  // sizes are no matter of pages
  for (std::size_t at = 0; at < seen_.size(); at += page_bytes) {
    const auto size = std::min(page_bytes, seen_.size() - at);
    const auto from = left.begin() + static_cast<std::ptrdiff_t>(at);
    const auto to = seen_.begin() + static_cast<std::ptrdiff_t>(at);
    if (std::equal(from, from + static_cast<std::ptrdiff_t>(size), to)) continue;
    if (!chances.chance(kept)) std::copy_n(from, size, to);
  }
}

void simulated_disk::content::cut_power(dice& chances) {
  for (const auto& one : unsynced_) {
    const auto met = draw_fate(chances);
    if (met == fate::dropped) continue;
    if (met == fate::kept || one.bytes.empty()) {
      apply(one, durable_);
      continue;
    }
    for (std::size_t at = 0; at < one.bytes.size();) {
      const std::size_t step =
          std::min(sector_bytes - static_cast<std::size_t>((one.offset + at) % sector_bytes),
                   one.bytes.size() - at);
      const auto first = one.bytes.begin() + static_cast<std::ptrdiff_t>(at);
      if (chances.below(2) == 0)
        apply({one.offset + at, {first, first + static_cast<std::ptrdiff_t>(step)}}, durable_);
      at += step;
    }
  }
  unsynced_.clear();
  seen_ = durable_;
  page.reset();
  shared_locks = 0;
  exclusive_lock = false;
}

void simulated_disk::apply(const name_change& one, names& to) {
  for (const auto& [path, file] : one) {
    if (file) {
      to[path] = file;
    } else {
      to.erase(path);
    }
  }
}

void simulated_disk::change(const std::string& directory, name_change one) {
  apply(one, seen_);
  unsynced_[directory].push_back(std::move(one));
}

void simulated_disk::make_directory(const std::string& path) {
  for (auto at = path; !seen_.contains(at); at = parent_of(at)) {
    seen_[at] = nullptr;
    durable_[at] = nullptr;
  }
}

bool simulated_disk::is_directory(const std::string& path) const {
  const auto found = seen_.find(path);
  return found != seen_.end() && !found->second;
}

std::shared_ptr<simulated_disk::content> simulated_disk::find(const std::string& path) const {
  const auto found = seen_.find(path);
  return found == seen_.end() ? nullptr : found->second;
}

std::shared_ptr<simulated_disk::content> simulated_disk::create(const std::string& path) {
  auto made = std::make_shared<content>();
  change(parent_of(path), {{path, made}});
  return made;
}

bool simulated_disk::remove(const std::string& path) {
  const auto found = seen_.find(path);
  if (found == seen_.end()) return false;
  if (found->second) {
    change(parent_of(path), {{path, nullptr}});
    return true;
  }
  if (!list(path).empty()) return false;
  seen_.erase(path);
  durable_.erase(path);
  unsynced_.erase(path);
  return true;
}

bool simulated_disk::rename(const std::string& from, const std::string& to) {
  const auto file = find(from);
  if (!file || is_directory(to)) return false;
  change(parent_of(to), {{from, nullptr}, {to, file}});
  return true;
}

std::vector<std::string> simulated_disk::list(const std::string& directory) const {
  std::vector<std::string> found;
  const std::string inside = directory == "/" ? directory : directory + '/';
  for (auto at = seen_.lower_bound(inside); at != seen_.end(); ++at) {
    if (!at->first.starts_with(inside)) break;
    const auto name = at->first.substr(inside.size());
    if (!name.empty() && name.find('/') == std::string::npos) found.push_back(name);
  }
  return found;
}

void simulated_disk::sync_directory(const std::string& path) {
  for (const auto& one : unsynced_[path]) apply(one, durable_);
  unsynced_.erase(path);
}

std::uint64_t simulated_disk::bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [path, file] : seen_)
    if (file) sum += file->size();
  return sum;
}

// A directory keeps its changes in their order, as file systems with a journal do: some of the
// newest may be lost.
void simulated_disk::cut_power(dice& chances) {
  for (const auto& [directory, changes] : unsynced_) {
    const auto kept = chances.below(changes.size() + 1);
    for (std::size_t i = 0; i < kept; ++i) apply(changes[i], durable_);
  }
  unsynced_.clear();
  seen_ = durable_;
  for (const auto& [path, file] : seen_)
    if (file) file->cut_power(chances);
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
