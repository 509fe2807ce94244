#include "address.h"

#include <libpq-fe.h>

#include <charconv>
#include <memory>
#include <optional>

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

constexpr std::string_view own_prefix = "annals_";
constexpr std::size_t identifier_bytes = 63;      // NAMEDATALEN - 1
constexpr std::uint32_t most_partitions = 1'000;  // each is looked at by every read of a stream

std::unexpected<error> refuse(std::string_view what) {
  return fail(errc::invalid_argument,
              "the address of the store: " + std::string(what) +
                  "; expected postgres://USER@HOST:PORT/DATABASE?annals_schema=NAME, or postgres: "
                  "and libpq's keywords");
}

template <class Integer>
std::optional<Integer> number_of(std::string_view text, Integer least) {
  Integer value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size() || value < least)
    return std::nullopt;
  return value;
}

std::optional<bool> truth_of(std::string_view text) {
  if (text == "on" || text == "true" || text == "1") return true;
  if (text == "off" || text == "false" || text == "0") return false;
  return std::nullopt;
}

/// Takes one setting of ours; false when the name or the value is unknown.
bool take_setting(postgres_options& into, std::string_view name, const std::string& value) {
  if (name == "schema") {
    into.schema = value;
    return true;
  }
  if (name == "payload") {
    into.payload = value == "jsonb" ? payload_column::jsonb : payload_column::json;
    return value == "json" || value == "jsonb";
  }
  if (name == "durability") {
    into.durability = value == "os" ? durability::os : durability::power_loss;
    return value == "os" || value == "power_loss";
  }
  if (name == "listen") {
    const auto wanted = truth_of(value);
    into.listen = wanted.value_or(true);
    return wanted.has_value();
  }
  const auto number = number_of<std::uint32_t>(value, name == "partitions" ? 0 : 1);
  if (!number) return false;
  if (name == "partitions") {
    into.partitions = *number;
  } else if (name == "partition_events") {
    into.partition_events = *number;
  } else if (name == "connections") {
    into.connections = *number;
  } else if (name == "deadline_ms") {
    into.deadline = std::chrono::milliseconds(*number);
  } else if (name == "poll_ms") {
    into.poll = std::chrono::milliseconds(*number);
  } else {
    return false;
  }
  return true;
}

result<void> take(postgres_options& into, std::string_view name, const std::string& value) {
  if (take_setting(into, name.substr(own_prefix.size()), value)) return {};
  return refuse("'" + std::string(name) + "' is unknown, or '" + value + "' is no value for it");
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned code = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, code, 16).ec == std::errc{}) {
      out += static_cast<char>(code);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

/// Takes our settings out of the part of a URI behind its question mark.
result<void> take_from_uri(parsed_address& into, std::string_view uri) {
  const auto mark = uri.find('?');
  into.conninfo = uri.substr(0, mark);
  if (mark == std::string_view::npos) return {};
  char before = '?';
  for (auto rest = uri.substr(mark + 1); !rest.empty();) {
    const auto pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    if (!pair.starts_with(own_prefix) || equals == std::string_view::npos) {
      into.conninfo.append(1, before).append(pair);
      before = '&';
      continue;
    }
    auto taken = take(into.options, pair.substr(0, equals), unescaped(pair.substr(equals + 1)));
    if (!taken) return taken;
  }
  return {};
}

/// Takes our settings out of libpq's keywords: NAME=VALUE, values in single quotes where needed.
result<void> take_from_keywords(parsed_address& into, std::string_view text) {
  while (!text.empty()) {
    const auto begin = text.find_first_not_of(" \t\n");
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin);
    std::size_t end = 0;
    bool in_quotes = false;
    for (; end < text.size() && (in_quotes || text[end] != ' '); ++end) {
      if (text[end] == '\\')
        ++end;
      else if (text[end] == '\'')
        in_quotes = !in_quotes;
    }
    const auto pair = text.substr(0, std::min(end, text.size()));
    text.remove_prefix(pair.size());
    const auto equals = pair.find('=');
    if (!pair.starts_with(own_prefix) || equals == std::string_view::npos) {
      into.conninfo.append(into.conninfo.empty() ? "" : " ").append(pair);
      continue;
    }
    auto value = pair.substr(equals + 1);
    if (value.size() > 1 && value.starts_with('\'')) value = value.substr(1, value.size() - 2);
    if (auto taken = take(into.options, pair.substr(0, equals), std::string(value)); !taken)
      return taken;
  }
  return {};
}

/// What libpq reads in a connection string, by its keywords; it is asked, so that it is understood
/// alike.
result<std::string> shown_of(const parsed_address& parsed) {
  char* said = nullptr;
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> all(
      PQconninfoParse(parsed.conninfo.c_str(), &said), &PQconninfoFree);
  const std::unique_ptr<char, void (*)(void*)> message(said, &PQfreemem);
  if (!all) {
    std::string text = said == nullptr ? "cannot be read" : said;
    while (text.ends_with('\n')) text.pop_back();
    // libpq may quote what it could not read, which may be a password.
    if (text.find(parsed.conninfo) != std::string::npos) text = "libpq cannot read it";
    return refuse(text);
  }
  std::string shown = "postgres:";
  for (const auto* one = all.get(); one->keyword != nullptr; ++one) {
    const std::string_view name = one->keyword;
    if (one->val != nullptr && (name == "host" || name == "port" || name == "dbname"))
      shown.append(shown.ends_with(':') ? "" : " ").append(name).append("=").append(one->val);
  }
  return shown + (shown.ends_with(':') ? "" : " ") + "annals_schema=" + parsed.options.schema;
}

}  // namespace

std::string quoted(std::string_view identifier) {
  std::string out = "\"";
  for (const char c : identifier) {
    if (c == '"') out += c;
    out += c;
  }
  return out += '"';
}

result<parsed_address> parse_address(std::string_view address, const postgres_options& given) {
  constexpr std::string_view keywords = "postgres:";
  parsed_address parsed{.options = given};
  const bool uri = address.starts_with("postgres://") || address.starts_with("postgresql://");
  auto taken =
      uri ? take_from_uri(parsed, address)
          : take_from_keywords(
                parsed, address.starts_with(keywords) ? address.substr(keywords.size()) : address);
  if (!taken) return std::unexpected(taken.error());
  const auto& schema = parsed.options.schema;
  if (schema.empty() || schema.size() > identifier_bytes || schema.find('\0') != std::string::npos)
    return refuse("annals_schema has 1 to 63 bytes");
  if (schema.starts_with("pg_")) return refuse("a schema's name does not begin with pg_");
  if (parsed.options.partitions > most_partitions)
    return refuse("annals_partitions is at most " + std::to_string(most_partitions));
  if (parsed.options.partition_events != 0 && parsed.options.partitions == 0)
    return refuse("annals_partition_events wants annals_partitions beside it, their number");
  auto shown = shown_of(parsed);
  if (!shown) return std::unexpected(shown.error());
  parsed.shown = std::move(*shown);
  return parsed;
}

}  // namespace postgres

result<postgres_options> postgres_options_of(std::string_view address,
                                             const postgres_options& given) {
  auto parsed = postgres::parse_address(address, given);
  if (!parsed) return std::unexpected(parsed.error());
  return std::move(parsed->options);
}

}  // namespace v1
}  // namespace annals
