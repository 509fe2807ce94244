#include "annals/payload.h"

#include <gtest/gtest.h>

#include <array>

#include "annals/category.h"
#include "annals/memory.h"
#include "annals/simple.h"

namespace weather {

struct measured {
  std::uint8_t degrees = 0;
};
struct station {
  std::int64_t warmest = 0;
};
using station_events = annals::events<annals::stored<measured, "station_measured">>;

station evolve(station s, const measured& e) {
  return {std::max<std::int64_t>(s.warmest, e.degrees)};
}

}  // namespace weather

template <>
struct annals::payload_codec<weather::measured> {
  static constexpr codec kind = codec::binary;
  static void encode(const weather::measured& value, std::string& out) {
    out.push_back(static_cast<char>(value.degrees));
  }
  static result<weather::measured> decode(std::string_view payload) {
    if (payload.size() != 1)
      return fail(errc::serialization_error,
                  "expected one byte, found " + std::to_string(payload.size()));
    return weather::measured{static_cast<std::uint8_t>(payload.front())};
  }
};

namespace annals {
namespace {

using stations = category<weather::station, weather::station_events>;

TEST(payload_codec, of_your_own_is_stored_as_it_says_and_folded) {
  const auto store = make_memory_store();
  const stations all(*store, "station");
  for (const auto degrees : std::to_array<std::uint8_t>({7, 200, 9}))
    ASSERT_TRUE(all.transact({}, [&](const weather::station&) -> decision<weather::station_events> {
      return weather::measured{degrees};
    }));
  EXPECT_EQ(all.load({}).value().state.warmest, 200);
  const auto events = load_events(*store, {}, "station").value();
  EXPECT_EQ(events[1].metadata().codec, codec::binary);
  EXPECT_EQ(events[1].text(), "\xc8");
}

TEST(payload_codec, of_your_own_says_what_it_cannot_read) {
  const auto store = make_memory_store();
  const new_event wrong{.type = "station_measured", .payload = std::as_bytes(std::span("ab", 2))};
  ASSERT_TRUE(append_events(*store, {}, {}, std::span(&wrong, 1), "station"));
  const auto loaded = stations(*store, "station").load({});
  EXPECT_EQ(loaded.error().code(), errc::serialization_error);
  EXPECT_NE(loaded.error().message().find("expected one byte, found 2"), std::string::npos);
}

}  // namespace
}  // namespace annals
