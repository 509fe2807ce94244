#pragma once

#include <atomic>
#include <deque>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "annals/engine.h"
#include "doorbell.h"
#include "draft.h"
#include "group_statement.h"
#include "known_heads.h"

namespace annals {
inline namespace v1 {
namespace postgres {

/// What a writer is made of.
struct writer_settings {
  connect_options connect{};
  sql_names names{};
  std::chrono::milliseconds deadline{};
  uuid store_id{};
  std::uint64_t head = 0;  ///< a position that the store has reached
};

/// The one connection that appends: what was asked for meanwhile goes out as one group, in one
/// round trip and one commit. Waiting callers lead. Where the place of a group is known, it is sent
/// before the one in front of it is answered.
///
/// A group whose fate is unknown is sent again, on a new connection, until it answers.
///
/// Threads: any.
/// Source:  docs/adr/0030-group-commit-on-postgres.md.
class append_writer : public std::enable_shared_from_this<append_writer> {
 public:
  /// Work that has the connection for itself, between two groups: in a transaction of its own,
  /// which may be begun again after a failure. Answers, or says why it has none.
  using job =
      std::move_only_function<outcome<result<void>>(connection& on, clock_reading deadline)>;

  append_writer(env& environment, writer_settings settings, name_book& names,
                completion_thread& completions, std::unique_ptr<connection> first);
  ~append_writer();

  void append(append_draft draft, bool waits, completion<appended> done);
  void run(job work, std::size_t bytes, bool waits, completion<void> done);
  /// Leads until `done` is set. For callers that wait, on the thread that has called.
  void lend(const std::atomic<std::uint32_t>& done);
  /// An append made ready for a transaction of somebody else's; what must be made beforehand is.
  struct prepared {
    const append_draft* draft = nullptr;
    std::vector<std::int32_t> categories{};
    std::vector<bool> diverged{};
    std::uint64_t floor = 0;
  };
  outcome<prepared> prepare(connection& on, const append_draft& draft, clock_reading deadline);
  /// Takes the lock, checks and stores inside the transaction that is open.
  result<appended> append_on(connection& on, prepared& ready, clock_reading deadline);
  /// What became of it when the connection was lost in the commit; true under the lock, which the
  /// lost one held.
  result<appended> look_for(const prepared& ready, const failure& cause);
  /// Remembers an event whose position a reader has seen, for the conditions that name it.
  void remember(std::uint64_t sequence, std::uint64_t fingerprint);
  /// Refuses new work, does what was accepted, ends the threads. Idempotent.
  void close();
  bool closed() const;
  static error closed_error();

 private:
  using lock_type = std::unique_lock<std::mutex>;

  struct turn {  // a lent thread parks on it
    std::atomic<std::uint32_t> word{0};
  };
  struct pending {
    append_draft draft{};
    completion<appended> done{};
    job work{};  // else
    completion<void> work_done{};
    std::size_t bytes = 0;
    clock_reading deadline{};
    std::shared_ptr<turn> lent{};
    std::optional<result<appended>> answer{};
    std::optional<result<void>> work_answer{};
    std::optional<std::uint64_t> floor{};  // a position from before it was first sent
    bool in_doubt = false;                 // it may be stored
  };
  using members = std::vector<pending>;
  struct flight {  // a group, sent or not, whose answer was not taken yet
    members group{};
    std::optional<optimistic_group> sent{};
    clock_reading deadline{};
  };

  void enqueue(pending one, bool waits);
  bool admit(std::size_t bytes, bool waits, std::optional<error>& refused);
  void lead(lock_type& lock, const std::atomic<std::uint32_t>* done);
  bool has_work() const noexcept { return !queue_.empty() || !flights_.empty(); }
  bool may_launch() const noexcept;
  std::size_t fewest_behind(std::size_t ahead) const noexcept;
  bool more_comes(lock_type& lock);
  void count_callers(const members& answered);
  void gather(lock_type& lock);
  members take_group();
  void put_back(members& group);
  void bring_back();
  void hand_over();
  void wake_io();
  void run_io();
  void answer_all(members group);
  void answer_one(pending& one);

  struct placed_member {  // where a member's checks and conditions stand in its group
    const append_draft* draft = nullptr;
    std::size_t number = 0;
    std::size_t first_check = 0;
    std::size_t first_condition = 0;
  };

  // By whoever leads, without the lock.
  void launch(flight& one);
  outcome<std::optional<optimistic_group>> placed(connection& on, const members& group,
                                                  clock_reading deadline, bool may_ask);
  void land(flight& one);
  bool receive(flight& one);
  void recall();
  void send_until_answered(std::span<pending> group);
  void work_until_answered(pending& one);
  outcome<void> send(std::span<pending> group, clock_reading deadline);
  /// `group` is what is in hand meanwhile.
  outcome<connection*> connected(clock_reading deadline, std::span<pending> group = {});
  outcome<void> lower_floors(std::span<pending> group);
  outcome<std::vector<std::int32_t>> find_categories(connection& on,
                                                     std::span<const append_draft* const> group,
                                                     clock_reading deadline);
  outcome<std::vector<bool>> find_diverged(connection& on,
                                           std::span<const append_draft* const> group,
                                           clock_reading deadline);
  /// Whether neither would ask the server.
  bool all_known(std::span<const append_draft* const> group);
  outcome<void> give_answers(connection& on, std::span<pending> group, const group_answer& told);
  outcome<result<appended>> answer_of(connection& on, const placed_member& of,
                                      const group_answer& told, std::uint64_t& last);
  /// Why a member was not stored now; none when it was.
  std::optional<result<appended>> settled_by(connection& on, const placed_member& of,
                                             const group_answer& told);
  std::optional<result<appended>> failed_condition(connection& on, const placed_member& of,
                                                   const group_answer& told);
  outcome<std::optional<appended>> found_before(connection& on, const append_draft& draft,
                                                const group_answer& told);
  void give_up(std::span<pending> group, const failure& problem, bool in_doubt);
  void pause(int attempt);
  void drop_connection();
  std::string stream_name_of(connection& on, const group_answer::condition& hit);

  env& env_;
  writer_settings settings_;
  name_book& names_;
  completion_thread& completions_;
  std::unique_ptr<connection> connection_;
  statement lock_;
  std::unordered_map<int, statement> statements_{};
  std::atomic<std::uint64_t> floor_;  // a position that the server had reached
  known_heads heads_{};

  mutable std::mutex mutex_{};
  std::deque<pending> queue_{};
  std::deque<flight> flights_{};  // changed by whoever leads, and with the lock
  bool leading_ = false;
  std::size_t answered_ = 0;  // waiting callers of the last group
  std::size_t callers_ = 0;   // those, and all that were under way or waited then
  std::size_t expected_ = 0;  // in the queue, before the leader goes on; 0: it does not wait
  std::atomic<std::uint32_t> gathered_word_{0};
  bool listening_ = false;  // the leader waits for an answer, or for the bell
  doorbell bell_{};
  bool closed_ = false;
  bool stopping_ = false;
  std::atomic<std::uint32_t> in_flight_{0};
  std::atomic<std::uint64_t> in_flight_bytes_{0};
  std::unique_ptr<thread> io_thread_{};
  bool io_awake_ = false;
  std::atomic<std::uint32_t> io_word_{0};
  std::atomic<std::uint32_t> quiet_word_{0};

  std::mutex seen_mutex_{};
  std::unordered_map<std::uint64_t, std::uint64_t> seen_{};  // fingerprints by position
};

}  // namespace postgres
}  // namespace v1
}  // namespace annals
