#include <atomic>
#include <charconv>
#include <cstdio>

#include "annals/json/event_lines.h"
#include "annals/json/validate.h"
#include "annals/limits.h"
#include "annals/stream.h"
#include "annals/terminal.h"
#include "files.h"
#include "verbs.h"

namespace annals_cli {
namespace {

// Of standard input; base64 and the lines' other members are longer than what they stand for.
constexpr std::size_t most_input = 2 * annals::limits::append_bytes;

struct append_options {
  std::string stream{};
  std::string type{};
  std::uint16_t schema = 1;
  std::string expected = "any";
  std::vector<std::string> tags{};
  std::string command_id{};
  std::string correlation_id{};
  std::string causation_id{};
  std::string metadata{};
  bool create = false;
};

annals::error in_input(const annals::error& problem) {
  return {problem.code(), "standard input, " + problem.message()};
}

annals::result<std::string> read_input() {
  auto in = input_file::open("-");
  if (!in) return std::unexpected(in.error());
  const std::atomic<bool> all_of_it{false};
  std::string text;
  for (;;) {
    constexpr std::size_t at_once = 1U << 16U;
    const auto size = text.size();
    text.resize(size + at_once);
    const auto got = in->read(std::span(text).subspan(size), all_of_it);
    if (!got) return std::unexpected(got.error());
    text.resize(size + *got);
    if (*got == 0) return text;
    if (text.size() > most_input)
      return annals::fail(annals::errc::limit_exceeded,
                          "standard input has more than " + std::to_string(most_input) +
                              " bytes, twice limits::append_bytes: it makes no single append");
  }
}

std::string_view without_blanks_around(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
}

annals::result<annals::expect> parse_expected(const std::string& text) {
  if (text == "any") return annals::expect::any();
  if (text == "none") return annals::expect::none();
  if (text == "exists") return annals::expect::exists();
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [last, wrong] = std::from_chars(text.data(), end, number);
  if (wrong == std::errc{} && last == end) return annals::expect::at({number});
  return annals::fail(annals::errc::invalid_argument,
                      "--expect is any, none, exists or a version, found '" + text + "'");
}

annals::result<void> parse_id(std::string_view option, const std::string& text, annals::uuid& id) {
  if (text.empty()) return {};
  const auto parsed = annals::uuid::parse(text);
  if (!parsed)
    return annals::fail(annals::errc::invalid_argument,
                        std::string(option) + ": " + parsed.error().message());
  id = *parsed;
  return {};
}

annals::result<annals::append_context> context_of(const append_options& options) {
  annals::append_context context;
  auto parsed = parse_id("--command-id", options.command_id, context.command_id);
  if (parsed) parsed = parse_id("--correlation-id", options.correlation_id, context.correlation_id);
  if (parsed) parsed = parse_id("--causation-id", options.causation_id, context.causation_id);
  if (!parsed) return std::unexpected(parsed.error());
  if (options.metadata.empty()) return context;
  if (auto valid = annals::json::validate(options.metadata); !valid)
    return annals::fail(valid.error().code(), "--metadata, " + valid.error().message());
  context.user_metadata = std::as_bytes(std::span(options.metadata));
  return context;
}

/// What is to be appended, and what it points to.
struct input_events {
  std::string text{};
  annals::json::event_lines lines{};
  std::vector<std::string_view> tags{};
  std::vector<annals::new_event> events{};
};

annals::result<void> read_events(const append_options& options, input_events& input) {
  auto text = read_input();
  if (!text) return std::unexpected(text.error());
  input.text = std::move(*text);
  input.tags.assign(options.tags.begin(), options.tags.end());
  if (options.type.empty()) {
    if (auto read = input.lines.read(input.text); !read)
      return std::unexpected(in_input(read.error()));
    input.events = input.lines.events(input.tags);
    if (!input.events.empty()) return {};
    return annals::fail(annals::errc::malformed_input,
                        "standard input has no events; see annals append --help");
  }
  if (auto valid = annals::json::validate(input.text); !valid)
    return std::unexpected(in_input(valid.error()));
  input.events.push_back({.type = options.type,
                          .schema = options.schema,
                          .payload = std::as_bytes(std::span(without_blanks_around(input.text))),
                          .tags = input.tags});
  return {};
}

annals::result<void> print_appended(const command_line& line, const append_options& options,
                                    const annals::appended& stored, std::size_t events) {
  if (line.json) {
    annals::json::writer out;
    out.begin_object().member("stream", options.stream);
    out.member("version", stored.stream_version.number);
    out.member("first_position", stored.first.to_string());
    out.member("position", stored.last.to_string());
    out.member("events", std::uint64_t{stored.already_applied ? 0 : events});
    out.member("already_applied", stored.already_applied).end_object();
    return print_line(out);
  }
  const auto stream = annals::terminal::printable(options.stream);
  if (stored.already_applied)
    std::printf("this command id was applied already: %s is at version %llu, position %s\n",
                stream.c_str(), static_cast<unsigned long long>(stored.stream_version.number),
                stored.last.to_string().c_str());
  else
    std::printf("appended %zu event%s to %s: version %llu, position %s\n", events,
                events == 1 ? "" : "s", stream.c_str(),
                static_cast<unsigned long long>(stored.stream_version.number),
                stored.last.to_string().c_str());
  return {};
}

// Everything that can be wrong is looked at before a store is opened, or made.
annals::result<void> append(const command_line& line, const append_options& options) {
  if (auto named = annals::check_stream_name(options.stream); !named) return named;
  const auto expected = parse_expected(options.expected);
  if (!expected) return std::unexpected(expected.error());
  const auto context = context_of(options);
  if (!context) return std::unexpected(context.error());
  input_events input;
  if (auto read = read_events(options, input); !read) return read;
  const auto store = annals::open(line.store, {.create = options.create});
  if (!store) return std::unexpected(store.error());
  const annals::stream_write write{
      .name = options.stream, .expected = *expected, .events = input.events};
  const auto stored = (*store)->append({.streams = std::span(&write, 1), .context = *context});
  if (!stored) return std::unexpected(stored.error());
  if (auto closed = (*store)->close(); !closed) return closed;
  return print_appended(line, options, *stored, input.events.size());
}

}  // namespace

void add_append(annals::arguments::verb& program, command_line& line) {
  auto verb = program.add_verb("append", "Append events from standard input to a stream");
  const auto options = std::make_shared<append_options>();
  verb.add_option("STREAM", options->stream, "Name of the stream", {.required = true});
  verb.add_option("--type", options->type,
                  "Standard input is one JSON document, the payload of one event of this type; "
                  "without it, a line an event: {\"type\":…,\"data\":…}");
  verb.add_option("--schema", options->schema, "With --type: schema of the payload",
                  {.shows_default = true});
  verb.add_option("--expect", options->expected, "Where the stream must be; else exit code 4",
                  {.shows_default = true, .kind = "any|none|exists|VERSION"});
  verb.add_option("--tag", options->tags, "key:value, on each event; may be repeated");
  verb.add_option("--command-id", options->command_id,
                  "Sent again with this UUID, the same is not stored twice");
  verb.add_option("--correlation-id", options->correlation_id, "UUID");
  verb.add_option("--causation-id", options->causation_id, "UUID");
  verb.add_option("--metadata", options->metadata, "A JSON document that is kept beside it");
  verb.add_flag("--create", options->create, "Make the store where there is none");
  add_common_options(verb, line);
  verb.footer(
      "Example: echo '{\"amount\":5}' | annals append account-7 --type deposited --expect none\n"
      "All events of one call are stored, or none.");
  verb.runs([&line, options] { return append(line, *options); });
}

}  // namespace annals_cli
