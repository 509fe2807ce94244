// An export that is read is written again as lines that read back the same, in pieces of any size;
// what is refused is refused with a line.
#include "annals/json/export.h"

#include <algorithm>
#include <optional>
#include <string>

#include "fuzz.h"

using annals::errc;
using annals::fuzz::require;
namespace json = annals::json;

namespace {

json::export_reader::source in_pieces(std::string_view text, std::size_t most) {
  return [text, most](std::span<char> out) mutable -> annals::result<std::size_t> {
    const auto size = std::min({most, out.size(), text.size()});
    std::copy_n(text.begin(), size, out.begin());
    text.remove_prefix(size);
    return size;
  };
}

std::optional<std::string> refused(const annals::error& why) {
  require(why.code() == errc::malformed_input || why.code() == errc::limit_exceeded,
          "the error is typed");
  require(why.message().find("line ") != std::string::npos, "it names a line");
  return std::nullopt;
}

/// The export written anew; none when it was refused.
std::optional<std::string> copied(std::string_view text, std::size_t most) {
  json::export_reader reader(in_pieces(text, most));
  const auto id = reader.begin();
  if (!id) return refused(id.error());
  json::export_writer writer;
  writer.begin(*id);
  for (;;) {
    const auto batch = reader.next();
    if (!batch) return refused(batch.error());
    if (batch->empty()) break;
    for (const auto& entry : *batch) writer.add(entry);
  }
  writer.end();
  return writer.text();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = annals::fuzz::text_of(data, size);
  const auto once = copied(text, 4096);
  require(once == copied(text, 7), "pieces make no difference");
  if (!once) return 0;
  const auto twice = copied(*once, 4096);
  require(twice.has_value(), "what is written reads back");
  require(*twice == *once, "and is written the same");
  return 0;
}
