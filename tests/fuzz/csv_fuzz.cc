// Records that are read, written again with every field quoted, read back the same; a malformed one
// is named by line and field, and reading goes on behind it.
#include "orders/csv.h"

#include "annals/stream.h"
#include "file_in_memory.h"

using annals::errc;
using annals::fuzz::require;

namespace {

using record = std::vector<std::string>;

/// The good records of a file, and how many were malformed.
std::vector<record> read_all(std::string_view content, std::size_t& malformed) {
  const annals::fuzz::file_in_memory file(content);
  const auto csv = orders::csv_reader::open(file.path());
  require(csv.has_value(), "a file opens");
  std::vector<record> records;
  std::uint64_t line = 0;
  for (;;) {
    const auto more = (*csv)->next();
    if (!more && more.error().code() == errc::file_error) return records;  // a gzip that is broken
    if (!more) {
      require(more.error().code() == errc::malformed_input, "the error is typed");
      require((*csv)->problem_column() >= 1, "it names a field");
      ++malformed;
    } else if (!*more) {
      return records;
    } else {
      const auto fields = (*csv)->fields();
      require(!fields.empty() && fields.size() <= orders::most_fields, "a record has fields");
      records.emplace_back(fields.begin(), fields.end());
      for (const auto& field : records.back()) require(annals::is_utf8(field), "a field is UTF-8");
    }
    require((*csv)->line() > line, "lines go on");
    line = (*csv)->line();
  }
}

std::string written(const std::vector<record>& records) {
  std::string text;
  for (const auto& fields : records) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      text += i == 0 ? "\"" : ",\"";
      for (const char c : fields[i]) text.append(c == '"' ? 2 : 1, c);
      text += '"';
    }
    text += '\n';
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::size_t malformed = 0;
  const auto records = read_all(annals::fuzz::text_of(data, size), malformed);
  malformed = 0;
  require(read_all(written(records), malformed) == records, "what is written reads back");
  require(malformed == 0, "what is written is well-formed");
  return 0;
}
