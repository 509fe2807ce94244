#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "draft.h"
#include "group_statement.h"

namespace annals {
inline namespace v1 {
namespace postgres {

/// A group of appends as it will stand in the store, if `before` is still the newest event.
struct optimistic_group {
  struct stream {
    const draft_check* check = nullptr;
    std::int32_t category = 0;
    std::uint64_t before = 0;  ///< version in front of the group
    std::uint64_t now = 0;     ///< and behind it
    bool asked = false;        ///< the server is to say whether `before` is so
  };
  struct event {
    const draft_event* what = nullptr;
    std::size_t stream = 0;
    std::uint64_t version = 0;
    std::int64_t reading = 0;  ///< turned
    std::int32_t offset = 0;
  };
  struct member {
    const append_draft* draft = nullptr;
    appended stored{};
  };
  newest_event before{};
  newest_event after{};
  std::vector<stream> streams{};
  std::vector<event> events{};
  std::vector<member> members{};
};

/// What a writer knows of the store from its own last group: the newest event, and the versions of
/// streams. While nobody else appends, what its next group will be follows without asking.
///
/// Threads: one at a time.
/// Source:  docs/adr/0032-optimistic-groups.md.
class known_heads {
 public:
  /// Where a group would stand; none where that cannot be told, where another writer is about, or
  /// where one would be refused: then the server has to look. `category_ids` has one for each
  /// check.
  std::optional<optimistic_group> place(std::span<const append_draft* const> group,
                                        std::span<const std::int32_t> category_ids) const;
  /// Takes it that a group will be stored.
  void learn(const optimistic_group& sent);
  /// Takes that back. Of several groups the last one first.
  void unlearn(const optimistic_group& refused);
  /// Takes what the statement of groups has told. `stored` has, for each append of the group,
  /// whether it was stored now.
  void learn(std::span<const append_draft* const> group, const std::vector<bool>& stored,
             const group_answer& told);
  void forget();

 private:
  struct head {
    std::string name{};
    std::uint64_t version = 0;
  };

  bool add_streams(optimistic_group& to, std::unordered_map<uuid, std::size_t>& places,
                   const append_draft& draft, std::span<const std::int32_t> category_ids) const;
  void remember(const draft_check& of, std::uint64_t version);

  newest_event newest_{};
  bool alone_ = true;  // nobody else had appended when the server was last asked
  std::unordered_map<uuid, head> heads_{};
};

}  // namespace postgres
}  // namespace v1
}  // namespace annals
