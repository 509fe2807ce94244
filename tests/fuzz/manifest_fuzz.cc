// Any manifest: it is read or refused; what was read is written and read again as it was. The first
// byte: whether CRCs and lengths are mended: then the rest is the counts, and what follows the
// header.
#include "checked_files.h"
#include "embedded/crc32c.h"
#include "embedded/manifest.h"

using namespace annals;
using fuzz::require;

namespace {

constexpr std::size_t counts_at = 56;
constexpr std::size_t counts_bytes = 32;

fuzz::bytes mended(std::span<const std::byte> input) {
  fuzz::bytes whole(embedded::block_bytes);
  const auto counts = input.first(std::min(input.size(), counts_bytes));
  const auto rest = input.subspan(counts.size());
  const std::string_view magic = "ANNALSMF";
  embedded::copy_bytes(whole.data(), std::as_bytes(std::span(magic)));
  embedded::write_as(whole.data() + 8, embedded::format_version);
  embedded::write_as(whole.data() + 16, fuzz::index_store_id);
  embedded::write_as(whole.data() + 40, static_cast<std::uint64_t>(rest.size()));
  embedded::write_as(whole.data() + 48, embedded::crc32c(0, rest));
  embedded::copy_bytes(whole.data() + counts_at, counts);
  constexpr std::size_t crc_at = embedded::block_bytes - sizeof(std::uint32_t);
  embedded::write_as(whole.data() + crc_at, embedded::crc32c(0, std::span(whole).first(crc_at)));
  whole.insert(whole.end(), rest.begin(), rest.end());
  return whole;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto input = fuzz::bytes_of(data + 1, size - 1);
  const auto world = fuzz::index_world();
  const std::string path = fuzz::root + "/MANIFEST";
  const auto as_it_is = fuzz::bytes(input.begin(), input.end());
  fuzz::write_file(*world, path, data[0] % 2 == 1 ? mended(input) : as_it_is);
  const auto read = embedded::read_manifest(*world, path, fuzz::index_store_id);
  if (!read) {
    require(read.error().code() == errc::store_too_new || fuzz::is_damaged(read, path),
            "the error is typed and names the file");
    return 0;
  }
  embedded::write_manifest(*world, path, *read).value();
  require(embedded::read_manifest(*world, path, fuzz::index_store_id).value() == *read,
          "what was read is written as it was");
  return 0;
}
