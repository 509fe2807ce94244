// The canonical reader and the generic one: what the first takes the second takes, to the same
// value; what is read prints canonically, and reads back the same.
#include "annals/json.h"

#include "fuzz.h"

using annals::fuzz::require;
namespace json = annals::json;

namespace {

enum class colour : std::uint8_t { red, green };
BOOST_DESCRIBE_ENUM(colour, red, green)

struct part {
  std::string name{};
  std::int32_t count = 0;
  friend bool operator==(const part&, const part&) = default;
};
BOOST_DESCRIBE_STRUCT(part, (), (name, count))

struct whole {
  annals::uuid id{};
  std::string text{};
  std::int64_t number = 0;
  std::uint8_t small = 0;
  annals::decimal<3> price{};
  annals::time_point when{};
  colour paint{};
  bool good = false;
  std::optional<std::string> note{};
  std::vector<part> parts{};
  friend bool operator==(const whole&, const whole&) = default;
};
BOOST_DESCRIBE_STRUCT(whole, (), (id, text, number, small, price, when, paint, good, note, parts))

struct loose {  // what only the generic reader reads
  double ratio = 0;
  std::map<std::string, std::int64_t> counts{};
  std::optional<part> one{};
};
BOOST_DESCRIBE_STRUCT(loose, (), (ratio, counts, one))

template <class T>
bool read_generic(std::string_view text, T& out) {
  json::problem why;
  json::generic_reader reader(why);
  return json::read_document(text, [&](json::value& root) { return reader.read(root, out); }, why);
}

template <class T>
bool read_canonical(std::string_view text, T& out) {
  json::canonical_reader reader(text);
  return reader.read(out) && reader.at_end();
}

template <class T>
std::string printed(const T& value) {
  std::string text;
  json::encode(value, text);
  return text;
}

template <class T>
void reads_back(std::string_view text) {
  const auto read = json::decode<T>(text);
  if (!read) {
    require(read.error().code() == annals::errc::serialization_error, "the error is typed");
    return;
  }
  const auto canonical = printed(*read);
  const auto again = json::decode<T>(canonical);
  require(again.has_value(), "what is printed reads back");
  require(printed(*again) == canonical, "and prints the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = annals::fuzz::text_of(data, size);
  whole straight;
  if (read_canonical(text, straight)) {
    whole generic;
    require(read_generic(text, generic), "the generic reader takes what the canonical one takes");
    require(straight == generic, "both read the same value");
  }
  reads_back<whole>(text);
  reads_back<loose>(text);
  return 0;
}
