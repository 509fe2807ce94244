#include <algorithm>

#include "annals/limits.h"
#include "segment_index.h"
#include "varint.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::uint64_t varint_bytes = 10;
constexpr std::uint64_t most_name_bytes =
    2 * varint_bytes + limits::stream_name_bytes + sizeof(uuid) + sizeof(std::uint32_t);

}  // namespace

result<void> name_cursor::go_to_block(std::uint64_t block) {
  const auto offset = index_.number_at(index_.fields_.name_blocks, block);
  if (!offset) return std::unexpected(offset.error());
  number_ = block * names_per_block;
  offset_ = *offset;
  name_.clear();
  return {};
}

// False when what stands there is no name, or not one that follows.
bool name_cursor::read(byte_reader& from) {
  const auto shared = from.varint();
  const auto lengths = from.varint();
  const bool packed = lengths % 2 == 1;
  const auto further = from.take(lengths / 2);
  if (shared > (number_ % names_per_block == 0 ? 0 : name_.size())) return false;
  std::string name(name_, 0, static_cast<std::size_t>(shared));
  name.append(reinterpret_cast<const char*>(further.data()), further.size());
  if (packed) {
    const auto id = from.take(sizeof(uuid));
    if (!from.is_good()) return false;
    name += read_as<uuid>(id.data()).to_string();
  }
  place_ = static_cast<std::uint32_t>(from.bytes_of(index_.width_));
  if (!from.is_good() || name.empty() || name.size() > limits::stream_name_bytes ||
      !index_.is_place(place_) || name <= name_)
    return false;
  name_ = std::move(name);
  return true;
}

result<bool> name_cursor::next() {
  if (number_ == index_.fields_.names) return false;
  const auto& list = index_.fields_.name_list;
  const auto room = list.length - std::min(offset_, list.length);
  const auto bytes = index_.bytes(list, offset_, std::min(room, most_name_bytes));
  if (!bytes) return std::unexpected(bytes.error());
  byte_reader rest(*bytes);
  if (!read(rest)) return index_.damaged("a stream's name makes no sense");
  offset_ += bytes->size() - rest.left();
  ++number_;
  return true;
}

result<bool> name_cursor::seek(std::string_view text) {
  // The last block that does not begin behind the text, else the first one.
  std::uint64_t low = 0;
  for (auto high = index_.fields_.name_blocks.length / sizeof(std::uint32_t); high - low > 1;) {
    const auto middle = low + (high - low) / 2;
    if (auto gone = go_to_block(middle); !gone) return std::unexpected(gone.error());
    const auto first = next();
    if (!first) return first;
    (name_ <= text ? low : high) = middle;
  }
  if (index_.fields_.names == 0) return false;
  if (auto gone = go_to_block(low); !gone) return std::unexpected(gone.error());
  for (;;) {
    const auto more = next();
    if (!more || !*more || name_ >= text) return more;
  }
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
