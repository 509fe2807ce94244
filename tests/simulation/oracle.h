#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "annals/store.h"

namespace annals {
namespace simulated {

/// One event of an append, as it is to be found in the store.
struct planned_event {
  std::string stream{};
  std::string payload{};
};

/// An append as it is sent, perhaps more than once under its command id.
struct planned_append {
  uuid command_id{};
  std::vector<std::string> streams{};   ///< in the order of the request
  std::vector<expect> expected{};       ///< of each stream
  std::vector<planned_event> events{};  ///< stream after stream
};

/// Knows what was asked of a store and what it answered, and says what it must hold after a crash:
/// every acknowledged append, none that was refused, and of each other one all or nothing; what was
/// once seen after a crash stays, in its order.
class oracle {
 public:
  struct seen_event {
    std::string stream{};
    std::string payload{};
    std::uint64_t version = 0;
    uuid id{};
    hlc recorded{};

    friend bool operator==(const seen_event&, const seen_event&) = default;
  };

  /// Numbers an append before it is made; the number stands in its payloads.
  std::size_t next_number() const { return attempts_.size(); }
  static std::string payload(std::size_t number, std::size_t index, std::size_t bytes);
  void begin(planned_append planned);
  const planned_append& plan_of(std::size_t number) const { return attempts_[number].plan; }

  /// What came back, be it from a process that was dying. Words for what is wrong with it.
  std::optional<std::string> answered(std::size_t number, const result<appended>& answer);

  /// One of the appends with a command id, to be sent again; none: no such.
  std::optional<std::size_t> any_command(std::uint64_t drawn) const;

  /// Compares a store that was just opened with what is known; from then on what it holds is known.
  /// Words for what is wrong, if anything is. After a disk has lied, acknowledged appends at the
  /// end may be lost.
  std::optional<std::string> compare(event_store& store, bool disk_has_lied);

  /// Compares what a reader has seen, from the start, with what is known: it must be the same, as
  /// far as it goes.
  std::optional<std::string> compare_seen(const std::vector<seen_event>& seen) const;
  static seen_event seen_of(const event_view& view);

  std::size_t acknowledged() const;
  std::size_t attempts() const { return attempts_.size(); }
  std::size_t events() const { return known_.size(); }

 private:
  enum class state : std::uint8_t { unanswered, acknowledged, refused, in_doubt };
  struct attempt {
    planned_append plan{};
    oracle::state state = state::unanswered;
    appended answer{};
    bool stored = false;  // one answer said that it was stored just now, or it was found
  };
  std::optional<std::string> read_all(event_store& store, std::vector<seen_event>& all) const;
  std::optional<std::string> compare_known(const std::vector<seen_event>& all, bool lied);
  std::optional<std::string> compare_new(const std::vector<seen_event>& all);
  std::optional<std::string> compare_answers(const std::vector<seen_event>& all, bool lied);
  std::optional<std::string> compare_commands(event_store& store, bool lied);

  std::vector<attempt> attempts_{};
  std::vector<seen_event> known_{};
  std::map<std::size_t, std::uint64_t> found_{};  // first sequence of the attempts in the store
};

}  // namespace simulated
}  // namespace annals
