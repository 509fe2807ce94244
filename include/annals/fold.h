#pragma once

#include <optional>
#include <string>
#include <utility>

#include "annals/decode.h"
#include "annals/store.h"

namespace annals {
inline namespace v1 {

/// A state, and the place in history it stands for.
template <class State>
struct loaded {
  State state{};
  annals::version version{};  ///< 0: never written
  position last{};            ///< of the last event folded
  uuid last_event{};          ///< its id
};

/// A point in the history of a stream: now, a version, or a time.
struct at {
  at() = default;
  explicit at(annals::version v) : version(v) {}
  explicit at(time_point t) : time(t) {}

  annals::version version = annals::version::max();
  /// "As of": the longest prefix of the stream whose timestamps are all at or before this time.
  time_point time = end_of_time;
};

/// Why a stream cannot be folded from what retention left; none when it can.
std::optional<error> folding_gap(const read_end& end, std::string_view stream,
                                 bool starts_with_genesis);

/// Folds the events of one stream as they are read: a sink for event_store::read.
template <class State, class Events>
class stream_fold {
 public:
  explicit stream_fold(at when) : when_(when) {}

  flow operator()(const event_batch& batch) {
    const event_view* last = nullptr;
    for (const auto& view : batch.events) {
      if (!fold(view)) break;
      last = &view;
    }
    if (last) loaded_.last_event = last->header().event_id;
    const bool all = batch.events.empty() || last == &batch.events.back();
    return all ? flow::more : flow::stop;
  }

  /// The folded state, once the read has ended.
  result<loaded<State>> finish(const read_end& end, std::string_view stream) {
    if (failure_) return std::unexpected(std::move(*failure_));
    if (auto gap = folding_gap(end, stream, genesis_)) return std::unexpected(std::move(*gap));
    return std::move(loaded_);
  }

 private:
  bool fold(const event_view& view) {
    const bool first = loaded_.version.number == 0;
    if (first || when_.time != end_of_time) {
      const auto header = view.header();
      if (header.timestamp > when_.time) return false;
      if (first) genesis_ = header.genesis;
    }
    auto folded = visit_event<Events>(view, [&](const auto& event) {
      loaded_.state = evolve_with<State>(std::move(loaded_.state), event);
    });
    if (!folded) {
      failure_ = folded.error();
      return false;
    }
    loaded_.version = view.version();
    loaded_.last = view.position();
    return true;
  }

  at when_;
  loaded<State> loaded_{};
  bool genesis_ = false;
  std::optional<error> failure_{};
};

/// Loads a stream's state at a point of its history.
template <class State, class Events>
result<loaded<State>> load_state(event_store& store, const std::string& stream, at when) {
  stream_fold<State, Events> fold(when);
  const auto end = store.read({.stream = stream, .to = when.version}, std::ref(fold));
  if (!end) return std::unexpected(end.error());
  return fold.finish(*end, stream);
}

}  // namespace v1
}  // namespace annals
