#include "segment_index.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

#include "crc32c.h"
#include "failing_env.h"
#include "index_fixture.h"
#include "segment_index_builder.h"

namespace annals::embedded {
namespace {

constexpr std::uint64_t number = 5;
constexpr std::uint64_t end_of_segment = 200'000;

uuid key(std::uint8_t n) {
  return uuid{{n, 1}};
}

result<std::uint64_t> none_earlier(const indexed_term&) {
  return 0;
}

std::uint64_t always_one_hash(std::uint64_t, term_kind, std::span<const std::byte>) noexcept {
  return 0x1234'5678'9abc'def0;
}

class segment_index_test : public index_fixture {
 public:
  void TestBody() override {}  // so that properties can have one

  segment_identity identity() const {
    return {.store_id = store_id_, .hash_seed = hash_seed, .segment = number, .salt = 42};
  }
  segment_index_builder builder() const { return segment_index_builder(identity()); }
  result<checked_file_facts> write(const segment_index_builder& from,
                                   const earlier_segment& earlier = none_earlier,
                                   const std::string& name = "file",
                                   std::uint64_t end = end_of_segment) const {
    std::vector<std::uint32_t> crcs;
    for (std::uint32_t i = 0; i < (end + 65'535) / 65'536; ++i) crcs.push_back(7 * i + 1);
    return from.write(*env_, path(name), {.end = end, .first_sequence = 1'000, .block_crcs = crcs},
                      earlier);
  }
  result<segment_index> opened(const std::string& name = "file") const {
    return segment_index::open(*env_, path(name), identity());
  }
  segment_index written(const segment_index_builder& from,
                        const earlier_segment& earlier = none_earlier,
                        std::uint64_t end = end_of_segment) const {
    const auto facts = write(from, earlier, "file", end).value();
    auto index = opened().value();
    EXPECT_EQ(index.facts(), facts);
    return index;
  }
  /// Four events of two streams, three of which have tags; two names.
  segment_index_builder small() const {
    auto made = builder();
    const std::string_view one[]{"a:1"};
    const std::string_view two[]{"a:1", "b:2"};
    made.add_event({.place = 600,
                    .stream_key = key(1),
                    .version = 3,
                    .previous = lsn::at(2, 64),
                    .type = 1,
                    .category = 1,
                    .tags = one});
    made.add_event({.place = 700, .stream_key = key(2), .version = 1, .type = 2, .category = 1});
    made.add_event({.place = 900,
                    .stream_key = key(1),
                    .version = 4,
                    .previous = lsn::at(number, 4800),
                    .type = 2,
                    .category = 1,
                    .tags = two});
    made.add_event({.place = 20'000,
                    .stream_key = key(1),
                    .version = 5,
                    .previous = lsn::at(number, 7200),
                    .type = 2,
                    .category = 2,
                    .tags = one});
    made.add_name(690, "order-2");
    made.add_name(550, "order-0197c2d0-0000-7000-8000-000000000001");
    return made;
  }

  static std::vector<postings> found(const segment_index& index, term_kind kind,
                                     std::span<const std::byte> bytes) {
    std::vector<postings> out;
    index.find(kind, term_hash(hash_seed, kind, bytes), out).value();
    return out;
  }
  static std::vector<std::uint32_t> places(const segment_index& index, const postings& of,
                                           std::uint32_t from = 0) {
    std::vector<std::uint32_t> out;
    index.places(of, out, from).value();
    return out;
  }
  static std::vector<std::uint32_t> places_of(const segment_index& index, term_kind kind,
                                              std::span<const std::byte> bytes) {
    const auto there = found(index, kind, bytes);
    EXPECT_EQ(there.size(), 1U);
    return there.size() == 1 ? places(index, there[0]) : std::vector<std::uint32_t>{};
  }
  static std::vector<std::string> names_from(const segment_index& index, std::string_view text) {
    std::vector<std::string> names;
    name_cursor cursor(index);
    for (auto more = cursor.seek(text).value(); more; more = cursor.next().value())
      names.push_back(cursor.name());
    return names;
  }
  /// The first error met when all is asked that there is to ask.
  result<void> read_whole() const {
    const auto index = opened();
    if (!index) return std::unexpected(index.error());
    if (auto checked = index->check(); !checked) return checked;
    for (std::uint64_t i = 0; i < index->blocks(); ++i)
      if (const auto crc = index->block_crc(i); !crc) return std::unexpected(crc.error());
    return {};
  }

  using index_fixture::content;
  using index_fixture::env_;
  using index_fixture::path;
};

using lying_index = segment_index_test;
using names_of_segment = segment_index_test;

TEST_F(segment_index_test, finds_the_events_of_streams_types_categories_and_tags) {
  const auto index = written(small());
  const std::uint32_t one = 1;
  const std::uint32_t two = 2;
  using expected = std::vector<std::uint32_t>;
  EXPECT_EQ(places_of(index, term_kind::stream, term_bytes(key(1))), (expected{600, 900, 20'000}));
  EXPECT_EQ(places_of(index, term_kind::stream, term_bytes(key(2))), (expected{700}));
  EXPECT_EQ(places_of(index, term_kind::type, term_bytes(one)), (expected{600}));
  EXPECT_EQ(places_of(index, term_kind::type, term_bytes(two)), (expected{700, 900, 20'000}));
  EXPECT_EQ(places_of(index, term_kind::category, term_bytes(one)), (expected{600, 700, 900}));
  EXPECT_EQ(places_of(index, term_kind::category, term_bytes(two)), (expected{20'000}));
  EXPECT_EQ(places_of(index, term_kind::tag, term_bytes("a:1")), (expected{600, 900, 20'000}));
  EXPECT_EQ(places_of(index, term_kind::tag, term_bytes("b:2")), (expected{900}));
  EXPECT_TRUE(found(index, term_kind::tag, term_bytes("b:3")).empty());
  EXPECT_TRUE(found(index, term_kind::stream, term_bytes(key(3))).empty());
  EXPECT_EQ(index.terms(), 8U);
  EXPECT_EQ(index.events(), 4U);
  EXPECT_EQ(index.segment(), number);
  EXPECT_EQ(index.first_sequence(), 1'000U);
  EXPECT_EQ(index.end(), end_of_segment);
  EXPECT_TRUE(index.check());
}

TEST_F(segment_index_test, knows_count_first_version_last_place_and_link) {
  const auto index = written(small(), [](const indexed_term& term) -> result<std::uint64_t> {
    return term.kind == term_kind::tag && term.bytes.back() == std::byte{'1'} ? 4 : 0;
  });
  const auto stream = found(index, term_kind::stream, term_bytes(key(1))).at(0);
  EXPECT_EQ(stream.count, 3U);
  EXPECT_EQ(stream.first_version, 3U);
  EXPECT_EQ(stream.last, 20'000U);
  EXPECT_EQ(stream.link, 2U);
  const auto fresh = found(index, term_kind::stream, term_bytes(key(2))).at(0);
  EXPECT_EQ(fresh.count, 1U);
  EXPECT_EQ(fresh.link, 0U);
  EXPECT_EQ(found(index, term_kind::tag, term_bytes("a:1")).at(0).link, 4U);
  EXPECT_EQ(found(index, term_kind::tag, term_bytes("b:2")).at(0).link, 0U);
}

TEST_F(segment_index_test, gives_places_from_one_on) {
  const auto index = written(small());
  const auto stream = found(index, term_kind::stream, term_bytes(key(1))).at(0);
  using expected = std::vector<std::uint32_t>;
  EXPECT_EQ(places(index, stream, 900), (expected{900, 20'000}));
  EXPECT_EQ(places(index, stream, 901), (expected{20'000}));
  EXPECT_EQ(places(index, stream, 20'001), expected{});
  std::vector<std::uint32_t> more{3};
  ASSERT_TRUE(index.places(stream, more));
  EXPECT_EQ(more, (expected{3, 600, 900, 20'000}));
}

TEST_F(segment_index_test, counts_a_tag_once_that_an_event_has_twice) {
  auto made = builder();
  const std::string_view twice[]{"a:1", "a:1"};
  made.add_event({.place = 600, .stream_key = key(1), .version = 1, .tags = twice});
  const auto index = written(made);
  EXPECT_EQ(found(index, term_kind::tag, term_bytes("a:1")).at(0).count, 1U);
  EXPECT_TRUE(index.check());
}

TEST_F(segment_index_test, of_no_events_finds_nothing) {
  const auto index = written(builder(), none_earlier, 4096 + 112);
  EXPECT_TRUE(found(index, term_kind::stream, term_bytes(key(1))).empty());
  EXPECT_TRUE(names_from(index, "").empty());
  EXPECT_TRUE(is_refused(index.place_near(0), path()));
  EXPECT_EQ(index.blocks(), 1U);
  EXPECT_TRUE(index.check());
}

TEST_F(segment_index_test, keeps_terms_of_one_hash_apart) {
  segment_index_builder made(identity(), &always_one_hash);
  made.add_event({.place = 600, .stream_key = key(1), .version = 1});
  made.add_event({.place = 700, .stream_key = key(2), .version = 9});
  made.add_event({.place = 800, .stream_key = key(1), .version = 2});
  const auto index = written(made);
  std::vector<postings> streams;
  ASSERT_TRUE(index.find(term_kind::stream, always_one_hash(0, {}, {}), streams));
  ASSERT_EQ(streams.size(), 2U);
  EXPECT_EQ(places(index, streams[0]), (std::vector<std::uint32_t>{600, 800}));
  EXPECT_EQ(streams[1].first_version, 9U);
  std::vector<postings> types;
  ASSERT_TRUE(index.find(term_kind::type, always_one_hash(0, {}, {}), types));
  ASSERT_EQ(types.size(), 1U);
  EXPECT_EQ(types[0].count, 3U);
  const auto slots = made.slots();
  ASSERT_EQ(slots.size(), 4U);
  for (const auto& slot : slots) EXPECT_EQ(slot.ambiguous, slot.kind == term_kind::stream);
}

TEST_F(segment_index_test, yields_the_newest_place_of_each_term_for_runs) {
  const auto slots = small().slots();
  EXPECT_EQ(slots.size(), 8U);
  const auto hash = term_hash(hash_seed, term_kind::tag, term_bytes("a:1"));
  const auto at = std::ranges::find(slots, hash, &run_slot::hash);
  ASSERT_NE(at, slots.end());
  EXPECT_EQ(*at, (run_slot{.hash = hash,
                           .kind = term_kind::tag,
                           .newest = lsn::at(number, std::uint64_t{20'000} * 8)}));
}

TEST_F(segment_index_test, knows_the_place_near_an_event) {
  auto made = builder();
  for (std::uint32_t i = 0; i < 130; ++i)
    made.add_event({.place = 600 + 40 * i, .stream_key = key(1), .version = i + 1});
  const auto index = written(made);
  EXPECT_EQ(index.place_near(0).value(), 600U);
  EXPECT_EQ(index.place_near(63).value(), 600U);
  EXPECT_EQ(index.place_near(64).value(), 600U + 40 * 64);
  EXPECT_EQ(index.place_near(129).value(), 600U + 40 * 128);
  EXPECT_TRUE(is_refused(index.place_near(192), path()));
}

TEST_F(segment_index_test, has_the_crcs_of_blocks_as_the_segment_has) {
  std::vector<std::byte> bytes(65'536 + 65'536 + 10);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * i >> 4U);
  block_crcs crcs;
  for (std::span<const std::byte> rest = bytes; !rest.empty();) {
    const auto part = rest.first(std::min<std::size_t>(rest.size(), 50'000));
    crcs.add(part);
    rest = rest.subspan(part.size());
  }
  const auto found = crcs.finish();
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0], crc32c(0, std::span(bytes).first(65'536)));
  EXPECT_EQ(found[2], crc32c(0, std::span(bytes).last(10)));
  EXPECT_TRUE(crcs.finish().empty());
  const auto index = written(small());
  EXPECT_EQ(index.blocks(), 4U);
  EXPECT_EQ(index.block_crc(3).value(), 22U);
  EXPECT_TRUE(is_refused(index.block_crc(4), path()));
}

TEST_F(segment_index_test, is_the_same_for_the_same_segment) {
  write(small()).value();
  const auto before = content(path());
  write(small()).value();
  EXPECT_EQ(content(path()), before);
}

TEST_F(segment_index_test, stands_on_disk_as_the_format_says) {
  auto made = builder();
  made.add_event({.place = 600, .stream_key = key(1), .version = 300, .previous = lsn::at(2, 64)});
  made.add_event({.place = 700, .stream_key = key(1), .version = 301});
  made.add_event({.place = 900, .stream_key = key(1), .version = 302});
  made.add_name(590, "order-0197c2d0-0000-7000-8000-000000000001");
  made.add_name(591, "order-0197c2d0-0000-7000-8000-000000000001x");
  ASSERT_TRUE(write(made, none_earlier, "file", 65'536 * 8));
  const auto bytes = content(path());
  const auto u64_at = [&](std::size_t at) { return read_as<std::uint64_t>(bytes.data() + at); };
  EXPECT_EQ(u64_at(0), 0x5849'534c'414e'4e41U);  // "ANNALSIX"
  EXPECT_EQ(u64_at(32), number);
  EXPECT_EQ(u64_at(40), number);
  const std::vector<std::uint64_t> fields{42, 65'536 * 8, 1'000, 3, 3, 2, 0, 32, 32, 4, 40, 8, 48};
  for (std::size_t i = 0; i < fields.size(); ++i) EXPECT_EQ(u64_at(72 + 8 * i), fields[i]) << i;
  // One bucket: the stream, with two distances, and a type and a category with those and no
  // version.
  const auto entries = 4096 + u64_at(168);
  const auto length = u64_at(176);
  std::vector<std::uint8_t> stream{0, 0,  3 * 8 + 0 * 2 + 1, 3, 0xac, 2, 0x84, 0x03, 0, 3, 0xc8,
                                   1, 100};
  const auto bits = term_hash(hash_seed, term_kind::stream, term_bytes(key(1))) >> 48U;
  stream[0] = static_cast<std::uint8_t>(bits);
  stream[1] = static_cast<std::uint8_t>(bits >> 8U);
  const auto as_bytes = std::as_bytes(std::span(stream));
  const auto all = std::span(bytes).subspan(entries, length);
  EXPECT_FALSE(std::ranges::search(all, as_bytes).empty());
  EXPECT_EQ(length, 13U + 2 * 10);
  // Names: "order-" and a packed UUID, then the 42 bytes shared and "x".
  const std::vector<std::uint8_t> names{
      0, 6 * 2 + 1, 'o', 'r', 'd', 'e', 'r', '-',  0x01, 0x97, 0xc2, 0xd0, 0,   0,    0x70, 0, 0x80,
      0, 0,         0,   0,   0,   0,   1,   0x4e, 0x02, 0,    42,   2,    'x', 0x4f, 0x02, 0};
  ASSERT_EQ(u64_at(208), names.size());
  EXPECT_TRUE(std::ranges::equal(std::span(bytes).subspan(4096 + u64_at(200), names.size()),
                                 std::as_bytes(std::span(names))));
}

TEST_F(segment_index_test, is_refused_for_every_byte_that_is_flipped) {
  write(small()).value();
  ASSERT_TRUE(read_whole());
  for_each_flip(path(), [&](std::uint64_t at) {
    const auto read = read_whole();
    EXPECT_TRUE(is_refused(read, path()) || is_refused(read, path(), errc::store_too_new))
        << "byte " << at << " was not noticed";
  });
}

TEST_F(segment_index_test, is_refused_when_it_is_cut_off) {
  write(small()).value();
  for_each_cut(path(), [&](std::uint64_t size) {
    EXPECT_TRUE(is_refused(opened(), path())) << size << " bytes";
  });
}

TEST_F(segment_index_test, of_another_segment_salt_store_or_seed_is_refused) {
  write(small()).value();
  EXPECT_TRUE(opened());
  for (const auto& change : std::vector<std::function<void(segment_identity&)>>{
           [](auto& id) { id.segment = 6; }, [](auto& id) { id.salt = 43; },
           [](auto& id) { id.store_id = uuid{{8}}; }, [](auto& id) { id.hash_seed = 1; }}) {
    auto other = identity();
    change(other);
    EXPECT_TRUE(is_refused(segment_index::open(*env_, path(), other), path()));
  }
}

TEST_F(segment_index_test, is_not_there_when_it_cannot_be_written_or_linked) {
  failing_env failing(*env_);
  failing.fail_writes_from(1, errc::disk_full);
  const std::vector<std::uint32_t> crcs(4);
  const sealed_facts facts{.end = end_of_segment, .first_sequence = 1, .block_crcs = crcs};
  EXPECT_EQ(small().write(failing, path(), facts, none_earlier).error().code(), errc::disk_full);
  const auto unreadable = [](const indexed_term&) -> result<std::uint64_t> {
    return fail(errc::database_error, "the disk is gone");
  };
  EXPECT_EQ(write(small(), unreadable).error().code(), errc::database_error);
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(names_of_segment, come_in_order_from_any_text_on) {
  auto made = builder();
  std::set<std::string> expected;
  for (std::uint32_t i = 0; i < 100; ++i) {
    const auto name = i % 3 == 0 ? "order-" + std::to_string(i * 7919 % 1'000)
                                 : "order-" + make_uuid_v5({}, std::to_string(i)).to_string();
    expected.insert(name);
    made.add_name(600 + i, name);
  }
  expected.insert(make_uuid_v5({}, "bare").to_string());
  made.add_name(1'000, *expected.begin());
  made.add_name(1'001, *expected.begin());  // once is enough
  const auto index = written(made);
  EXPECT_EQ(index.names(), 101U);
  EXPECT_TRUE(index.check());
  EXPECT_EQ(names_from(index, ""), std::vector(expected.begin(), expected.end()));
  for (const auto& name : expected)
    for (const auto& from : {name, name + '\x01', name.substr(0, name.size() - 1)})
      EXPECT_EQ(names_from(index, from), std::vector(expected.lower_bound(from), expected.end()));
  EXPECT_TRUE(names_from(index, "z").empty());
  name_cursor cursor(index);
  ASSERT_TRUE(cursor.seek(*expected.begin()).value());
  EXPECT_EQ(cursor.place(), 1'000U);
}

// What is packed must come back as it was: only a UUID as this library prints it.
TEST_F(names_of_segment, keep_their_letters_where_they_end_almost_as_a_uuid) {
  const std::vector<std::string> names{
      "0197C2D0-0000-7000-8000-00000000000A",       "0197c2d0-0000-7000-8000-000000000001",
      "order-0197C2D0-0000-7000-8000-00000000000A", "order-0197c2d0-0000-7000-8000-00000000000b",
      "order-0197c2d0-0000-7000-8000-00000000000g", "order-{197c2d0-0000-7000-8000-0000000000}"};
  auto made = builder();
  for (std::uint32_t i = 0; i < names.size(); ++i) made.add_name(600 + i, names[i]);
  const auto index = written(made);
  EXPECT_EQ(names_from(index, ""), names);
  EXPECT_TRUE(index.check());
}

TEST_F(names_of_segment, may_be_as_long_as_names_can_be) {
  auto made = builder();
  const std::string longest(1'024, 'x');
  made.add_name(600, longest);
  made.add_name(601, longest.substr(1));
  const auto index = written(made);
  EXPECT_EQ(names_from(index, ""), (std::vector{longest.substr(1), longest}));
}

TEST_F(lying_index, is_refused_for_each_lie) {
  using data = std::vector<std::byte>;
  using lie_told = std::function<void(segment_index_fields&, data&)>;
  const auto field = [](auto change) -> lie_told {
    return [=](segment_index_fields& f, data&) { change(f); };
  };
  const auto byte = [](index_section segment_index_fields::* in, std::size_t at,
                       int value) -> lie_told {
    return [=](segment_index_fields& f, data& d) {
      d[(f.*in).offset + at] = static_cast<std::byte>(value);
    };
  };
  using fields = segment_index_fields;
  const std::vector<std::pair<std::string, lie_told>> lies{
      {"a section beyond the end", field([](fields& f) { f.entries.offset = 1U << 20U; })},
      {"a section of all numbers", field([](fields& f) { f.entries.length = UINT64_MAX; })},
      {"a section that begins anywhere", field([](fields& f) { f.name_list.offset += 4; })},
      {"terms of all numbers", field([](fields& f) { f.terms = UINT64_MAX; })},
      {"a term more", field([](fields& f) { ++f.terms; })},
      {"events of all numbers", field([](fields& f) { f.events = UINT64_MAX; })},
      {"an event more", field([](fields& f) { ++f.events; })},
      {"names of all numbers", field([](fields& f) { f.names = UINT64_MAX; })},
      {"a name more", field([](fields& f) { ++f.names; })},
      {"a name less", field([](fields& f) { --f.names; })},
      {"an end of all numbers", field([](fields& f) { f.end = UINT64_MAX & ~7ULL; })},
      {"an end before its events", field([](fields& f) { f.end -= 65'536; })},
      {"an end that is crooked", field([](fields& f) { --f.end; })},
      {"a place before all events", byte(&fields::places, 1, 0)},
      {"a place behind the end", byte(&fields::places, 2, 0xff)},
      {"a bucket that begins late", byte(&fields::buckets, 0, 1)},
      {"a bucket that ends before it begins", byte(&fields::buckets, 0, 0xff)},
      {"a bucket behind the end", byte(&fields::buckets, 5, 0xff)},
      {"a bucket that ends early", byte(&fields::buckets, 4, 1)},
      {"an entry without events", byte(&fields::entries, 2, 0)},
      {"an entry with another count", byte(&fields::entries, 2, 0x7e)},
      {"a varint without end",
       [](fields& f, data& d) {
         std::fill_n(d.begin() + static_cast<std::ptrdiff_t>(f.entries.offset), f.entries.length,
                     std::byte{0xff});
       }},
      {"entries of zeros",
       [](fields& f, data& d) {
         std::fill_n(d.begin() + static_cast<std::ptrdiff_t>(f.entries.offset), f.entries.length,
                     std::byte{0});
       }},
      {"a name that shares with none", byte(&fields::name_list, 0, 1)},
      {"a name of nothing", byte(&fields::name_list, 1, 0)},
      {"a name longer than the list", byte(&fields::name_list, 1, 0x7f)},
      {"a name out of order", byte(&fields::name_list, 28, '!')},
      {"a name at no place", byte(&fields::name_list, 25, 0)},
      {"a block of names elsewhere", byte(&fields::name_blocks, 0, 1)},
  };
  for (const auto& [name, tell] : lies) {
    write(small()).value();
    ASSERT_TRUE(read_whole());
    lie<fields>(path(), [&](checked_header&, fields& f, data& d) { tell(f, d); });
    EXPECT_TRUE(is_refused(read_whole(), path())) << name;
    if (const auto index = opened()) {  // and whoever does not check all gets through
      name_cursor names(*index);
      auto more = names.seek("order-2");
      while (more && *more) more = names.next();
      for (std::uint64_t hash = 0; hash < 16; ++hash) {
        std::vector<postings> out;
        if (!index->find(term_kind::stream, hash << 60U, out)) continue;
        std::vector<std::uint32_t> decoded;
        for (const auto& one : out) (void)index->places(one, decoded);
      }
    }
  }
}

TEST_F(lying_index, is_refused_when_a_link_or_the_only_place_cannot_be) {
  const std::vector<std::tuple<std::string, std::size_t, int>> lies{
      {"a link to this segment", 3, 0},
      {"a link before the first segment", 3, number},
      {"a place behind the end", 6, 0xff},
      {"a place before all events", 6, 0}};
  for (const auto& [name, at, value] : lies) {
    auto made = builder();
    made.add_event({.place = 600, .stream_key = key(1), .version = 3, .previous = lsn::at(2, 64)});
    write(made).value();
    ASSERT_TRUE(read_whole());
    lie<segment_index_fields>(path(), [&](checked_header&, segment_index_fields& f, auto& data) {
      auto entry = f.entries.offset;  // 5 bytes, but 7 of the stream: link, version
      while (data[entry + 2] != std::byte{9}) entry += 5;
      data[entry + at] = static_cast<std::byte>(value);
    });
    EXPECT_TRUE(is_refused(read_whole(), path())) << name;
  }
}

// Properties.

struct modelled_term {
  std::uint64_t first_version = 0;
  std::uint64_t link = 0;
  std::vector<std::uint32_t> places{};
};
using model = std::map<std::pair<term_kind, std::string>, modelled_term>;

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::uint64_t link_by_hash(std::uint64_t hash) {
  return hash % number;  // 0 to 4
}

/// Adds random events to a builder and to a model of it.
model add_random_events(segment_index_builder& to) {
  model expected;
  const auto streams = *rc::gen::inRange(1, 300);
  const auto count = *rc::gen::inRange(0, 500);
  const std::vector<std::string> tags{"a:1", "b:2", "", std::string(255, 'x')};
  std::uint32_t place = first_place;
  std::map<uuid, std::uint64_t> versions;
  for (int i = 0; i < count; ++i) {
    place += static_cast<std::uint32_t>(*rc::gen::inRange(1, 40));
    const auto key = make_uuid_v5({}, std::to_string(*rc::gen::inRange(0, streams)));
    const std::uint32_t type = *rc::gen::inRange(0U, 3U);
    const std::uint32_t category = *rc::gen::inRange(0U, 2U);
    std::vector<std::string_view> with;
    for (const auto& tag : tags)
      if (*rc::gen::inRange(0, 3) == 0) with.emplace_back(tag);
    auto& version = versions.try_emplace(key, *rc::gen::inRange(0U, 100'000U)).first->second;
    const auto before = static_cast<std::uint64_t>(*rc::gen::inRange(0, 5));
    const auto bytes = text_of(term_bytes(key));
    auto& stream = expected[{term_kind::stream, bytes}];
    if (stream.places.empty()) stream = {.first_version = version + 1, .link = before};
    to.add_event({.place = place,
                  .stream_key = key,
                  .version = ++version,
                  .previous = lsn::at(stream.places.empty() ? before : number, 64),
                  .type = type,
                  .category = category,
                  .tags = with});
    stream.places.push_back(place);
    expected[{term_kind::type, text_of(term_bytes(type))}].places.push_back(place);
    expected[{term_kind::category, text_of(term_bytes(category))}].places.push_back(place);
    for (const auto tag : with)
      expected[{term_kind::tag, std::string(tag)}].places.push_back(place);
  }
  return expected;
}

RC_GTEST_PROP(segment_index_properties, finds_all_that_was_added_and_nothing_else, ()) {
  const segment_index_test files;
  auto made = files.builder();
  const auto expected = add_random_events(made);
  const auto index = files.written(made, [](const indexed_term& term) -> result<std::uint64_t> {
    return link_by_hash(term.hash);
  });
  RC_ASSERT(index.check().has_value());
  RC_ASSERT(index.terms() == expected.size());
  for (const auto& [of, term] : expected) {
    const auto bytes = std::as_bytes(std::span(of.second));
    const auto there = files.found(index, of.first, bytes);
    RC_ASSERT(there.size() == 1U);
    RC_ASSERT(there[0].first_version == term.first_version);
    const auto by_hash = link_by_hash(term_hash(files.identity().hash_seed, of.first, bytes));
    RC_ASSERT(there[0].link == (of.first == term_kind::stream ? term.link : by_hash));
    RC_ASSERT(there[0].last == term.places.back());
    RC_ASSERT(there[0].count == term.places.size());
    RC_ASSERT(files.places(index, there[0]) == term.places);
  }
  for (int i = 0; i < 100; ++i)
    RC_ASSERT(files.found(index, term_kind::tag, term_bytes("no:" + std::to_string(i))).empty());
}

RC_GTEST_PROP(segment_index_properties, lists_the_names_that_were_added,
              (std::set<std::string> any, std::string from)) {
  const segment_index_test files;
  auto made = files.builder();
  std::set<std::string> expected;
  std::uint32_t place = first_place;
  for (const auto& each : any) {
    const auto name =
        each.substr(0, 900) +
        (each.size() % 2 == 0 ? make_uuid_v5({}, each).to_string() : std::string("-"));
    expected.insert(name);
  }
  for (auto at = expected.rbegin(); at != expected.rend(); ++at) made.add_name(++place, *at);
  const auto index = files.written(made);
  RC_ASSERT(index.check().has_value());
  RC_ASSERT(files.names_from(index, from) ==
            std::vector(expected.lower_bound(from), expected.end()));
}

}  // namespace
}  // namespace annals::embedded
