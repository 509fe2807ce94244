#include "annals/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace annals {
inline namespace v1 {
namespace {

template <class Integer>
bool take_number(std::string_view& text, Integer& out, int base) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  if (problem != std::errc{} || end == text.data()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

std::string print_mark(const checkpoint::mark& m) {
  char hex[16];
  const auto end = std::to_chars(hex, hex + sizeof hex, m.fingerprint, 16).ptr;
  return std::to_string(m.partition) + ':' + std::to_string(m.sequence) + ':' +
         std::string(hex, end);
}

}  // namespace

std::string position::to_string() const {
  const auto number = std::to_string(sequence);
  return partition == 0 ? number : std::to_string(partition) + ':' + number;
}

std::uint64_t fingerprint_of(const uuid& event_id) noexcept {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::memcpy(&high, event_id.bytes.data(), 8);
  std::memcpy(&low, event_id.bytes.data() + 8, 8);
  std::uint64_t mixed = high ^ (low * 0x9e3779b97f4a7c15U);
  mixed ^= mixed >> 32;
  mixed *= 0xd6e8feb86659fd93U;
  return mixed ^ (mixed >> 32);
}

checkpoint::checkpoint(const uuid& store_id, mark seen) {
  advance(store_id, seen);
}

checkpoint::mark checkpoint::in(std::uint32_t partition) const noexcept {
  if (first_.partition == partition) return first_;
  const auto found = std::ranges::find(others_, partition, &mark::partition);
  return found == others_.end() ? mark{.partition = partition} : *found;
}

void checkpoint::advance(const uuid& store_id, mark seen) {
  if (seen.sequence == 0) return;
  store_id_ = store_id;
  if (first_.sequence == 0 || first_.partition == seen.partition) {
    first_ = seen;
    return;
  }
  const auto found = std::ranges::find(others_, seen.partition, &mark::partition);
  if (found != others_.end()) {
    *found = seen;
  } else {
    others_.push_back(seen);
    if (others_.back().partition < first_.partition) std::swap(others_.back(), first_);
    std::ranges::sort(others_, {}, &mark::partition);
  }
}

std::partial_ordering operator<=>(const checkpoint& a, const checkpoint& b) noexcept {
  if (a == b) return std::partial_ordering::equivalent;
  if (a.is_start()) return std::partial_ordering::less;
  if (b.is_start()) return std::partial_ordering::greater;
  if (a.store_id_ != b.store_id_) return std::partial_ordering::unordered;
  bool ahead = false;
  bool behind = false;
  const auto compare = [&](const checkpoint::mark& of_a, const checkpoint::mark& of_b) {
    ahead = ahead || of_a.sequence > of_b.sequence;
    behind = behind || of_a.sequence < of_b.sequence;
    // The same place with another event there: histories that have parted.
    if (of_a.sequence == of_b.sequence && of_a.fingerprint != of_b.fingerprint)
      ahead = behind = true;
  };
  compare(a.first_, b.in(a.first_.partition));
  for (const auto& m : a.others_) compare(m, b.in(m.partition));
  compare(a.in(b.first_.partition), b.first_);
  for (const auto& m : b.others_) compare(a.in(m.partition), m);
  if (ahead && behind) return std::partial_ordering::unordered;
  return ahead ? std::partial_ordering::greater : std::partial_ordering::less;
}

std::string checkpoint::to_string() const {
  if (is_start()) return "start";
  std::string text = store_id_.to_string() + '@' + print_mark(first_);
  for (const auto& m : others_) text += ',' + print_mark(m);
  return text;
}

result<checkpoint> checkpoint::parse(std::string_view text) {
  if (text == "start") return checkpoint{};
  const auto malformed = [&] {
    return fail(errc::invalid_argument,
                "'" + std::string(text.substr(0, 128)) +
                    "' is not a checkpoint: expected \"start\" or "
                    "STORE-ID@PARTITION:SEQUENCE:FINGERPRINT, as a read prints it");
  };
  if (text.size() < 37 || text[36] != '@') return malformed();
  const auto store = uuid::parse(text.substr(0, 36));
  if (!store) return malformed();
  checkpoint parsed;
  std::string_view rest = text.substr(37);
  std::int64_t previous = -1;
  do {
    mark m;
    if (!take_number(rest, m.partition, 10) || !take(rest, ':') ||
        !take_number(rest, m.sequence, 10) || !take(rest, ':') ||
        !take_number(rest, m.fingerprint, 16) || m.sequence == 0 || m.partition <= previous)
      return malformed();
    previous = m.partition;
    parsed.advance(*store, m);
  } while (take(rest, ','));
  if (!rest.empty()) return malformed();
  return parsed;
}

}  // namespace v1
}  // namespace annals
