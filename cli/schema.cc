#include <cstdio>
#include <tuple>

#include "annals/terminal.h"
#include "shape.h"
#include "verbs.h"

namespace annals_cli {
namespace {

using annals::terminal::with_thousands;

struct schema_options {
  std::vector<std::string> types{};
};

/// What is known of the events of one type, schema and codec.
struct stored_type {
  std::uint64_t events = 0;
  annals::position first{};
  annals::position last{};
  std::uint64_t malformed = 0;  // payloads that say they are JSON, and are not
  shape payload{};
};
using type_key = std::tuple<std::string, std::uint16_t, annals::codec>;
using stored_types = std::map<type_key, stored_type>;

std::string_view name_of(annals::codec codec) {
  return codec == annals::codec::json ? "json" : "binary";
}

void add_event(stored_types& types, const annals::event_view& view) {
  auto& type = types[{std::string(view.type()), view.schema(), view.codec()}];
  if (type.events++ == 0) type.first = view.position();
  type.last = view.position();
  if (view.codec() == annals::codec::json && !type.payload.add_document(view.text()))
    ++type.malformed;
}

annals::result<stored_types> collect(annals::event_store& store, const schema_options& options) {
  const std::vector<std::string_view> names(options.types.begin(), options.types.end());
  const annals::query_item item{.types = names};
  annals::read_request request;
  if (!names.empty()) request.filter.matching.items = std::span(&item, 1);
  const auto head = store.head();
  if (!head) return std::unexpected(head.error());
  annals::terminal::progress bar("reading", head->in(0).sequence, "events");
  stored_types types;
  const auto end = store.read(request, [&](const annals::event_batch& batch) {
    for (const auto& view : batch.events) add_event(types, view);
    bar.advance_to(batch.scanned_to.in(0).sequence);
    return annals::flow::more;
  });
  if (!end) return std::unexpected(end.error());
  return types;
}

annals::result<void> write(const stored_types& types) {
  annals::json::writer out;
  for (const auto& [key, type] : types) {
    const auto& [name, schema, codec] = key;
    out.clear();
    out.begin_object().member("type", name).member("schema", std::uint64_t{schema});
    out.member("codec", name_of(codec)).member("events", type.events);
    out.member("first_position", type.first.to_string());
    out.member("last_position", type.last.to_string());
    if (codec == annals::codec::json) {
      out.member("malformed", type.malformed).member("complete", !type.payload.is_cut());
      out.key("payload");
      type.payload.write(out);
    }
    out.end_object();
    if (auto printed = print_line(out); !printed) return printed;
  }
  return {};
}

void print_fields(const type_key& key, const stored_type& type) {
  std::printf("\n%s, schema %u\n", annals::terminal::printable(std::get<0>(key)).c_str(),
              unsigned{std::get<1>(key)});
  annals::terminal::table fields({{"  field"}, {"kind"}, {"present"}});
  for (const auto& field : type.payload.fields())
    fields.row({"  " + (field.path.empty() ? "(payload)" : field.path), field.kinds,
                field.present == field.of
                    ? "always"
                    : with_thousands(field.present) + " of " + with_thousands(field.of)});
  fields.print(stdout);
  if (type.payload.is_cut()) std::puts("  … and more different members than are shown");
  if (type.malformed != 0)
    std::printf("  %s payloads are no JSON\n", with_thousands(type.malformed).c_str());
}

void print(const stored_types& types) {
  using annals::terminal::align;
  annals::terminal::table all({{"type"},
                               {"schema", align::right},
                               {"codec"},
                               {"events", align::right},
                               {"first", align::right},
                               {"last", align::right}});
  for (const auto& [key, type] : types)
    all.row({std::get<0>(key), std::to_string(std::get<1>(key)),
             std::string(name_of(std::get<2>(key))), with_thousands(type.events),
             with_thousands(type.first.sequence), with_thousands(type.last.sequence)});
  all.print(stdout);
  for (const auto& [key, type] : types)
    if (std::get<2>(key) == annals::codec::json) print_fields(key, type);
}

annals::result<void> schema(const command_line& line, const schema_options& options) {
  const auto store = open_store(line);
  if (!store) return std::unexpected(store.error());
  const auto types = collect(**store, options);
  if (!types) return std::unexpected(types.error());
  if (types->empty() && !options.types.empty())
    return annals::fail(annals::errc::aggregate_not_found,
                        "no events of type " + options.types.front() + " in " +
                            annals::terminal::without_password(line.store));
  if (line.json) return write(*types);
  print(*types);
  return check_output();
}

}  // namespace

void add_schema(annals::arguments::verb& program, command_line& line) {
  auto verb = program.add_verb("schema", "Types and schemas of events, and what payloads hold");
  const auto options = std::make_shared<schema_options>();
  verb.add_option("--type", options->types, "Only events of this type; may be repeated");
  add_common_options(verb, line);
  verb.footer("Example: annals schema --type order_created --store file:./data");
  verb.runs([&line, options] { return schema(line, *options); });
}

}  // namespace annals_cli
