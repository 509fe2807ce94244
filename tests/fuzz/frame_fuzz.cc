// A frame that holds is what it says: items that fill it, as many events as it counts, texts and
// tags inside their items; and no bit of it can change unseen. The first two bytes: whether CRCs
// are mended, and which bit to flip.
#include "mended.h"

using annals::fuzz::require;
using namespace annals::embedded;

namespace {

constexpr std::uint32_t seed = 0x5eed5eedU;
constexpr std::size_t readable_behind = sizeof(frame_header);

bool inside(std::string_view text, const item_view& item) {
  const auto* const begin = reinterpret_cast<const char*>(item.data());
  return text.empty() ||
         (text.data() >= begin && text.data() + text.size() <= begin + item.length());
}

void check_item(const item_view& item) {
  require(item.holds(seed) && item.fits(), "an item of a frame that holds does, too");
  if (item.kind() == item_kind::event) {
    std::size_t tags = 0;
    for_each_tag(item, [&](std::string_view tag) {
      ++tags;
      require(inside(tag, item), "a tag stays inside its event");
    });
    require(tags <= item.length(), "tags have bytes");
  }
  if (item.kind() == item_kind::dictionary)
    require(inside(text_in(item, item.as<dictionary_item>().length), item), "a text stays inside");
  if (item.kind() == item_kind::stream_name)
    require(inside(text_in(item, item.as<name_item>().length), item), "a name stays inside");
}

bool holds(std::span<const std::byte> bytes) {
  if (bytes.size() < 2 * readable_behind || !frame_header_holds(bytes.data(), seed)) return false;
  const frame_view frame(bytes.data());
  if (frame.header().length > bytes.size() - readable_behind) return false;
  const auto problem = frame.problem(seed);
  require(!problem || !problem->empty(), "a problem has words");
  return !problem;
}

void check_frame(const frame_view& frame) {
  std::size_t length = sizeof(frame_header);
  std::uint32_t events = 0;
  frame.for_each_item([&](const item_view& item) {
    length += item.length();
    events += item.kind() == item_kind::event ? 1 : 0;
    check_item(item);
  });
  require(length == frame.header().length, "items fill their frame");
  require(events == frame.header().events, "a frame counts its events");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto input = annals::fuzz::bytes_of(data + 2, size - 2);
  std::vector<std::byte> bytes(input.begin(), input.end());
  if (data[0] % 2 == 1) annals::fuzz::mend_frames(bytes, {.seed = seed});
  bytes.resize(bytes.size() + readable_behind);
  std::span<std::byte> rest(bytes);
  while (holds(rest)) {
    const std::size_t length = frame_view(rest.data()).header().length;
    check_frame(frame_view(rest.data()));
    std::byte& flipped = rest[std::size_t{31} * data[1] % length];
    const auto before = flipped;
    flipped ^= static_cast<std::byte>(1U << (data[1] % 8U));
    require(!holds(rest), "a flipped bit is seen");
    flipped = before;
    rest = rest.subspan(length);
  }
  return 0;
}
