// Reads of the whole store. See reading.h.
#include <algorithm>

#include "annals/limits.h"
#include "reading.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

constexpr auto scan_window = limits::events_between_scan_reports;

/// A text parameter, and how the statement calls it.
std::string add(command& to, parameter one) {
  to.parameters.push_back(std::move(one));
  return "$" + std::to_string(to.parameters.size());
}

parameter texts_of(std::span<const std::string_view> all) {
  array_parameter made(type::texts, type::text);
  for (const auto one : all) made.add_bytes(one);
  return std::move(made).finish();
}

std::string item_sql(command& to, const query_item& item, const std::string& schema) {
  std::string sql = "(true";
  if (!item.types.empty()) sql += " AND e.event_type = ANY(" + add(to, texts_of(item.types)) + ")";
  for (const auto tag : item.tags)
    sql += " AND EXISTS (SELECT 1 FROM " + schema +
           ".event_tags t WHERE t.tag = " + add(to, parameter::of_text(tag)) +
           " AND t.global_position = e.global_position)";
  return sql + ")";
}

/// Where every item names a tag, the events are looked up by it: the window is not walked through.
std::string tagged_sql(command& to, const query& matching, const std::string& schema) {
  std::string sql;
  for (const auto& item : matching.items) {
    if (item.tags.empty()) return {};
    sql += sql.empty() ? "" : " UNION ALL ";
    sql += "SELECT global_position FROM " + schema +
           ".event_tags WHERE tag = " + add(to, parameter::of_text(item.tags.front())) +
           " AND global_position >= $1 AND global_position <= $2";
  }
  return sql.empty() ? sql : " AND e.global_position IN (" + sql + ")";
}

}  // namespace

std::string reading::condition_sql(command& into, bool hidden) const {
  const auto& schema = store_.sql_.schema;
  const auto& filter = request_.filter;
  std::string sql;
  if (!filter.categories.empty()) {
    array_parameter ids(type::int4s, type::int4);
    for (const auto id : categories_) ids.add_int4(id);
    sql += " AND e.category_id = ANY(" + add(into, std::move(ids).finish()) + ")";
  }
  if (!filter.matching.items.empty()) {
    sql += tagged_sql(into, filter.matching, schema) + " AND (false";
    for (const auto& item : filter.matching.items) sql += " OR " + item_sql(into, item, schema);
    sql += ")";
  }
  if (!hidden) return sql;
  return sql + " AND NOT " +
         hidden_sql(schema, add(into, parameter::of_int8(now_.time_since_epoch().count())));
}

bool reading::everything() const {
  return selects_all(request_.filter) && !retained_;
}

// A page is the beginning of a window of positions, which bounds the work of a sparse read. Where
// positions are dense, it is all of a window, and where the next one begins is known before.
reading::window reading::next_window(std::uint64_t most) const {
  window next{first_, last_, most};
  if (!ahead_.empty())
    forwards() ? next.from = ahead_.back().to + 1 : next.to = ahead_.back().from - 1;
  const auto width = !everything() ? scan_window : dense_ ? most : UINT64_MAX;
  if (next.from > next.to || next.to - next.from < width) return next;
  forwards() ? next.to = next.from + width - 1 : next.from = next.to - width + 1;
  return next;
}

command reading::store_page(const window& asked) {
  if (everything())
    return {forwards() ? &store_.statements_.store_forwards : &store_.statements_.store_backwards,
            {bigint(asked.from), bigint(asked.to), bigint(asked.most)}};
  command made{&chosen_, {bigint(asked.from), bigint(asked.to), bigint(asked.most)}};
  chosen_.sql = "SELECT " + event_columns(store_.sql_.payload) + " FROM " + store_.sql_.schema +
                ".events e WHERE e.global_position >= $1 AND e.global_position <= $2" +
                condition_sql(made, retained_) + " ORDER BY e.global_position" +
                (forwards() ? "" : " DESC") + " LIMIT $3";
  return made;
}

std::vector<command> reading::commands_of(const window& asked) {
  return {store_.event_at(asked.to), {&store_.statements_.any_retained, {}}, store_page(asked)};
}

// What was asked ahead is there soon; where its connection was lost, it is asked for again.
result<std::vector<rows>> reading::rows_of(const window& asked) {
  if (!ahead_.empty()) {
    ahead_.pop_front();
    auto got = (**kept_).receive(store_.environment().monotonic() + store_.deadline());
    if (got) return std::move(*got);
    ahead_.clear();
    kept_.reset();
  }
  return store_.ask(commands_of(asked), "reading");
}

result<reading::page_pointer> reading::page_of(rows from) {
  auto page = std::make_unique<event_page>();
  page->load(std::move(from));
  adapt(*page);
  if (page->knows_categories(store_.names_) && page->unknown_keys(store_.names_).empty()) {
    page->take_names(store_.names_);
    return page;
  }
  const auto named = store_.with_connection(
      [&](connection& on, clock_reading until) { return store_.name_streams(*page, on, until); });
  if (!named) return std::unexpected(to_error(named.error(), "reading"));
  return page;
}

// The server finds the next pages while this one is delivered, as far as the socket takes them: no
// more than that is in memory. Two, so that it goes on when it has sent one. Not where connections
// are scarce, since this one is kept meanwhile.
void reading::ask_ahead(std::uint64_t left) {
  if (!everything()) return;
  const std::size_t most_ahead = dense_ ? 2 : 1;
  for (const auto& one : ahead_) left -= std::min(left, one.most);
  while (ahead_.size() < most_ahead && left > 0) {
    const auto next = next_window(std::min(page_events_, left));
    if (next.from > next.to) return;
    if (!kept_)
      if (auto spare = store_.pool_.borrow_spare()) kept_.emplace(std::move(*spare));
    if (!kept_) return;
    const auto until = store_.environment().monotonic() + store_.deadline();
    if (!(**kept_).send(commands_of(next), until)) {
      ahead_.clear();
      return kept_.reset();
    }
    ahead_.push_back(next);
    left -= next.most;
  }
}

// A connection on which something is left to be read is closed with its loan.
void reading::drop_ahead() {
  while (!ahead_.empty()) {
    ahead_.pop_front();
    const auto unread = (**kept_).receive(store_.environment().monotonic() + store_.deadline());
    if (!unread) ahead_.clear();
  }
  kept_.reset();
}

command reading::removed_count(std::uint64_t from, std::uint64_t to) {
  command made{&counting_, {bigint(from), bigint(to)}};
  counting_.sql = "SELECT count(*) FROM " + store_.sql_.schema +
                  ".events e WHERE e.global_position >= $1 AND e.global_position <= $2 AND " +
                  hidden_sql(store_.sql_.schema,
                             add(made, parameter::of_int8(now_.time_since_epoch().count())));
  return made;
}

result<void> reading::begin_store() {
  const auto& of = store_.statements_;
  const auto seen = request_.after.in(0).sequence;
  const auto got = store_.ask(
      {command{&of.head, {}}, store_.event_at(seen), command{&of.any_retained, {}}}, "reading");
  if (!got) return std::unexpected(got.error());
  head_ = store_.head_in(got->at(0));
  end_.scanned_to = head_;
  if (auto ours = store_.check_seen(request_.after, got->at(1)); !ours) return ours;
  retained_ = got->at(2).boolean(0, 0);
  first_ = std::max({request_.first, seen + 1, std::uint64_t{1}});
  last_ = std::min<std::uint64_t>(request_.last, head_.in(0).sequence);
  if (request_.filter.categories.empty() || first_ > last_) return {};
  const auto loaded = store_.with_connection(
      [&](connection& on, clock_reading until) { return store_.names_.load(on, until); });
  if (!loaded) return std::unexpected(to_error(loaded.error(), "reading"));
  for (const auto name : request_.filter.categories)
    for (const auto names : {naming::by_id, naming::by_key, naming::hyphen_id})
      if (const auto id = store_.names_.find(name, names)) categories_.push_back(*id);
  return {};
}

result<read_end> reading::run_store() {
  if (auto begun = begin_store(); !begun) return std::unexpected(begun.error());
  if (request_.limit == 0) {
    end_.complete = first_ > last_;
    if (reports()) end_.scanned_to = request_.after;
    return end_;
  }
  while (first_ <= last_ && !stopped_ && left() > 0)
    if (auto read = read_window(); !read) return std::unexpected(read.error());
  end_.complete = !stopped_ && first_ > last_;
  return end_of_store();
}

result<read_end> reading::end_of_store() {
  if (!reports() || !end_.complete) return end_;
  const auto end = std::min<std::uint64_t>(request_.last, head_.in(0).sequence);
  const auto seen = request_.after.in(0).sequence;
  if (end <= seen) {
    end_.scanned_to = request_.after;
  } else if (end == head_.in(0).sequence) {
    end_.scanned_to = head_;
  } else if (end_.scanned_to.in(0).sequence != end) {
    auto at = store_.checkpoint_at(end);
    if (!at) return std::unexpected(at.error());
    end_.scanned_to = *at;
  }
  return end_;
}

// Reads one page, moves the range behind it, and delivers it.
result<void> reading::read_window() {
  const auto asked = ahead_.empty() ? next_window(std::min(page_events_, left())) : ahead_.front();
  auto got = rows_of(asked);
  if (!got) return std::unexpected(got.error());
  if (!retained_ && got->at(1).boolean(0, 0)) {  // somebody has set retention meanwhile
    retained_ = true;
    drop_ahead();
    return {};
  }
  const auto& found = got->at(2);
  const auto count = static_cast<std::uint64_t>(found.size());
  seen_window seen{asked, count < asked.most};
  if (!seen.whole) {
    const auto edge = static_cast<std::uint64_t>(found.int8(found.size() - 1, 0));
    forwards() ? seen.range.to = edge : seen.range.from = edge;
  }
  forwards() ? first_ = seen.range.to + 1 : last_ = seen.range.from - 1;
  seen.full = asked.to - asked.from + 1 >= scan_window;
  dense_ = dense_ && count == asked.to - asked.from + 1;
  ask_ahead(left() - count);
  const auto page = page_of(std::move(got->at(2)));
  if (!page) return std::unexpected(page.error());
  return take_window(seen, got->at(0), **page);
}

result<void> reading::take_window(const seen_window& seen, const rows& event_at_end,
                                  event_page& page) {
  const auto& [from, to, most] = seen.range;
  if (everything())
    if (auto gapless = check_gapless(page, from, to, seen.whole); !gapless) return gapless;
  if (retained_) {
    const auto count = store_.ask({removed_count(from, to)}, "reading");
    if (!count) return std::unexpected(count.error());
    end_.removed += static_cast<std::uint64_t>(count->at(0).int8(0, 0));
  }
  checkpoint scanned = head_;
  if (reports()) {
    if (seen.whole && event_at_end.size() == 1)
      scanned = store_.checkpoint_of(to, event_at_end.uuid(0, 0));
    else if (!page.events().empty())
      scanned = store_.checkpoint_of(page.events().back().position, page.events().back().event_id);
  }
  return deliver(page, page.events(), scanned, seen.full);
}

// Positions are dense: one that is missing is told by a hole, or it is damage.
result<void> reading::check_gapless(const event_page& page, std::uint64_t from, std::uint64_t to,
                                    bool whole_window) {
  auto expected = forwards() ? from : to;
  const auto missing = [&](std::uint64_t until) -> result<void> {
    while (expected != until) {
      const auto got =
          store_.ask({command{&store_.statements_.holes, {bigint(expected)}}}, "reading");
      if (!got) return std::unexpected(got.error());
      const auto& hole = got->at(0);
      const auto end = hole.size() == 0 ? 0 : static_cast<std::uint64_t>(hole.int8(0, 1));
      if (hole.size() == 0 || end < expected)
        return fail(errc::store_corrupt,
                    "the event at position " + std::to_string(expected) +
                        " is missing, and no hole says why; restore the database from a backup");
      expected = forwards() ? std::min(until, end + 1)
                            : std::max(until, static_cast<std::uint64_t>(hole.int8(0, 0)) - 1);
    }
    return {};
  };
  for (const auto& event : page.events()) {
    if (event.position != expected)
      if (auto told = missing(event.position); !told) return told;
    expected = forwards() ? event.position + 1 : event.position - 1;
  }
  if (!whole_window) return {};
  return missing(forwards() ? to + 1 : from - 1);
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
