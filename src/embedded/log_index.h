#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "recent_segment.h"
#include "sealed_log.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// A dictionary of the store: texts numbered from 1 in the order of their first use.
class dictionary {
 public:
  /// 0 when it is not there.
  std::uint32_t number_of(std::string_view text) const;
  std::uint32_t add(std::string_view text);
  std::uint32_t next() const noexcept { return static_cast<std::uint32_t>(texts_.size()) + 1; }
  /// Lives as long as the dictionary. Number 0 is the empty text.
  std::string_view text_of(std::uint32_t number) const;

 private:
  std::deque<std::string> texts_{};
  std::unordered_map<std::string_view, std::uint32_t> numbers_{};
};

/// What is known of the log: its sealed segments by index files, the few newest ones in memory.
///
/// Units:   nothing per event or stream of segments that have index files.
/// Threads: under the mutex of the log; what `sealed` and `recent` give out lives as long as it is
///          held.
class log_index {
 public:
  explicit log_index(std::shared_ptr<const sealed_log> sealed = std::make_shared<sealed_log>());

  dictionary types{};
  dictionary categories{};

  const std::shared_ptr<const sealed_log>& sealed() const noexcept { return sealed_; }
  /// Oldest first; they follow the sealed ones.
  const recent_list& recent() const noexcept { return recent_; }
  /// The one that is written.
  recent_segment& active() { return *recent_.back(); }
  void begin_segment(std::shared_ptr<segment> of);
  /// Puts another view of a recent segment in the place of the one before.
  void replace_file(std::shared_ptr<segment> of);
  /// Takes the place of the recent segments that `next` holds, and gives them out, to be destroyed
  /// without the mutex. Texts that are new in it are entered.
  std::vector<std::shared_ptr<recent_segment>> settle(std::shared_ptr<const sealed_log> next);

  /// The newest event; staged ones included.
  std::uint64_t last_sequence() const noexcept;
  uuid last_event() const noexcept;
  /// A stream as the newest recent segment that has it knows it; null: none does.
  recent_stream* find(const uuid& key) const;
  /// The entry of a stream in the active segment: made, from `older`, when there is none.
  recent_stream& enter(const uuid& key, const stream_head& older);
  /// All that the recent segments say of a stream that one of them has, staged or not.
  stream_head head_of(const uuid& key) const;

  const command_entry* find_command(const uuid& id) const;
  bool has_retention() const noexcept;

 private:
  void enter_texts();

  std::shared_ptr<const sealed_log> sealed_;
  recent_list recent_{};
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
