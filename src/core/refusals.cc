#include <array>

#include "annals/engine.h"

namespace annals {
inline namespace v1 {
namespace {

refusal refusal_by(std::string clause, const breaking_event& event) {
  return {.clause = std::move(clause),
          .stream = event.stream,
          .actual = event.version,
          .position = event.position.sequence == 0 ? std::string{} : event.position.to_string(),
          .event_id = event.event_id.is_nil() ? std::string{} : event.event_id.to_string()};
}

}  // namespace

error version_conflict(std::size_t stream_index, const stream_write& write,
                       const breaking_event& newest) {
  auto why = refusal_by("streams[" + std::to_string(stream_index) + "].expect", newest);
  why.expected = write.expected.to_string();
  return {errc::version_conflict,
          "stream " + std::string(write.name) + " is at version " +
              std::to_string(newest.version.number) + ", expected " + why.expected,
          std::move(why)};
}

error condition_failed(std::size_t condition_index, const breaking_event& matching) {
  return {errc::condition_failed,
          "append condition " + std::to_string(condition_index) +
              " failed: an event matching it stands at position " + matching.position.to_string() +
              " (stream " + matching.stream + ", version " +
              std::to_string(matching.version.number) + ")",
          refusal_by("unless[" + std::to_string(condition_index) + "]", matching)};
}

error command_id_reused(const uuid& command_id, const command_record& first) {
  const auto version = first.result.stream_version;
  return {errc::command_id_reused,
          "command id " + command_id.to_string() + " was used with other content: stream " +
              first.stream + ", version " + std::to_string(version.number) + " holds the first",
          refusal{.clause = "command_id",
                  .stream = first.stream,
                  .actual = version,
                  .position = first.result.last.sequence == 0 ? std::string{}
                                                              : first.result.last.to_string()}};
}

error handler_failed(std::string_view doing, std::exception_ptr thrown) {
  std::string what;
  try {
    std::rethrow_exception(std::move(thrown));
  } catch (const std::exception& caught) {
    what = caught.what();
  } catch (...) {
    what = "an exception that is no std::exception";
  }
  return {errc::handler_failed, std::string(doing) + " threw: " + what + "; nothing was stored"};
}

error stream_is_gone(std::string_view stream, version at) {
  return {
      errc::stream_gone,
      "stream " + std::string(stream) + " has a tombstone; lift it with retain() to append again",
      refusal{.clause = "streams", .stream = std::string(stream), .actual = at}};
}

error stream_key_collision(std::string_view wanted, std::string_view holder) {
  return {errc::stream_key_collision,
          "stream " + std::string(wanted) + " has the same key as stream " + std::string(holder) +
              "; choose another name",
          refusal{.clause = "streams", .stream = std::string(holder)}};
}

error checkpoint_diverged(const checkpoint& seen, const store_info& info) {
  return {errc::checkpoint_diverged,
          "checkpoint " + seen.to_string() + " is of another history than store " +
              info.store_id.to_string() + "; start again from the beginning"};
}

uuid make_event_id(env& environment) {
  std::array<std::uint8_t, 10> random{};
  environment.random(random);
  const auto now = environment.now().time_since_epoch();
  return make_uuid_v7(std::chrono::floor<std::chrono::milliseconds>(now), random);
}

error does_not_follow(const imported_event& imported, std::uint64_t sequence,
                      std::uint64_t version) {
  return {
      errc::invalid_argument,
      "the imported event at position " + imported.position.to_string() + " (stream " +
          std::string(imported.stream) + ", version " + std::to_string(imported.version.number) +
          ") does not follow what the store holds: expected position " + std::to_string(sequence) +
          ", version " + std::to_string(version) + " and a later clock reading"};
}

}  // namespace v1
}  // namespace annals
