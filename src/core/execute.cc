#include "annals/execute.h"

#include <algorithm>
#include <array>

#include "annals/engine.h"
#include "annals/fold.h"
#include "annals/operation.h"

namespace annals {
inline namespace v1 {
namespace {

// The namespace of command digests. Stored through them; it never changes (docs/format.md).
constexpr uuid command_digest_namespace{{0x3f, 0x1d, 0x92, 0xc8, 0x5a, 0x60, 0x5b, 0x4e, 0x8b, 0x0e,
                                         0x77, 0x21, 0xd9, 0x36, 0xaf, 0x52}};

constexpr std::chrono::nanoseconds first_pause = std::chrono::milliseconds(1);
constexpr int largest_doubling = 6;  // 64 ms

std::string describe(const event_view& view) {
  return "event type '" + std::string(view.type()) + "' (stream " +
         std::string(view.stream_name()) + ", version " + std::to_string(view.version().number) +
         ")";
}

}  // namespace

error unknown_event(const event_view& view, std::uint16_t readable_schema) {
  if (readable_schema == 0)
    return {errc::serialization_error,
            describe(view) + " is not among the events of this aggregate"};
  return {errc::serialization_error, describe(view) + ": stored with schema " +
                                         std::to_string(view.schema()) + ", this program reads " +
                                         std::to_string(readable_schema)};
}

error undecodable_event(const event_view& view, const error& cause) {
  return {errc::serialization_error, describe(view) + ": " + cause.message()};
}

std::optional<error> folding_gap(const read_end& end, std::string_view stream,
                                 bool starts_with_genesis) {
  if (end.gone)
    return error(errc::stream_gone, "stream " + std::string(stream) +
                                        " has a tombstone; lift it with retain() to use it again");
  if (end.first_kept.number <= 1 || starts_with_genesis) return std::nullopt;
  return error(errc::history_truncated, "stream " + std::string(stream) +
                                            " was truncated below version " +
                                            std::to_string(end.first_kept.number) +
                                            ", and no summary event stands there to fold from");
}

uuid command_digest(std::string_view stream, std::string_view type, std::string_view payload) {
  std::string content;
  content.reserve(stream.size() + type.size() + payload.size() + 2);
  content.append(stream).append(1, '\0').append(type).append(1, '\0').append(payload);
  return make_uuid_v5(command_digest_namespace, content);
}

result<std::optional<appended>> find_applied(event_store& store, const uuid& command_id,
                                             const uuid& digest) {
  auto known = store.find_command(command_id);
  if (!known) return std::unexpected(known.error());
  if (!*known) return std::optional<appended>{};
  if ((*known)->digest != digest) return std::unexpected(command_id_reused(command_id, **known));
  auto first = (*known)->result;
  first.already_applied = true;
  return std::optional(first);
}

std::chrono::nanoseconds back_off(int attempt, env& environment) {
  if (attempt <= 2) return {};
  const auto full = first_pause * (std::int64_t{1} << std::min(attempt - 3, largest_doubling));
  std::array<std::uint8_t, 1> random{};
  environment.random(random);
  return full - full * random[0] / 512;
}

bool may_retry(const error& cause, int attempts_made, const execute_options& options,
               std::chrono::nanoseconds elapsed) {
  return cause.code() == errc::version_conflict && attempts_made < options.attempts &&
         elapsed < options.budget;
}

error retries_exhausted(const error& last, int attempts_made) {
  auto message = last.message() + "; gave up after " + std::to_string(attempts_made) +
                 (attempts_made == 1 ? " attempt" : " attempts");
  return last.why() ? error(last.code(), std::move(message), *last.why())
                    : error(last.code(), std::move(message));
}

void prepared_append::clear() {
  payloads_.clear();
  ends_.clear();
  events_.clear();
  tags_.clear();
}

void prepared_append::seal(const std::string& stream, version seen, const execute_options& options,
                           const uuid& digest) {
  tags_.assign(options.tags.begin(), options.tags.end());
  std::size_t begin = 0;
  for (std::size_t i = 0; i < events_.size(); ++i) {
    events_[i].payload = std::as_bytes(std::span(payloads_).subspan(begin, ends_[i] - begin));
    events_[i].timestamp = options.timestamp;
    events_[i].tags = tags_;
    begin = ends_[i];
  }
  write_ = {.name = stream, .expected = expect::at(seen), .events = events_};
  request_ = {.streams = std::span(&write_, 1),
              .context = {.command_id = options.command_id,
                          .command_digest = digest,
                          .correlation_id = options.correlation_id,
                          .causation_id = options.causation_id,
                          .received = options.received,
                          .trace = options.trace}};
}

}  // namespace v1
}  // namespace annals
