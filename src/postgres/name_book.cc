#include "name_book.h"

#include "address.h"
#include "annals/stream.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

constexpr std::size_t most_names = 65'536;  // some 6 MB; then it begins anew

}  // namespace

stream_place place_of(std::string_view name) noexcept {
  stream_place place{.key = stream_key_of(name),
                     .aggregate_id = aggregate_id_of(name),
                     .category = category_of(name)};
  // The aggregate_id is the name's own where the name is made of it and of the category alone.
  if (stream_name_of(place.category, place.aggregate_id) != name)
    place.names = place.aggregate_id == place.key ? naming::by_key : naming::hyphen_id;
  return place;
}

std::string name_of(const category& in, const uuid& aggregate_id) {
  if (in.names == naming::hyphen_id) return '-' + aggregate_id.to_string();
  return annals::stream_name_of(in.name, aggregate_id);
}

name_book::name_book(const std::string& schema)
    : all_{{}, "SELECT category_id, name, naming FROM " + quoted(schema) + ".categories"},
      make_{{},
            "INSERT INTO " + quoted(schema) +
                ".categories (name, naming) VALUES ($1, $2) ON CONFLICT DO NOTHING"},
      names_{"names", "SELECT stream_key, name FROM " + quoted(schema) +
                          ".streams WHERE stream_key = ANY($1)"} {}

void name_book::remember(category one) {
  by_name_[{one.name, one.names}] = one.id;
  by_id_[one.id] = std::move(one);
}

std::optional<category> name_book::find(std::int32_t id) {
  const std::scoped_lock lock(mutex_);
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return std::nullopt;
  return found->second;
}

std::optional<std::int32_t> name_book::find(std::string_view name, naming names) {
  const std::scoped_lock lock(mutex_);
  const auto found = by_name_.find(std::pair(std::string(name), names));
  if (found == by_name_.end()) return std::nullopt;
  return found->second;
}

std::optional<std::string> name_book::name_of_key(const uuid& key) {
  const std::scoped_lock lock(mutex_);
  const auto found = names_by_key_.find(key);
  if (found == names_by_key_.end()) return std::nullopt;
  return found->second;
}

void name_book::remember_name(const uuid& key, std::string name) {
  const std::scoped_lock lock(mutex_);
  if (names_by_key_.size() >= most_names) names_by_key_.clear();
  names_by_key_[key] = std::move(name);
}

void name_book::forget() {
  const std::scoped_lock lock(mutex_);
  by_id_.clear();
  by_name_.clear();
  names_by_key_.clear();
}

outcome<void> name_book::load(connection& on, clock_reading deadline) {
  const auto got = on.run({command{&all_, {}}}, deadline);
  if (!got) return std::unexpected(got.error());
  const auto& rows = got->at(0);
  const std::scoped_lock lock(mutex_);
  for (int i = 0; i < rows.size(); ++i)
    remember({rows.int4(i, 0), std::string(rows.text(i, 1)), static_cast<naming>(rows.int2(i, 2))});
  return {};
}

outcome<std::int32_t> name_book::make(connection& on, std::string_view name, naming names,
                                      clock_reading deadline) {
  const auto known = [&] { return find(name, names); };
  if (const auto id = known()) return *id;
  const auto made = on.run(
      {command{&make_,
               {parameter::of_text(name), parameter::of_int2(static_cast<std::int16_t>(names))}}},
      deadline);
  if (!made) return std::unexpected(made.error());
  if (auto loaded = load(on, deadline); !loaded) return std::unexpected(loaded.error());
  if (const auto id = known()) return *id;
  return std::unexpected(failure{.message = "the category that was just made is not there"});
}

outcome<void> name_book::load_names(connection& on, std::span<const uuid> keys,
                                    clock_reading deadline) {
  array_parameter wanted(type::uuids, type::uuid);
  for (const auto& key : keys) wanted.add_uuid(key);
  const auto got = on.run({command{&names_, {std::move(wanted).finish()}}}, deadline);
  if (!got) return std::unexpected(got.error());
  const auto& rows = got->at(0);
  for (int i = 0; i < rows.size(); ++i)
    remember_name(rows.uuid(i, 0), std::string(rows.text(i, 1)));
  return {};
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
