#include "annals/store.h"
#include "sha1.h"

namespace annals {
inline namespace v1 {
namespace {

// What is fed to the digest, in order; docs/format.md, "Request digest". Lengths go in front of
// everything of variable size, so that no two requests feed the same bytes.
class digest_writer {
 public:
  void number(std::uint64_t value) {
    hash_.add(std::as_bytes(std::span(&value, 1)));  // little endian, as all that is stored
  }
  void bytes(std::span<const std::byte> value) {
    number(value.size());
    hash_.add(value);
  }
  void text(std::string_view value) { bytes(std::as_bytes(std::span(value))); }
  void texts(std::span<const std::string_view> values) {
    number(values.size());
    for (const auto value : values) text(value);
  }
  uuid finish() {
    const auto digest = hash_.finish();
    uuid id;
    for (std::size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = digest[i];
    return id;
  }

 private:
  sha1 hash_{};
};

void feed(digest_writer& out, const new_event& event) {
  out.text(event.type);
  out.number(event.schema);
  out.number(static_cast<std::uint64_t>(event.codec));
  out.number(event.genesis ? 1 : 0);
  out.bytes(event.payload);
  out.bytes(std::as_bytes(std::span(event.event_id.bytes)));  // nil where the store makes it
  out.number(event.timestamp ? 1 : 0);
  out.number(event.timestamp
                 ? static_cast<std::uint64_t>(event.timestamp->time_since_epoch().count())
                 : 0);
  out.texts(event.tags);
}

void feed(digest_writer& out, const append_condition& condition) {
  out.text(condition.after.to_string());
  out.number(condition.matching.items.size());
  for (const auto& item : condition.matching.items) {
    out.texts(item.types);
    out.texts(item.tags);
  }
}

}  // namespace

uuid digest_of(const append_request& request) {
  digest_writer out;
  out.number(request.streams.size());
  for (const auto& write : request.streams) {
    out.text(write.name);
    out.text(write.expected.to_string());
    out.number(write.events.size());
    for (const auto& event : write.events) feed(out, event);
  }
  out.number(request.unless.size());
  for (const auto& condition : request.unless) feed(out, condition);
  out.bytes(request.context.user_metadata);
  return out.finish();
}

}  // namespace v1
}  // namespace annals
