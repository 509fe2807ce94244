#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "annals/store.h"
#include "orders/retail.h"

namespace orders {

inline constexpr std::size_t invoices_in_flight = 1'024;
inline constexpr std::size_t most_problems_kept = 100;  // told in full; all are counted

/// A command of the file that the store or the domain refused.
struct import_problem {
  annals::errc code{};
  std::uint64_t line = 0;
  text message{};
};

/// What an import came to. The first ten are a function of the file alone.
struct import_report {
  std::uint64_t invoices = 0;
  std::uint64_t orders = 0;
  std::uint64_t created = 0;
  std::uint64_t rejected_no_items = 0;
  std::uint64_t paid = 0;
  std::uint64_t credit_notes = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t unmatched = 0;
  std::uint64_t adjustments = 0;
  std::uint64_t items = 0;
  std::uint64_t new_events = 0;
  std::uint64_t bad_lines = 0;
  std::uint64_t refused = 0;
  std::vector<import_problem> problems{};
  std::optional<annals::error> ended_by{};  ///< why it ended before the end of the file
  bool interrupted = false;
};

struct import_options {
  bool skip_bad = false;
  std::function<void(const bad_line&)> on_bad{};
  /// Called after each day, with compressed bytes read, in all, and invoices so far.
  std::function<void(std::uint64_t, std::uint64_t, std::uint64_t)> on_progress{};
  const std::atomic<bool>* stop = nullptr;  ///< ends the import after the invoices in flight
};

/// Imports an Online Retail file: every invoice becomes commands with ids derived from its number,
/// so that importing again changes nothing and an import that was killed can be started again.
///
/// Errors:  file_error, malformed_input when not even the first day could be read; what ended the
///          import later stands in the report, beside all that was done.
/// Cost:    invoices_in_flight invoices are on their way at once; one flush serves many.
annals::result<import_report> import_retail(annals::event_store& store, const std::string& path,
                                            const import_options& options);

}  // namespace orders
