// The history of a store, and its import. See postgres_store.h.
#include <deque>
#include <unordered_map>

#include "import_batch.h"
#include "postgres_store.h"
#include "stored_metadata.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

constexpr std::uint64_t events_per_page = 1'024;
constexpr std::int64_t steps_per_page = 1'024;
constexpr std::size_t readable_after_payload = 64;  // bytes; the contract of event_view

append_context context_of(const stored_metadata& kept, const uuid& digest) {
  return {.command_id = kept.command_id,
          .command_digest = digest,
          .correlation_id = kept.correlation_id,
          .causation_id = kept.causation_id,
          .trace = kept.trace,
          .tracestate = kept.tracestate,
          .user_metadata = std::as_bytes(std::span(kept.user))};
}

}  // namespace

/// Puts appends together from their events, and what stands between them in its place.
class history_reading {
 public:
  history_reading(postgres_store& store, history_sink& on_entry) : store_(store), sink_(on_entry) {}

  result<void> run();

 private:
  struct step {
    std::int64_t ordinal = 0;
    std::uint64_t after = 0;
    std::string stream{};
    uuid command_id{};
    std::string metadata{};
    retained_stream kept{};
    bool is_retention = false;
  };

  result<void> read_page();
  result<void> tell_append();
  result<void> tell_steps(std::uint64_t before);
  result<void> read_steps();
  result<void> tell_step(const step& one);
  result<std::string_view> payload_of(const paged_event& event);
  result<uuid> digest_of_command(const uuid& id);
  void tell(const history_entry& entry) { stopped_ = sink_(entry) == flow::stop; }

  postgres_store& store_;
  history_sink& sink_;
  std::uint64_t next_ = 1;
  std::uint64_t head_ = 0;
  bool stopped_ = false;
  std::vector<std::unique_ptr<event_page>> pages_{};  // those that the append in hand stands on
  std::vector<const paged_event*> append_{};
  std::deque<step> steps_{};
  std::uint64_t steps_after_ = 0;
  std::int64_t steps_ordinal_ = -1;
  bool all_steps_ = false;
  std::deque<std::string> large_{};  // payloads of the append in hand
};

result<void> history_reading::run() {
  const auto head = store_.do_head();
  if (!head) return std::unexpected(head.error());
  head_ = head->in(0).sequence;
  while (next_ <= head_ && !stopped_)
    if (auto read = read_page(); !read) return read;
  if (auto told = tell_append(); !told) return told;
  return tell_steps(head_ + 1);
}

result<void> history_reading::read_page() {
  auto page = std::make_unique<event_page>();
  const auto done =
      store_.with_connection([&](connection& on, clock_reading until) -> outcome<void> {
        auto got = on.run({command{&store_.statements_.store_forwards,
                                   {bigint(next_), bigint(head_), bigint(events_per_page)}}},
                          until);
        if (!got) return std::unexpected(got.error());
        page = std::make_unique<event_page>();
        page->load(std::move(got->at(0)));
        return store_.name_streams(*page, on, until);
      });
  if (!done) return std::unexpected(to_error(done.error(), "reading the history"));
  if (page->events().empty())
    return fail(errc::store_corrupt,
                "the events from position " + std::to_string(next_) + " on are missing");
  next_ = page->events().back().position + 1;
  const auto events = page->events();
  pages_.push_back(std::move(page));
  for (const auto& event : events) {
    if (event.append_offset == 0) {
      if (auto told = tell_append(); !told) return told;
      if (stopped_) return {};
      if (pages_.size() > 1) pages_.erase(pages_.begin(), pages_.end() - 1);
    }
    append_.push_back(&event);
  }
  return {};
}

result<std::string_view> history_reading::payload_of(const paged_event& event) {
  if (!event.large)
    return std::string_view(reinterpret_cast<const char*>(event.payload.data()),
                            event.payload.size());
  const auto got = store_.ask({command{&store_.statements_.payload_at, {bigint(event.position)}}},
                              "reading the history");
  if (!got) return std::unexpected(got.error());
  if (got->at(0).size() == 0)
    return fail(errc::store_corrupt,
                "the event at position " + std::to_string(event.position) + " is missing");
  const auto payload = got->at(0).bytes(0, got->at(0).is_null(0, 0) ? 1 : 0);
  auto& kept = large_.emplace_back();
  kept.reserve(payload.size() + readable_after_payload);
  kept = payload;
  kept.append(readable_after_payload, '\0');
  return std::string_view(kept).substr(0, payload.size());
}

result<uuid> history_reading::digest_of_command(const uuid& id) {
  if (id.is_nil()) return uuid{};
  const auto found = store_.do_find_command(id);
  if (!found) return std::unexpected(found.error());
  return *found ? (*found)->digest : uuid{};
}

result<void> history_reading::tell_append() {
  if (append_.empty()) return {};
  const auto& first = *append_.front();
  if (auto told = tell_steps(first.position); !told || stopped_) return told;
  std::vector<imported_event> events;
  std::deque<std::vector<std::string>> tags;
  std::deque<std::vector<std::string_view>> tag_views;
  const auto common = read_metadata(first.stored_metadata);
  for (const auto* event : append_) {
    const auto payload = payload_of(*event);
    if (!payload) return std::unexpected(payload.error());
    const auto view = event->page->view(*event);
    const auto header = event->header(view);
    tags.emplace_back();
    tag_views.push_back(event->page->tags(*event, tags.back()));
    events.push_back({.stream = event->page->stream_name(*event),
                      .event = {.type = event->type,
                                .schema = event->schema,
                                .codec = event->codec,
                                .payload = std::as_bytes(std::span(*payload)),
                                .event_id = event->event_id,
                                .timestamp = header.timestamp,
                                .tags = tag_views.back(),
                                .genesis = event->genesis},
                      .version = {event->version},
                      .position = {.sequence = event->position},
                      .recorded = {event->hlc}});
  }
  const auto digest = digest_of_command(common.command_id);
  if (!digest) return std::unexpected(digest.error());
  tell(import_request{.events = events,
                      .context = context_of(common, *digest),
                      .stream = common.listed_first.empty()
                                    ? events.front().stream
                                    : std::string_view(common.listed_first)});
  append_.clear();
  large_.clear();
  return {};
}

result<void> history_reading::read_steps() {
  const auto got = store_.ask({command{&store_.statements_.steps,
                                       {bigint(steps_after_), parameter::of_int8(steps_ordinal_),
                                        bigint(head_), parameter::of_int8(steps_per_page)}}},
                              "reading the history");
  if (!got) return std::unexpected(got.error());
  const auto& found = got->at(0);
  const auto number = [&](int row, int column) {
    return static_cast<std::uint64_t>(found.int8(row, column));
  };
  for (int i = 0; i < found.size(); ++i) {
    auto& one = steps_.emplace_back(step{.ordinal = found.int8(i, 0),
                                         .after = number(i, 1),
                                         .stream = std::string(found.text(i, 2)),
                                         .command_id = found.uuid(i, 3),
                                         .metadata = std::string(found.text(i, 4)),
                                         .is_retention = found.is_null(i, 3)});
    if (!one.is_retention) continue;
    one.kept = {.truncate_before = {number(i, 5)},
                .tombstone = found.boolean(i, 6),
                .max_age = std::chrono::microseconds(found.int8(i, 7)),
                .max_count = number(i, 8)};
  }
  if (!steps_.empty()) {
    steps_after_ = steps_.back().after;
    steps_ordinal_ = steps_.back().ordinal;
  }
  all_steps_ = found.size() < steps_per_page;
  return {};
}

// Those that came before the append at a position.
result<void> history_reading::tell_steps(std::uint64_t before) {
  while (!stopped_) {
    if (steps_.empty() && !all_steps_)
      if (auto read = read_steps(); !read) return read;
    if (steps_.empty() || steps_.front().after >= before) return {};
    if (auto told = tell_step(steps_.front()); !told) return told;
    steps_.pop_front();
  }
  return {};
}

result<void> history_reading::tell_step(const step& one) {
  if (one.is_retention) {
    auto kept = one.kept;
    kept.stream = one.stream;
    tell(kept);
    return {};
  }
  const auto digest = digest_of_command(one.command_id);
  if (!digest) return std::unexpected(digest.error());
  auto common = read_metadata(one.metadata);
  common.command_id = one.command_id;
  tell(import_request{.context = context_of(common, *digest), .stream = one.stream});
  return {};
}

result<void> postgres_store::do_read_history(history_sink on_entry) {
  if (auto open = check_open(); !open) return open;
  return history_reading(*this, on_entry).run();
}

void postgres_store::do_import(std::span<const history_entry> entries, caller who,
                               completion<void> done) {
  auto open = check_open();
  if (open && !writer_) open = std::unexpected(refuses_writes());
  if (!open)
    return complete(
        [done = std::move(done), open = std::move(open)]() mutable { done(std::move(open)); });
  auto batch = std::make_shared<import_batch>(entries, sql_);
  const auto bytes = batch->bytes();
  writer_->run([batch, this](connection& on,
                             clock_reading until) { return batch->store(on, names_, until); },
               bytes, who == caller::waits, std::move(done));
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
