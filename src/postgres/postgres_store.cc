#include "postgres_store.h"

#include <algorithm>
#include <utility>

#include "address.h"
#include "annals/assert.h"
#include "annals/stream.h"
#include "head_watch.h"
#include "schema.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

constexpr std::chrono::milliseconds first_pause{10};
constexpr std::chrono::milliseconds longest_pause{500};

connect_options reading_options(connect_options from, const postgres_options& options) {
  from.needs_primary = !options.read_only;
  return from;
}

}  // namespace

postgres_store::postgres_store(env& environment, store_info info, parts opened)
    : event_store(environment, std::move(info)),
      connect_(reading_options(std::move(opened.connect), opened.options)),
      sql_(std::move(opened.names)),
      options_(std::move(opened.options)),
      statements_(sql_),
      names_(options_.schema),
      completions_(environment),
      notifier_(environment, completions_),
      pool_(environment, connect_, options_.connections) {
  if (opened.writes)
    writer_ = std::make_shared<append_writer>(environment,
                                              writer_settings{.connect = connect_,
                                                              .names = sql_,
                                                              .deadline = options_.deadline,
                                                              .store_id = info_.store_id,
                                                              .head = opened.head},
                                              names_, completions_, std::move(opened.writes));
  watch_ = std::make_unique<head_watch>(
      environment,
      head_watch::settings{.connect = connect_,
                           .channel = options_.listen ? quoted(sql_.channel) : std::string(),
                           .poll = options_.poll},
      notifier_, [this] { return do_head(); });
}

postgres_store::~postgres_store() {
  ANNALS_ASSERT(!inside_completion(), "a store destroyed inside a completion");
  const auto closed = do_close();
  ANNALS_ASSERT(closed, "closing has no way to fail");
}

result<void> postgres_store::check_open() const {
  if (closed_) return std::unexpected(append_writer::closed_error());
  return {};
}

error postgres_store::refuses_writes() const {
  return {errc::unsupported, "the store was opened read-only; open it for writing to append"};
}

void postgres_store::do_append(const append_request& request, caller who,
                               completion<appended> done) {
  const auto refuse = [&](error why) {
    complete([done = std::move(done), why = std::move(why)]() mutable {
      done(std::unexpected(std::move(why)));
    });
  };
  if (auto open = check_open(); !open) return refuse(open.error());
  if (!writer_) return refuse(refuses_writes());
  auto draft = draft_of(request, sql_.payload, environment().now(), environment());
  if (!draft) return refuse(draft.error());
  writer_->append(std::move(*draft), who == caller::waits, std::move(done));
}

void postgres_store::do_lend(const std::atomic<std::uint32_t>& done) {
  if (writer_) writer_->lend(done);
}

outcome<void> postgres_store::with_connection(
    const std::function<outcome<void>(connection& on, clock_reading deadline)>& work) {
  const auto until = environment().monotonic() + options_.deadline;
  auto pause = first_pause;
  for (;;) {
    auto lent = pool_.borrow(until);
    auto done = lent ? work(**lent, until) : outcome<void>(std::unexpected(lent.error()));
    if (done) return done;
    const auto& problem = done.error();
    const bool again = problem.lost || problem.sqlstate == "57P03" || problem.sqlstate == "40001";
    if (!again || closed_ || environment().monotonic() + pause >= until) return done;
    const std::atomic<std::uint32_t> nobody{0};
    environment().park(nobody, 0, pause);
    pause = std::min(2 * pause, longest_pause);
  }
}

result<std::vector<rows>> postgres_store::ask(std::span<const command> commands,
                                              std::string_view doing) {
  std::vector<rows> answers;
  const auto done = with_connection([&](connection& on, clock_reading until) -> outcome<void> {
    auto got = on.run(commands, until);
    if (!got) return std::unexpected(got.error());
    answers = std::move(*got);
    return {};
  });
  if (!done) return std::unexpected(to_error(done.error(), doing));
  return answers;
}

outcome<void> postgres_store::name_streams(event_page& page, connection& on,
                                           clock_reading deadline) {
  if (!page.knows_categories(names_)) {
    if (auto loaded = names_.load(on, deadline); !loaded) return loaded;
    if (!page.knows_categories(names_))
      return std::unexpected(
          failure{.sqlstate = "XX001", .message = "an event names a category that is not there"});
  }
  const auto keys = page.unknown_keys(names_);
  if (!keys.empty())
    if (auto loaded = names_.load_names(on, keys, deadline); !loaded) return loaded;
  page.take_names(names_);
  return {};
}

checkpoint postgres_store::checkpoint_of(std::uint64_t position, const uuid& event_id) {
  if (position == 0) return {};
  const auto fingerprint = fingerprint_of(event_id);
  if (writer_) writer_->remember(position, fingerprint);
  return {info_.store_id, {.sequence = position, .fingerprint = fingerprint}};
}

checkpoint postgres_store::head_in(const rows& from) {
  if (from.size() == 0) return {};
  return checkpoint_of(static_cast<std::uint64_t>(from.int8(0, 0)), from.uuid(0, 1));
}

command postgres_store::event_at(std::uint64_t position) const {
  return {&statements_.event_at, {bigint(position)}};
}

result<checkpoint> postgres_store::checkpoint_at(std::uint64_t position) {
  if (position == 0) return checkpoint{};
  const auto got = ask({event_at(position)}, "reading");
  if (!got) return std::unexpected(got.error());
  if (got->at(0).size() == 0)
    return fail(errc::store_corrupt, "the event at position " + std::to_string(position) +
                                         " is missing, and no hole says why");
  return checkpoint_of(position, got->at(0).uuid(0, 0));
}

result<void> postgres_store::check_seen(const checkpoint& seen, const rows& event_there) {
  if (seen.is_start()) return {};
  const bool ours = seen.store_id() == info_.store_id && event_there.size() == 1 &&
                    fingerprint_of(event_there.uuid(0, 0)) == seen.in(0).fingerprint;
  if (ours) return {};
  return std::unexpected(checkpoint_diverged(seen, info_));
}

std::optional<postgres_store::stream_facts> postgres_store::stream_in(const rows& from, int row) {
  if (from.size() <= row) return std::nullopt;
  const auto number = [&](int column) {
    return static_cast<std::uint64_t>(from.int8(row, column));
  };
  stream_facts facts{.name = std::string(from.text(row, 0)),
                     .newest = {number(5)},
                     .last = number(6),
                     .category = from.int4(row, 7)};
  facts.kept.truncate_before = {number(1)};
  facts.kept.gone = from.boolean(row, 2);
  facts.kept.max_age = std::chrono::microseconds(from.int8(row, 3));
  facts.kept.max_count = number(4);
  return facts;
}

// What is hidden is a prefix: versions and recorded times only grow.
result<version> postgres_store::first_kept(const stream_facts& of, time_point now) {
  if (of.kept.keeps_all()) return version{1};
  auto first = of.kept.truncate_before.number;
  if (of.kept.max_count != 0 && of.newest.number >= of.kept.max_count)
    first = std::max(first, of.newest.number - of.kept.max_count + 1);
  if (of.kept.max_age.count() != 0 && first <= of.newest.number) {
    const auto cut = (now - of.kept.max_age).time_since_epoch().count();
    const auto got = ask(
        {command{&statements_.first_recorded,
                 {parameter::of_uuid(of.aggregate_id), parameter::of_int4(of.category),
                  parameter::of_int8(static_cast<std::int64_t>(first)), parameter::of_int8(cut)}}},
        "reading retention");
    if (!got) return std::unexpected(got.error());
    first = got->at(0).size() == 0 ? of.newest.number + 1
                                   : static_cast<std::uint64_t>(got->at(0).int8(0, 0));
  }
  return version{first};
}

std::unique_ptr<wait_handle> postgres_store::do_notify_past(const checkpoint& seen,
                                                            completion<checkpoint> done) {
  if (auto open = check_open(); !open) return notifier_.refuse(open.error(), std::move(done));
  const auto got = ask({command{&statements_.head, {}}, event_at(seen.in(0).sequence)}, "reading");
  if (!got) return notifier_.refuse(got.error(), std::move(done));
  if (auto ours = check_seen(seen, got->at(1)); !ours)
    return notifier_.refuse(ours.error(), std::move(done));
  auto handle = notifier_.add(seen.in(0).sequence, head_in(got->at(0)), std::move(done));
  watch_->wake();
  if (closed_) notifier_.close();
  return handle;
}

result<std::optional<command_record>> postgres_store::do_find_command(const uuid& command_id) {
  if (auto open = check_open(); !open) return std::unexpected(open.error());
  const auto got =
      ask({command{&statements_.command, {parameter::of_uuid(command_id)}}}, "reading");
  if (!got) return std::unexpected(got.error());
  const auto& found = got->at(0);
  if (found.size() == 0) return std::optional<command_record>{};
  const auto number = [&](int column) { return static_cast<std::uint64_t>(found.int8(0, column)); };
  return std::optional(command_record{.result = {.first = {.sequence = number(4)},
                                                 .last = {.sequence = number(5)},
                                                 .stream_version = {number(3)}},
                                      .digest = found.uuid(0, 1),
                                      .stream = std::string(found.text(0, 2))});
}

result<checkpoint> postgres_store::do_head() {
  if (auto open = check_open(); !open) return std::unexpected(open.error());
  const auto got = ask({command{&statements_.head, {}}}, "reading");
  if (!got) return std::unexpected(got.error());
  return head_in(got->at(0));
}

result<void> postgres_store::do_close() {
  const std::scoped_lock lock(closing_);
  if (writer_) writer_->close();
  if (closed_.exchange(true)) return {};
  watch_->stop();
  notifier_.close();
  completions_.drain();
  pool_.close();
  return {};
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
