#pragma once

#include <deque>
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
/// against those before; what was accepted goes out by COPY, while those behind it are checked.
class import_batch {
 public:
  import_batch(std::span<const history_entry> entries, const sql_names& names);

  std::size_t bytes() const noexcept { return bytes_; }
  /// One attempt, a transaction of its own. After a connection that was lost, finds out first
  /// whether the one before was committed.
  outcome<result<void>> store(connection& on, name_book& names, clock_reading until);

 private:
  struct named_stream {  // once in the batch, however many events it has there
    explicit named_stream(std::string_view of) : name(of), place(place_of(name)) {}
    named_stream(const named_stream&) = delete;
    named_stream& operator=(const named_stream&) = delete;

    std::string name;
    stream_place place;
    std::int32_t category = 0;  // of the attempt in hand
    bool written = false;       // the batch has events of it
  };
  struct one_event {
    draft_event made{};
    const named_stream* stream = nullptr;
    imported_event facts{};  // what it borrowed is not looked at
  };
  struct append {
    std::vector<one_event> events{};
    uuid command_id{};
    uuid digest{};
    const named_stream* stream = nullptr;  // none: an append that tells of none
    std::string step_metadata{};
  };
  struct retained {
    retained_stream to{};
    const named_stream* stream = nullptr;
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
  one_entry copied(const retained_stream& to);
  const named_stream* named(std::string_view name, bool written = false);
  outcome<void> make_categories(connection& on, name_book& names, clock_reading until);
  outcome<void> look(connection& on, clock_reading until);
  bool was_stored() const;
  outcome<result<void>> accept_all(connection& on, clock_reading until);
  result<void> accept(const append& one);
  result<void> accept(const retained& one);
  result<void> check_follows(const append& one);
  result<stream_state*> find(const named_stream& one);
  void add_event(const one_event& one, std::int32_t offset);
  void add_command(const append& one);
  std::string finishing_sql() const;
  std::string copy_sql(std::string_view table, std::string_view columns) const;
  outcome<void> send_events(connection& on, clock_reading until);
  outcome<void> end_events(connection& on, clock_reading until);
  outcome<void> copy_out(connection& on, clock_reading until);

  const sql_names& sql_;
  std::deque<named_stream> named_{};
  std::unordered_map<std::string_view, named_stream*> by_name_{};
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
  bool copying_ = false;  // events are on their way
  // Of the attempt before.
  std::uint64_t last_position_ = 0;
  uuid last_event_{};
  std::optional<result<void>> last_answer_{};
};

}  // namespace postgres
}  // namespace v1
}  // namespace annals
