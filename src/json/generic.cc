#include "annals/json/generic.h"

#include <simdjson.h>

#include <memory>
#include <new>

namespace annals {
inline namespace v1 {
namespace json {
namespace {

namespace ondemand = simdjson::ondemand;

// What stands behind a json::value: the parser's value, or the document itself (whose scalars the
// parser reads in other ways).
struct behind {
  ondemand::value inner{};
  ondemand::document* root = nullptr;
};

constexpr std::size_t excerpt_bytes = 40;

/// A copy of the text with the padding the parser reads past its end, kept per thread.
simdjson::padded_string_view padded(std::string_view text) {
  thread_local std::string buffer;
  buffer.assign(text);
  buffer.resize(text.size() + simdjson::SIMDJSON_PADDING, ' ');
  return simdjson::padded_string_view(buffer.data(), text.size(), buffer.size());
}

bool is_number_start(std::string_view token) {
  return !token.empty() && (token[0] == '-' || (token[0] >= '0' && token[0] <= '9'));
}

std::string_view trimmed(std::string_view token) {
  const auto end = token.find_last_not_of(" \t\r\n,]}");
  return token.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

/// The number at the start of a token, if it follows JSON's grammar, else nothing.
std::string_view number_of(std::string_view token) {
  const auto digits = [&](std::size_t from) {
    auto at = from;
    while (at < token.size() && token[at] >= '0' && token[at] <= '9') ++at;
    return at;
  };
  token = trimmed(token);
  if (!is_number_start(token)) return {};
  const std::size_t whole = token[0] == '-' ? 1 : 0;
  auto at = digits(whole);
  if (at == whole || (token[whole] == '0' && at - whole > 1)) return {};
  if (at < token.size() && token[at] == '.') {
    const auto end = digits(at + 1);
    if (end == at + 1) return {};
    at = end;
  }
  if (at < token.size() && (token[at] == 'e' || token[at] == 'E')) {
    const auto sign = at + 1 < token.size() && (token[at + 1] == '+' || token[at + 1] == '-');
    const auto end = digits(at + 1 + (sign ? 1 : 0));
    if (end == at + 1 + (sign ? 1 : 0)) return {};
    at = end;
  }
  return at == token.size() ? token : std::string_view{};
}

}  // namespace

/// Makes values, and reaches what stands behind them.
class document_reader {
 public:
  static behind& of(value& v) { return *std::launder(reinterpret_cast<behind*>(v.storage_)); }
  static value make(const behind& b) {
    static_assert(sizeof(behind) <= sizeof(value::storage_) && alignof(behind) <= 8);
    static_assert(std::is_trivially_destructible_v<behind>);
    value v;
    new (v.storage_) behind(b);
    return v;
  }
  /// Runs `read` on the parser's document or value, whichever stands behind.
  template <class Read>
  static auto with(value& v, Read&& read) {
    auto& b = of(v);
    return b.root ? read(*b.root) : read(b.inner);
  }
};

bool value::is_null() {
  return document_reader::with(*this, [](auto& v) {
    bool null = false;
    return simdjson::simdjson_result<bool>(v.is_null()).get(null) == simdjson::SUCCESS && null;
  });
}

bool value::get_bool(bool& out) {
  return document_reader::with(*this,
                               [&](auto& v) { return v.get_bool().get(out) == simdjson::SUCCESS; });
}

bool value::get_string(std::string& out) {
  return document_reader::with(*this, [&](auto& v) {
    std::string_view text;
    if (v.get_string().get(text) != simdjson::SUCCESS) return false;
    out.assign(text);
    return true;
  });
}

bool value::get_double(double& out) {
  return document_reader::with(
      *this, [&](auto& v) { return v.get_double().get(out) == simdjson::SUCCESS; });
}

std::string_view value::number_text() {
  return document_reader::with(*this, [](auto& v) {
    std::string_view token;
    if constexpr (requires { v.raw_json_token().get(token); }) {
      if (v.raw_json_token().get(token) != simdjson::SUCCESS) return std::string_view{};
    } else {
      token = v.raw_json_token();
    }
    const auto number = number_of(token);
    double ignored = 0;  // moves the parser past the number
    if (number.empty() || v.get_double().get(ignored) != simdjson::SUCCESS)
      return std::string_view{};
    return number;
  });
}

bool value::for_each_member(visitor_ref<bool(std::string_view, value&)> visit) {
  return document_reader::with(*this, [&](auto& v) {
    ondemand::object object;
    if (v.get_object().get(object) != simdjson::SUCCESS) return false;
    for (auto field : object) {
      std::string_view key;
      behind member;
      if (field.unescaped_key().get(key) != simdjson::SUCCESS ||
          field.value().get(member.inner) != simdjson::SUCCESS)
        return false;
      const std::string name(key);
      auto wrapped = document_reader::make(member);
      if (!visit(name, wrapped)) return false;
    }
    return true;
  });
}

bool value::for_each_element(visitor_ref<bool(value&)> visit) {
  return document_reader::with(*this, [&](auto& v) {
    ondemand::array array;
    if (v.get_array().get(array) != simdjson::SUCCESS) return false;
    for (auto one : array) {
      behind element;
      if (one.get(element.inner) != simdjson::SUCCESS) return false;
      auto wrapped = document_reader::make(element);
      if (!visit(wrapped)) return false;
    }
    return true;
  });
}

std::string_view value::raw() {
  return document_reader::with(*this, [](auto& v) {
    std::string_view text;
    ondemand::json_type type{};
    if (v.type().get(type) != simdjson::SUCCESS) return text;
    if (type == ondemand::json_type::object) {
      ondemand::object object;
      if (v.get_object().get(object) != simdjson::SUCCESS ||
          object.raw_json().get(text) != simdjson::SUCCESS)
        return std::string_view{};
    } else if (type == ondemand::json_type::array) {
      ondemand::array array;
      if (v.get_array().get(array) != simdjson::SUCCESS ||
          array.raw_json().get(text) != simdjson::SUCCESS)
        return std::string_view{};
    } else if constexpr (requires { v.raw_json_token().get(text); }) {
      if (v.raw_json_token().get(text) != simdjson::SUCCESS) return std::string_view{};
    } else {
      text = v.raw_json_token();
    }
    const auto end = text.find_last_not_of(" \t\r\n");
    return text.substr(0, end == std::string_view::npos ? 0 : end + 1);
  });
}

std::string value::excerpt() {
  return document_reader::with(*this, [](auto& v) {
    std::string_view token;
    if constexpr (requires { v.raw_json_token().get(token); }) {
      if (v.raw_json_token().get(token) != simdjson::SUCCESS) return std::string("nothing");
    } else {
      token = v.raw_json_token();
    }
    return std::string(trimmed(token).substr(0, excerpt_bytes));
  });
}

bool read_document(std::string_view text, visitor_ref<bool(value&)> visit, problem& why) {
  thread_local ondemand::parser parser;
  ondemand::document document;
  const auto malformed = [&](simdjson::error_code code) {
    if (why.expected.empty())
      why = {.path = {},
             .expected = "a well-formed JSON document",
             .found = code == simdjson::SUCCESS
                          ? "'" + std::string(text.substr(0, excerpt_bytes)) + "'"
                          : simdjson::error_message(code)};
    return false;
  };
  if (const auto code = parser.iterate(padded(text)).get(document); code != simdjson::SUCCESS)
    return malformed(code);
  ondemand::json_type type{};
  if (const auto code = document.type().get(type); code != simdjson::SUCCESS)
    return malformed(code);
  auto root = document_reader::make({.root = &document});
  if (!visit(root)) return malformed(simdjson::SUCCESS);
  if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) {
    why = {.path = {}, .expected = "nothing after the document", .found = "more"};
    return false;
  }
  return true;
}

}  // namespace json
}  // namespace v1
}  // namespace annals
