#pragma once

#include <unordered_map>
#include <variant>

#include "copy_rows.h"
#include "draft.h"
#include "group_statement.h"

namespace annals {
inline namespace v1 {
namespace postgres {

/// Entries of another store's history, copied, on their way into this one.
///
/// Under the lock of appends they are checked one after the other against what the store holds and
/// against those before; what was accepted goes out by COPY.
class import_batch {
 public:
  import_batch(std::span<const history_entry> entries, const sql_names& names);

  std::size_t bytes() const noexcept { return bytes_; }
  /// One attempt, a transaction of its own. After a connection that was lost, finds out first
  /// whether the one before was committed.
  outcome<result<void>> store(connection& on, name_book& names, clock_reading until);

 private:
  struct one_event {
    draft_event made{};
    std::string stream{};
    imported_event facts{};  // what it borrowed is not looked at
  };
  struct append {
    std::vector<one_event> events{};
    uuid command_id{};
    uuid digest{};
    std::string stream{};
    std::string step_metadata{};
  };
  struct retained {
    retained_stream to{};
    std::string stream{};
  };
  struct one_entry {
    std::variant<append, retained> what;
    std::optional<error> unfit{};  // the server could not store it
  };
  struct stream_state {
    std::string name{};
    std::uint64_t version = 0;
    retention kept{};
    bool is_new = false;
    bool retained_now = false;
  };
  struct copies {
    copy_rows events{};
    copy_rows streams{};
    copy_rows tags{};
    copy_rows commands{};
    copy_rows steps{};
  };

  one_entry copied(const import_request& request);
  outcome<void> make_categories(connection& on, name_book& names, clock_reading until);
  outcome<void> look(connection& on, clock_reading until);
  bool was_stored() const;
  result<void> accept_all(name_book& names);
  result<void> accept(const append& one, name_book& names);
  result<void> accept(const retained& one);
  result<void> check_follows(const append& one);
  result<stream_state*> find(const std::string& name);
  void add_event(const one_event& one, std::int32_t offset, std::int32_t category);
  void add_command(const append& one);
  std::string finishing_sql() const;
  outcome<void> copy_out(connection& on, clock_reading until);

  const sql_names& sql_;
  std::vector<one_entry> entries_{};
  std::size_t bytes_ = 0;
  int attempts_ = 0;

  // Of the attempt in hand.
  std::uint64_t head_ = 0;
  std::uint64_t clock_ = 0;
  std::unordered_map<uuid, stream_state> streams_{};
  std::unordered_map<uuid, command_record> commands_{};
  uuid event_at_end_{};  // the store's, where the last event of an attempt before would be
  std::unique_ptr<copies> out_{};
  // Of the attempt before.
  std::uint64_t last_position_ = 0;
  uuid last_event_{};
  std::optional<result<void>> last_answer_{};
};

}  // namespace postgres
}  // namespace v1
}  // namespace annals
