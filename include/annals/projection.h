#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "annals/decode.h"
#include "annals/store.h"

namespace annals {
inline namespace v1 {

/// Where and when the event stands that is being projected.
struct event_context {
  const event_view& view;
  event_header header{};

  const uuid& aggregate_id() const noexcept { return header.aggregate_id; }
  time_point timestamp() const noexcept { return header.timestamp; }
  annals::version version() const noexcept { return view.version(); }
  annals::position position() const noexcept { return view.position(); }
};

// Named when a read model has no `project` for an event: the compiler's error line tells which.
template <class Model, class Event>
struct project_is_missing;

/// Folds one event into a read model, with the model's `project(Model&, const Event&, const
/// event_context&)` found by ADL.
template <class Model, class Event>
void project_with(Model& model, const Event& event, const event_context& context) {
  if constexpr (requires { project(model, event, context); }) {
    project(model, event, context);
  } else {
    static_assert(sizeof(project_is_missing<Model, Event>) != 0);
  }
}

/// A read model in memory, folded from the events of one category in the order of the store.
///
/// Threads: one at a time.
template <class Model, class Events>
class projection {
 public:
  projection(event_store& store, std::string category, Model model = {})
      : store_(&store), category_(std::move(category)), model_(std::move(model)) {}

  const Model& model() const noexcept { return model_; }
  /// Everything up to here is folded in.
  const checkpoint& seen() const noexcept { return seen_; }

  /// Folds what the store holds past `seen()`; answers how many events that was.
  ///
  /// Errors:  those of event_store::read; serialization_error. The model then holds everything
  ///          before the failing event, and the next call meets it again.
  /// Cost:    one pass over what is new.
  result<std::uint64_t> catch_up() {
    std::uint64_t folded = 0;
    std::optional<error> failure;
    const std::string_view categories[] = {category_};
    const auto end =
        store_->read({.after = seen_, .first = next_, .filter = {.categories = categories}},
                     [&](const event_batch& batch) {
                       if (!fold(batch, folded, failure)) return flow::stop;
                       seen_ = batch.scanned_to;
                       return flow::more;
                     });
    if (failure) return std::unexpected(std::move(*failure));
    if (!end) return std::unexpected(end.error());
    seen_ = end->scanned_to;
    return folded;
  }

 private:
  bool fold(const event_batch& batch, std::uint64_t& folded, std::optional<error>& failure) {
    for (const auto& view : batch.events) {
      const event_context context{view, view.header()};
      const auto projected = visit_event<Events>(
          view, [&](const auto& event) { project_with(model_, event, context); });
      if (!projected) {
        failure = projected.error();
        return false;
      }
      next_ = view.position().sequence + 1;
      ++folded;
    }
    return true;
  }

  event_store* store_;
  std::string category_;
  Model model_;
  checkpoint seen_{};
  std::uint64_t next_ = 1;  // no event before it is folded twice, even when a batch failed half-way
};

}  // namespace v1
}  // namespace annals
