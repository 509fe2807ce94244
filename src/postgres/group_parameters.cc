// A group of appends as the parameters of its statement. See group_statement.h.
#include <algorithm>

#include "group_statement.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

constexpr std::uint64_t highest_bit = UINT64_C(1) << 63U;
// Readings below this are lifted to it, so that taking their number away does not overflow: the
// first hour of 1970.
constexpr std::uint64_t least_reading = UINT64_C(3'600'000) << 16U;

array_parameter jsons() {
  return {type::jsons, type::json};
}

void add_document(array_parameter& to, const std::string& document) {
  if (document.empty())
    to.add_null();
  else
    to.add_json(document);
}

using group = std::span<const append_draft* const>;

void add_checks(std::vector<parameter>& out, group members,
                std::span<const std::int32_t> category_ids) {
  auto member = int4s(), category = int4s();
  auto key = uuids(), aggregate = uuids();
  auto name = texts();
  auto kind = int2s();
  auto wanted = int8s();
  auto writes = booleans();
  std::size_t n = 0;
  std::int32_t number = 0;
  for (const auto* draft : members) {
    if (draft->continues) continue;
    ++number;
    for (const auto& check : draft->checks) {
      member.add_int4(number);
      key.add_uuid(check.key);
      name.add_bytes(check.name);
      kind.add_int2(static_cast<std::int16_t>(check.expected.what()));
      wanted.add_int8(as_bigint(check.expected.version().number));
      writes.add_bool(check.events > 0);
      aggregate.add_uuid(check.aggregate_id);
      category.add_int4(category_ids[n++]);
    }
  }
  finish_into(out, member, key, name, kind, wanted, writes, aggregate, category);
}

void add_events(std::vector<parameter>& out, group members, payload_column payload) {
  auto member = int4s(), check = int4s(), nth = int4s(), schema = int4s(), offset = int4s();
  auto id = uuids();
  auto kind = texts();
  auto data =
      payload == payload_column::jsonb ? array_parameter(type::jsonbs, type::jsonb) : jsons();
  array_parameter bytes(type::byteas, type::bytea);
  array_parameter timestamp(type::timestamptzs, type::timestamptz);
  auto codec = int2s();
  auto genesis = booleans();
  auto metadata = jsons();
  auto earliest = int8s();
  std::int32_t checks_before = 0;
  std::int32_t number = 0;
  std::int32_t checks = 0;  // of the member in hand
  for (const auto* one : members) {
    const auto& draft = *one;
    if (!draft.continues) {
      ++number;
      checks_before += checks;
      checks = static_cast<std::int32_t>(draft.checks.size());
    }
    std::int32_t place = 0;
    for (const auto& event : draft.events) {
      member.add_int4(number);
      check.add_int4(checks_before + event.check + 1);
      nth.add_int4(draft.before + event.nth);
      id.add_uuid(event.id);
      kind.add_bytes(event.type);
      event.as_json ? data.add_json(event.payload) : data.add_null();
      event.as_json ? bytes.add_null() : bytes.add_bytes(event.payload);
      codec.add_int2(static_cast<std::int16_t>(event.codec));
      schema.add_int4(event.schema);
      genesis.add_bool(event.genesis);
      add_document(metadata, event.metadata);
      timestamp.add_int8(event.timestamp);
      offset.add_int4(place++);
      earliest.add_int8(turned_reading(draft.earliest));
    }
  }
  finish_into(out, member, check, nth, id, kind, data, bytes, codec, schema, genesis, metadata,
              timestamp, offset, earliest);
}

void add_markers(std::vector<parameter>& out, group members, std::uint64_t floor) {
  auto markers = uuids();
  auto marked = int4s();
  std::int32_t number = 0;
  for (const auto* draft : members) {
    if (draft->continues) continue;
    ++number;
    if (!draft->marked) continue;
    markers.add_uuid(draft->marker());
    marked.add_int4(number);
  }
  out.push_back(bigint(floor));
  finish_into(out, markers, marked);
}

/// The events of a member, with those of the appends that continue it.
std::int32_t count_events(group members, std::size_t of) {
  auto count = members[of]->events.size();
  for (++of; of < members.size() && members[of]->continues; ++of)
    count += members[of]->events.size();
  return static_cast<std::int32_t>(count);
}

void add_commands(std::vector<parameter>& out, group members) {
  auto id = uuids(), digest = uuids();
  auto stream = texts();
  auto count = int4s(), first_check = int4s(), added = int4s();
  auto own = booleans();
  auto metadata = jsons();
  std::int32_t checks_before = 0;
  for (std::size_t m = 0; m < members.size(); ++m) {
    const auto* const draft = members[m];
    if (draft->continues) continue;
    draft->command_id.is_nil() ? id.add_null() : id.add_uuid(draft->command_id);
    digest.add_uuid(draft->digest);
    stream.add_bytes(draft->checks.front().name);
    count.add_int4(count_events(members, m));
    first_check.add_int4(checks_before + 1);
    added.add_int4(draft->checks.front().events);
    own.add_bool(draft->own_command);
    add_document(metadata, draft->step_metadata);
    checks_before += static_cast<std::int32_t>(draft->checks.size());
  }
  finish_into(out, id, digest, stream, count, first_check, added, own, metadata);
}

void add_conditions(std::vector<parameter>& out, group members, const std::vector<bool>& diverged,
                    time_point now) {
  auto member = int4s(), number = int4s();
  auto after = int8s();
  auto is_diverged = booleans();
  auto types = texts(), first_tag = texts(), more_tags = texts();
  std::size_t n = 0;
  std::int32_t of_member = 0;
  for (const auto* draft : members) {
    if (!draft->continues) ++of_member;
    for (const auto& condition : draft->conditions) {
      for (const auto& item : condition.items) {
        member.add_int4(of_member);
        number.add_int4(static_cast<std::int32_t>(n));
        after.add_int8(as_bigint(condition.after.in(0).sequence));
        is_diverged.add_bool(diverged[n]);
        types.add_bytes(array_literal(item.types));
        item.tags.empty() ? first_tag.add_null() : first_tag.add_bytes(item.tags.front());
        more_tags.add_bytes(array_literal(std::span(item.tags).subspan(item.tags.empty() ? 0 : 1)));
      }
      ++n;
    }
  }
  finish_into(out, member, number, after, is_diverged, types, first_tag, more_tags);
  out.push_back(parameter::of_int8(now.time_since_epoch().count()));
}

void add_tags(std::vector<parameter>& out, group members) {
  auto event_number = int4s();
  auto tag_text = texts();
  std::int32_t n = 0;
  for (const auto* draft : members)
    for (const auto& event : draft->events) {
      ++n;
      for (const auto& tag : event.tags) {
        event_number.add_int4(n);
        tag_text.add_bytes(tag);
      }
    }
  finish_into(out, event_number, tag_text);
}

}  // namespace

std::int64_t turned_reading(std::uint64_t reading) noexcept {
  return static_cast<std::int64_t>(std::max(reading, least_reading) ^ highest_bit);
}

std::int64_t stored_reading(std::int64_t turned) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(turned) ^ highest_bit);
}

std::vector<parameter> group_parameters(std::span<const append_draft* const> members,
                                        group_parts parts, const sql_names& names,
                                        std::span<const std::int32_t> category_ids,
                                        const std::vector<bool>& diverged, std::uint64_t floor,
                                        time_point now) {
  std::vector<parameter> out;
  add_checks(out, members, category_ids);
  add_events(out, members, names.payload);
  add_markers(out, members, floor);
  if (parts.commands) add_commands(out, members);
  if (parts.conditions) add_conditions(out, members, diverged, now);
  if (parts.tags) add_tags(out, members);
  return out;
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
