#include "orders/import.h"

#include "orders/credit_notes.h"
#include "orders/ids.h"
#include "orders/pipeline.h"

namespace orders {
namespace {

using annals::errc;
using annals::executed;

constexpr std::string_view currency_of_file = "GBP";

bool ends_import(errc code) {
  switch (code) {
    case errc::rejected:
    case errc::command_id_reused:
    case errc::stream_gone:
    case errc::history_truncated:
    case errc::limit_exceeded: return false;
    default: return true;
  }
}

/// Derives commands from invoices, executes them, and counts.
class importer {
 public:
  importer(annals::event_store& store, import_report& report)
      : orders_(store, "order"), report_(report), pipeline_(invoices_in_flight) {}

  void take(invoice one) {
    ++report_.invoices;
    switch (one.kind) {
      case invoice_kind::order: return take_order(std::move(one));
      case invoice_kind::credit_note: return take_credit_note(one);
      case invoice_kind::adjustment: ++report_.adjustments; return;
    }
  }
  void drain() { pipeline_.drain(); }
  bool failed() {
    const std::scoped_lock lock(mutex_);
    return report_.ended_by.has_value();
  }

 private:
  void take_order(invoice one) {
    ++report_.orders;
    notes_.add(one);
    const auto id = order_id(one.number);
    pipeline_.submit(id, [this, id, one = std::move(one)](auto finished) mutable {
      create_order(id, std::move(one), std::move(finished));
    });
  }

  void create_order(const uuid& id, invoice one, std::move_only_function<void()> finished) {
    create request{one.customer, one.country, text(currency_of_file), std::move(one.items)};
    const auto items = request.items.size();
    const auto total = total_of(request.items);
    const annals::execute_options once{.command_id = id_of("create:", one.number),
                                       .timestamp = one.date};
    orders_.execute(id, std::move(request), once,
                    [this, id, items, total, one = std::move(one),
                     finished = std::move(finished)](annals::result<executed> done) mutable {
                      if (!count(done, report_.created, one.first_line)) return finished();
                      add_items(items);
                      pay_order(id, one, total, std::move(finished));
                    });
  }

  void pay_order(const uuid& id, const invoice& one, money total,
                 std::move_only_function<void()> finished) {
    orders_.execute(id, pay{payment_id(one.number), total},
                    {.command_id = id_of("pay:", one.number), .timestamp = one.date},
                    [this, line = one.first_line,
                     finished = std::move(finished)](annals::result<executed> done) mutable {
                      count(done, report_.paid, line);
                      finished();
                    });
  }

  void take_credit_note(const invoice& note) {
    ++report_.credit_notes;
    const auto cancelled_order = notes_.match(note);
    if (!cancelled_order) {
      ++report_.unmatched;
      return;
    }
    const auto id = order_id(*cancelled_order);
    pipeline_.submit(id, [this, id, number = note.number, date = note.date,
                          line = note.first_line](auto finished) mutable {
      orders_.execute(
          id, cancel{"credit note " + number},
          {.command_id = id_of("cancel:", number), .timestamp = date},
          [this, line, finished = std::move(finished)](annals::result<executed> done) mutable {
            count(done, report_.cancelled, line);
            finished();
          });
    });
  }

  // One too large for 64 bits is rejected by the domain, and then never paid.
  static money total_of(const std::vector<item>& items) {
    money total{};
    for (const auto& i : items) {
      money price{};
      if (!checked_multiply(i.unit_price, i.quantity, price) || !checked_add(total, price, total))
        return money{};
    }
    return total;
  }

  // Counts an outcome; answers whether the command took effect, now or on an earlier run.
  bool count(const annals::result<executed>& done, std::uint64_t& succeeded, std::uint64_t line) {
    const std::scoped_lock lock(mutex_);
    if (done) {
      ++succeeded;
      report_.new_events += done->events;
      return true;
    }
    const auto& why = done.error();
    if (why.code() == errc::rejected && why.reason() == "no_items") {
      ++report_.rejected_no_items;
    } else if (ends_import(why.code())) {
      if (!report_.ended_by) report_.ended_by = why;
    } else {
      ++report_.refused;
      if (report_.problems.size() < most_problems_kept)
        report_.problems.push_back({why.code(), line, why.message()});
    }
    return false;
  }

  void add_items(std::size_t items) {
    const std::scoped_lock lock(mutex_);
    report_.items += items;
  }

  order_category orders_;
  import_report& report_;
  std::mutex mutex_{};  // of what completions write into the report
  credit_notes notes_{};
  pipeline pipeline_;
};

}  // namespace

annals::result<import_report> import_retail(annals::event_store& store, const std::string& path,
                                            const import_options& options) {
  import_report report;
  std::function<void(const bad_line&)> skip;
  if (options.skip_bad)
    skip = [&](const bad_line& line) {
      ++report.bad_lines;
      if (options.on_bad) options.on_bad(line);
    };
  auto file = retail_reader::open(path, skip);
  if (!file) return std::unexpected(file.error());

  importer work(store, report);
  std::optional<annals::error> unreadable;
  while (!work.failed() && !report.interrupted) {
    auto day = (*file)->next_day();
    if (!day) unreadable = day.error();
    if (!day || day->empty()) break;
    for (auto& one : *day) {
      report.interrupted = options.stop != nullptr && options.stop->load();
      if (report.interrupted) break;
      work.take(std::move(one));
    }
    if (options.on_progress)
      options.on_progress((*file)->file().bytes_read(), (*file)->file().bytes_total(),
                          report.invoices);
  }
  work.drain();
  if (!report.ended_by) report.ended_by = unreadable;
  return report;
}

}  // namespace orders
