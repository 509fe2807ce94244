#include "manifest.h"

#include <algorithm>

#include "annals/assert.h"
#include "bytes.h"
#include "crc32c.h"
#include "segment.h"
#include "store_directory.h"
#include "varint.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr file_magic manifest_magic{'A', 'N', 'N', 'A', 'L', 'S', 'M', 'F'};
constexpr std::size_t crc_offset = block_bytes - sizeof(std::uint32_t);

// As it stands on disk; docs/format.md, "MANIFEST".
struct manifest_header {
  file_magic magic = manifest_magic;
  std::uint32_t version = format_version;
  std::uint32_t incompatible = 0;
  uuid store_id{};
  std::uint64_t hash_seed = 0;
  std::uint64_t length = 0;  // of what follows the block
  std::uint32_t crc = 0;     // of that
  std::uint32_t zero = 0;
  std::uint64_t segments = 0;
  std::uint64_t runs = 0;
  std::uint64_t types = 0;
  std::uint64_t categories = 0;
};
static_assert(sizeof(manifest_header) == 88);

void append_text(std::vector<std::byte>& to, const std::string& text) {
  ANNALS_ASSERT(text.size() <= UINT16_MAX, "texts of a dictionary are shorter");
  append_bytes_of(to, text.size(), sizeof(std::uint16_t));
  const auto bytes = std::as_bytes(std::span(text));
  to.insert(to.end(), bytes.begin(), bytes.end());
}

template <class Structure>
void append_all(std::vector<std::byte>& to, const std::vector<Structure>& structures) {
  const auto bytes = std::as_bytes(std::span(structures));
  to.insert(to.end(), bytes.begin(), bytes.end());
}

template <class Structure>
std::vector<Structure> take_all(byte_reader& from, std::uint64_t count) {
  std::vector<Structure> taken;
  if (count > from.left() / sizeof(Structure)) {
    from.take(UINT64_MAX);  // there is not that much
    return taken;
  }
  taken.resize(static_cast<std::size_t>(count));
  for (auto& each : taken) each = read_as<Structure>(from.take(sizeof each).data());
  return taken;
}

std::vector<std::string> take_texts(byte_reader& from, std::uint64_t count) {
  std::vector<std::string> taken;
  while (from.is_good() && taken.size() < count) {
    const auto text = from.take(from.bytes_of(sizeof(std::uint16_t)));
    taken.emplace_back(reinterpret_cast<const char*>(text.data()), text.size());
  }
  return taken;
}

// None when segments and runs follow one another from 1 on.
std::string problem_of(const manifest& read) {
  std::uint64_t number = 0;
  for (const auto& each : read.segments)
    if (each.number != ++number)
      return "it has segment " + std::to_string(each.number) + " where " + std::to_string(number) +
             " belongs";
  std::uint64_t covered = 0;
  for (const auto& each : read.runs) {
    if (each.first_segment != covered + 1 || each.last_segment < each.first_segment ||
        each.last_segment > number)
      return "its run of the segments " + std::to_string(each.first_segment) + " to " +
             std::to_string(each.last_segment) + " does not follow the one before";
    covered = each.last_segment;
  }
  return {};
}

result<void> check_header(const std::string& path, std::span<const std::byte> bytes,
                          const uuid& store_id) {
  const auto header = bytes.size() < sizeof(manifest_header)
                          ? manifest_header{.magic = {}}
                          : read_as<manifest_header>(bytes.data());
  if (header.magic != manifest_magic) return index_damaged(path, "this is no manifest");
  if (header.version > format_version || header.incompatible != 0)
    return index_too_new(path, header.version);
  if (bytes.size() < block_bytes ||
      !header_block_holds(bytes.first(block_bytes).first<block_bytes>()))
    return index_damaged(path, "the CRC of the header does not hold");
  if (header.store_id != store_id)
    return index_damaged(path, "it belongs to store " + header.store_id.to_string() + ", not to " +
                                   store_id.to_string());
  const auto rest = bytes.subspan(block_bytes);
  if (rest.size() != header.length)
    return index_damaged(path, "the file has " + std::to_string(bytes.size()) +
                                   " bytes, its header says that " + std::to_string(header.length) +
                                   " follow it");
  if (crc32c(0, rest) != header.crc)
    return index_damaged(path, "the CRC of what follows the header does not hold");
  return {};
}

result<std::vector<std::byte>> read_all(env& environment, const std::string& path) {
  const auto opened = environment.open(path, file_mode::read, write_through::none);
  if (!opened) return std::unexpected(opened.error());
  const auto size = (*opened)->size();
  if (!size) return std::unexpected(size.error());
  std::vector<std::byte> bytes(static_cast<std::size_t>(*size));
  const auto got = (*opened)->read_at(0, bytes);
  if (!got) return std::unexpected(got.error());
  bytes.resize(*got);
  return bytes;
}

}  // namespace

result<manifest> read_manifest(env& environment, const std::string& path, const uuid& store_id) {
  const auto bytes = read_all(environment, path);
  if (!bytes) return std::unexpected(bytes.error());
  if (auto right = check_header(path, *bytes, store_id); !right)
    return std::unexpected(right.error());
  const auto header = read_as<manifest_header>(bytes->data());
  byte_reader rest{std::span(*bytes).subspan(block_bytes)};
  manifest read{.store_id = header.store_id, .hash_seed = header.hash_seed};
  read.segments = take_all<sealed_segment>(rest, header.segments);
  read.runs = take_all<known_run>(rest, header.runs);
  read.types = take_texts(rest, header.types);
  read.categories = take_texts(rest, header.categories);
  const auto padding = rest.take(rest.left());
  if (!rest.is_good() || padding.size() >= 8 ||
      std::ranges::any_of(padding, [](std::byte b) { return b != std::byte{0}; }))
    return index_damaged(path, "it has not what its header speaks of");
  if (const auto problem = problem_of(read); !problem.empty()) return index_damaged(path, problem);
  return read;
}

result<void> write_manifest(env& environment, const std::string& path, const manifest& content) {
  ANNALS_ASSERT(problem_of(content).empty(), "segments and runs follow one another");
  std::vector<std::byte> bytes(block_bytes);
  append_all(bytes, content.segments);
  append_all(bytes, content.runs);
  for (const auto& text : content.types) append_text(bytes, text);
  for (const auto& text : content.categories) append_text(bytes, text);
  bytes.resize(padded(bytes.size()));
  const auto rest = std::span(bytes).subspan(block_bytes);
  write_as(bytes.data(), manifest_header{.store_id = content.store_id,
                                         .hash_seed = content.hash_seed,
                                         .length = rest.size(),
                                         .crc = crc32c(0, rest),
                                         .segments = content.segments.size(),
                                         .runs = content.runs.size(),
                                         .types = content.types.size(),
                                         .categories = content.categories.size()});
  write_as(bytes.data() + crc_offset, crc32c(0, std::span(bytes).first(crc_offset)));
  return replace_file(environment, path.substr(0, path.rfind('/')), path, bytes);
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
