#include <array>
#include <cstddef>

#include "annals/assert.h"
#include "annals/result.h"

namespace annals {
inline namespace v1 {
namespace {

struct code_entry {
  errc code;
  std::string_view name;
  int grpc;  // google.rpc.Code
  int http;
  int exit;
  bool retryable;
};

// In the order of the enumeration. Exit codes group what a script would treat alike:
// 2 usage, 3 not there, 4 conflict, 5 rejected, 6 bad content, 7 file, 8 not our store, 9 in use,
// 10 damage, 11 disk full, 12 storage failed, 13 try later, 14 in doubt, 15 handler.
constexpr std::array entries{
    code_entry{errc::aggregate_not_found, "aggregate_not_found", 5, 404, 3, false},
    code_entry{errc::version_conflict, "version_conflict", 10, 409, 4, false},
    code_entry{errc::condition_failed, "condition_failed", 10, 409, 4, false},
    code_entry{errc::rejected, "rejected", 9, 422, 5, false},
    code_entry{errc::command_id_reused, "command_id_reused", 6, 409, 4, false},
    code_entry{errc::serialization_error, "serialization_error", 3, 422, 6, false},
    code_entry{errc::database_error, "database_error", 13, 500, 12, false},
    code_entry{errc::disk_full, "disk_full", 8, 507, 11, true},
    code_entry{errc::store_failed, "store_failed", 14, 503, 12, false},
    code_entry{errc::store_corrupt, "store_corrupt", 15, 500, 10, false},
    code_entry{errc::store_in_use, "store_in_use", 14, 503, 9, true},
    code_entry{errc::store_too_new, "store_too_new", 9, 500, 8, false},
    code_entry{errc::not_a_store, "not_a_store", 9, 500, 8, false},
    code_entry{errc::invalid_argument, "invalid_argument", 3, 400, 2, false},
    code_entry{errc::limit_exceeded, "limit_exceeded", 3, 413, 2, false},
    code_entry{errc::overloaded, "overloaded", 8, 429, 13, true},
    code_entry{errc::shutting_down, "shutting_down", 14, 503, 13, false},
    code_entry{errc::in_doubt, "in_doubt", 14, 503, 14, true},
    code_entry{errc::unsupported, "unsupported", 12, 501, 2, false},
    code_entry{errc::stream_gone, "stream_gone", 5, 410, 3, false},
    code_entry{errc::history_truncated, "history_truncated", 11, 410, 3, false},
    code_entry{errc::checkpoint_diverged, "checkpoint_diverged", 9, 409, 4, false},
    code_entry{errc::stream_key_collision, "stream_key_collision", 6, 409, 4, false},
    code_entry{errc::handler_failed, "handler_failed", 2, 500, 15, false},
    code_entry{errc::malformed_input, "malformed_input", 3, 400, 6, false},
    code_entry{errc::file_error, "file_error", 9, 500, 7, false},
};

const code_entry& entry_of(errc code) noexcept {
  const auto index = static_cast<std::size_t>(code);
  ANNALS_ASSERT(index < entries.size() && entries[index].code == code, "a code of the closed list");
  return entries[index];
}

}  // namespace

std::string_view name_of(errc code) noexcept {
  return entry_of(code).name;
}
int grpc_status_of(errc code) noexcept {
  return entry_of(code).grpc;
}
int http_status_of(errc code) noexcept {
  return entry_of(code).http;
}
int exit_code_of(errc code) noexcept {
  return entry_of(code).exit;
}

struct error::detail {
  std::string message{};
  std::string reason{};
  std::optional<refusal> why{};
};

error::error(errc code, std::string message)
    : code_(code), detail_(std::make_shared<detail>(detail{std::move(message), {}, {}})) {}

error::error(errc code, std::string message, refusal why)
    : code_(code),
      detail_(std::make_shared<detail>(detail{std::move(message), {}, std::move(why)})) {}

error error::rejected(std::string reason, std::string message) {
  error made(errc::rejected, {});
  if (message.empty()) message = reason;
  made.detail_ = std::make_shared<detail>(detail{std::move(message), std::move(reason), {}});
  return made;
}

const std::string& error::message() const& noexcept {
  return detail_->message;
}
const std::string& error::reason() const& noexcept {
  return detail_->reason;
}
const refusal* error::why() const noexcept {
  return detail_->why ? &*detail_->why : nullptr;
}
bool error::retryable() const noexcept {
  return entry_of(code_).retryable;
}

std::string error::to_string() const {
  std::string text(name_of(code_));
  if (!reason().empty()) text.append(" (").append(reason()).append(")");
  return text.append(": ").append(message());
}

}  // namespace v1
}  // namespace annals
