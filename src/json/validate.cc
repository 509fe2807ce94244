#include "annals/json/validate.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <forward_list>
#include <vector>

#include "annals/limits.h"
#include "scan.h"

namespace annals {
inline namespace v1 {
namespace json {
namespace {

// Objects with more members than this are searched for members that come twice at their end.
constexpr std::size_t compared_at_once = 24;
constexpr std::size_t excerpt_bytes = 24;

/// An object or array that has begun and not ended.
struct level {
  bool object = false;
  std::size_t keys = 0;      // of those before it
  std::size_t elements = 0;  // before the one that is looked at
  std::uint64_t owner = 0;   // of its keys so far
  bool owns = false;         // that is itself
};
struct key {
  std::uint64_t start = 0;  // its first bytes, as far as there are
  std::string_view name{};  // unescaped
  const char* at = nullptr;
  std::uint64_t owner = 0;  // the object that found it to be none of those before; 0: had escapes
};
/// What a pass needs of memory, kept from one to the next.
struct scratch {
  std::vector<key> keys = std::vector<key>(64);  // and behind those that count, of objects before
  std::uint64_t objects = 0;                     // that were given a number
  std::array<level, limits::json_depth> levels{};
};
thread_local scratch kept;

// `readable_to`: how far memory may be looked at.
std::uint64_t start_of(std::string_view name, const char* readable_to) noexcept {
  std::uint64_t start = 0;
  if (readable_to - name.data() >= 8)
    std::memcpy(&start, name.data(), sizeof start);
  else
    std::memcpy(&start, name.data(), std::min(name.size(), sizeof start));
  return name.size() >= 8 ? start : start & ((std::uint64_t{1} << (8 * name.size())) - 1);
}

bool is_same(const key& a, const key& b) noexcept {
  return a.start == b.start && a.name == b.name;
}

/// One pass over a document. Steps get a place in it and answer the one behind what they took, null
/// at the first flaw; then it is known where that is and in what.
class checker {
 public:
  explicit checker(std::string_view text) noexcept
      : begin_(text.data()), end_(text.data() + text.size()) {}

  bool run() {
    if (std::string_view(begin_, end_).starts_with("\xef\xbb\xbf"))
      return flawed(begin_, "a document in UTF-8 without byte order mark", "one") != nullptr;
    for (const char* at = begin_; at != nullptr;) {
      bool due = false;  // a value comes next
      at = value(blanks(at), due);
      if (!due && at != nullptr) at = after_value(at, due);
      if (!due && at != nullptr) return true;
    }
    return false;
  }

  error problem() const {
    const auto where = "JSON, byte " + std::to_string(flaw_ - begin_) + path();
    if (too_deep_)
      return {errc::limit_exceeded, where + ": nested deeper than limits::json_depth (" +
                                        std::to_string(limits::json_depth) + ")"};
    return {errc::malformed_input, where + ": expected " + std::string(expected_) + ", found " +
                                       (found_.empty() ? excerpt() : found_)};
  }

 private:
  [[gnu::cold]] const char* flawed(const char* at, std::string_view expected,
                                   std::string found = {}) {
    flaw_ = at;
    expected_ = expected;
    found_ = std::move(found);
    return nullptr;
  }

  const char* blanks(const char* at) const noexcept {
    if (at != end_ && *at > ' ') return at;
    while (at != end_ && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) ++at;
    return at;
  }
  const char* word(const char* at, std::string_view expected) {
    if (std::string_view(at, end_).starts_with(expected)) return at + expected.size();
    return flawed(at, "a value");
  }

  /// A whole scalar, or the start of an object or array with what must follow it.
  const char* value(const char* at, bool& due) {
    if (at == end_) return flawed(at, "a value");
    bool escaped = false;
    switch (*at) {
      case '"': return string(at, escaped);
      case '{': return open(at, true, due);
      case '[': return open(at, false, due);
      case 't': return word(at, "true");
      case 'f': return word(at, "false");
      case 'n': return word(at, "null");
      default: break;
    }
    if (*at != '-' && (*at < '0' || *at > '9')) return flawed(at, "a value");
    const auto size = number(at, end_);
    return size != 0 ? at + size : flawed(at, "a number as JSON writes it");
  }

  const char* open(const char* at, bool object, bool& due) {
    if (depth_ == levels_.size()) {
      too_deep_ = true;
      return flawed(at, "");
    }
    levels_[depth_++] = {.object = object, .keys = key_count_};
    at = blanks(at + 1);
    if (at != end_ && *at == (object ? '}' : ']')) return at;  // after_value takes it
    due = true;
    return object ? take_key(at) : at;
  }

  /// What follows a value: a comma, or ends.
  const char* after_value(const char* at, bool& due) {
    for (;;) {
      at = blanks(at);
      if (depth_ == 0) return at == end_ ? at : flawed(at, "nothing after the document");
      auto& top = levels_[depth_ - 1];
      if (at == end_ || (*at != ',' && *at != (top.object ? '}' : ']')))
        return flawed(at, top.object ? "',' or '}'" : "',' or ']'");
      if (*at++ == ',') {
        due = true;
        ++top.elements;
        return top.object ? take_key(blanks(at)) : at;
      }
      if (top.owns && key_count_ - top.keys > compared_at_once && !keys_differ(top.keys))
        return nullptr;
      key_count_ = top.keys;
      --depth_;
    }
  }

  const char* take_key(const char* at) {
    if (at == end_ || *at != '"') return flawed(at, "a member's name in quotes");
    const char* const behind = repeated_key(at);
    return behind != nullptr ? colon(behind) : new_key(at);
  }

  [[gnu::noinline]] const char* new_key(const char* const start) {
    bool escaped = false;
    const char* const at = string(start, escaped);
    if (at == nullptr) return at;
    key next{.name = {start + 1, at - 1}, .at = start};
    const char* readable_to = end_;
    if (escaped) {
      next.name = names_.emplace_front(unescaped(next.name));
      readable_to = next.name.data() + next.name.size();
    }
    next.start = start_of(next.name, readable_to);
    auto& top = levels_[depth_ - 1];
    if (key_count_ - top.keys <= compared_at_once)
      for (auto i = top.keys; i < key_count_; ++i)
        if (is_same(keys_[i], next)) return twice(next);
    if (!top.owns) own_keys(top);
    if (!escaped) next.owner = top.owner;
    if (key_count_ == keys_.size()) keys_.resize(2 * key_count_);
    keys_[key_count_++] = next;
    return colon(at);
  }

  const char* colon(const char* at) {
    at = blanks(at);
    return at != end_ && *at == ':' ? at + 1 : flawed(at, "':' after a member's name");
  }

  // Objects that follow each other mostly have the same keys in the same order, and those of the
  // one before still stand where this one's go. While all are of one owner they are known to
  // differ, and nothing has to be looked for. Answers the place behind the key, or null.
  const char* repeated_key(const char* at) noexcept {
    constexpr std::ptrdiff_t compared = 16;  // bytes
    auto& top = levels_[depth_ - 1];
    if (key_count_ == keys_.size() || end_ - at < compared + 2) return nullptr;
    const key& before = keys_[key_count_];
    const bool first = key_count_ == top.keys;
    const bool usable = (first && before.owner >= first_owner_) ||
                        (!first && before.owner == top.owner && !top.owns);
    const auto size = static_cast<std::ptrdiff_t>(before.name.size());
    if (!usable || size > compared || at[size + 1] != '"') return nullptr;
    const auto load = [](const char* from) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    };
    const auto same = static_cast<unsigned>(
        _mm_movemask_epi8(_mm_cmpeq_epi8(load(at + 1), load(before.name.data()))));
    if ((~same & ((1U << size) - 1U)) != 0) return nullptr;
    top.owner = before.owner;
    ++key_count_;
    return at + size + 2;
  }

  void own_keys(level& top) noexcept {
    top.owner = ++kept.objects;
    top.owns = true;
    for (auto i = top.keys; i < key_count_; ++i)
      if (keys_[i].owner != 0) keys_[i].owner = top.owner;
  }

  [[gnu::cold]] const char* twice(const key& again) {
    return flawed(again.at, "each member once",
                  "'" + std::string(again.name.substr(0, excerpt_bytes)) + "' again");
  }

  bool keys_differ(std::size_t first) {
    std::vector<key> sorted(keys_.begin() + static_cast<std::ptrdiff_t>(first),
                            keys_.begin() + static_cast<std::ptrdiff_t>(key_count_));
    std::ranges::sort(sorted, [](const key& a, const key& b) {
      return a.name != b.name ? a.name < b.name : a.at < b.at;
    });
    const auto same = std::ranges::adjacent_find(sorted, is_same);
    return same == sorted.end() || twice(*std::next(same)) != nullptr;
  }

  const char* string(const char* at, bool& escaped) {
    for (++at;;) {
      at = skip_plain(at, end_);
      if (at == end_) return flawed(at, "'\"' at the end of a string");
      if (*at == '"') return at + 1;
      std::size_t size = 0;
      if (*at == '\\') {
        escaped = true;
        size = escape(at, end_, nullptr);
        if (size == 0) return flawed(at, "an escape as JSON writes it");
      } else if (static_cast<unsigned char>(*at) < 0x20) {
        return flawed(at, "a control character as an escape");
      } else {
        size = wide_character(at, end_);
        if (size == 0) return flawed(at, "UTF-8");
      }
      at += size;
    }
  }

  std::string excerpt() const {
    if (flaw_ == end_) return "the end";
    constexpr std::string_view hex = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(*flaw_);
    if (byte < 0x20 || byte >= 0x7f)
      return std::string("byte 0x") + hex[byte >> 4U] + hex[byte & 15U];
    const auto shown = std::string_view(flaw_, end_).substr(0, excerpt_bytes);
    const auto odd = std::ranges::find_if(
        shown, [](char c) { return static_cast<unsigned char>(c) - 0x20U >= 0x5fU; });
    return "'" + std::string(shown.begin(), odd) + "'";
  }

  std::string path() const {
    std::string path;
    for (std::size_t i = 0; i < depth_; ++i) {
      const auto& one = levels_[i];
      const std::size_t keys_end = i + 1 < depth_ ? levels_[i + 1].keys : key_count_;
      if (!one.object) {
        path += '[' + std::to_string(one.elements) + ']';
      } else if (keys_end > one.keys) {
        path += (path.empty() ? "" : ".") + std::string(keys_[keys_end - 1].name);
      }
    }
    return path.empty() ? path : ", in " + path;
  }

  const char* begin_;
  const char* end_;
  bool too_deep_ = false;
  std::size_t depth_ = 0;
  std::array<level, limits::json_depth>& levels_ = kept.levels;
  std::vector<key>& keys_ = kept.keys;
  std::size_t key_count_ = 0;                     // of the objects that have not ended
  std::uint64_t first_owner_ = kept.objects + 1;  // of this document
  std::forward_list<std::string> names_{};        // of keys with escapes
  const char* flaw_ = nullptr;
  std::string_view expected_{};
  std::string found_{};
};

}  // namespace

result<void> validate(std::string_view text) {
  checker check(text);
  if (check.run()) return {};
  return std::unexpected(check.problem());
}

bool is_valid(std::string_view text) {
  return checker(text).run();
}

}  // namespace json
}  // namespace v1
}  // namespace annals
