#include "index_run.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "failing_env.h"
#include "index_fixture.h"
#include "run_block.h"

namespace annals::embedded {
namespace {

run_slot slot(std::uint64_t hash, std::uint64_t segment, std::uint64_t offset = 4096,
              term_kind kind = term_kind::stream) {
  return {.hash = hash, .kind = kind, .newest = lsn::at(segment, offset)};
}

run_slot ambiguous(run_slot from) {
  from.ambiguous = true;
  return from;
}

result<bool> never_asked(const run_slot&, const run_slot&) {
  ADD_FAILURE() << "terms are compared only when a slot is ambiguous";
  return false;
}

class index_run_test : public index_fixture {
 public:
  void TestBody() override {}  // so that properties can have one

  run_identity identity(std::uint64_t first, std::uint64_t last) const {
    return {.store_id = store_id_,
            .hash_seed = hash_seed,
            .first_segment = first,
            .last_segment = last};
  }
  index_run written(const std::vector<run_slot>& slots, std::uint64_t first = 1,
                    std::uint64_t last = 100, const std::string& name = "file") const {
    index_run_builder builder;
    for (const auto& each : slots) builder.add(each);
    const auto facts = builder.write(*env_, path(name), identity(first, last)).value();
    auto run = opened(first, last, name).value();
    EXPECT_EQ(run.facts(), facts);
    return run;
  }
  result<index_run> opened(std::uint64_t first = 1, std::uint64_t last = 100,
                           const std::string& name = "file") const {
    return index_run::open(*env_, path(name), identity(first, last));
  }
  static std::vector<run_slot> found(const index_run& run, std::uint64_t hash,
                                     term_kind kind = term_kind::stream) {
    std::vector<run_slot> slots;
    run.find(hash, kind, slots).value();
    return slots;
  }
  static std::vector<run_slot> all(const index_run& run) {
    std::vector<run_slot> slots;
    run_cursor cursor(run);
    while (cursor.next().value()) slots.push_back(cursor.slot());
    return slots;
  }
  /// The first error met when the run is opened, checked, and asked for a hash.
  result<void> read_whole(std::uint64_t hash = 0) const {
    const auto run = opened();
    if (!run) return std::unexpected(run.error());
    if (auto checked = run->check(); !checked) return std::unexpected(checked.error());
    std::vector<run_slot> slots;
    return run->find(hash, term_kind::stream, slots);
  }

  using index_fixture::content;
  using index_fixture::env_;
  using index_fixture::path;
};

using lying_run = index_run_test;
using joined_runs = index_run_test;

TEST_F(index_run_test, finds_what_was_added_and_nothing_else) {
  const auto run = written({slot(5, 1), slot(7, 2, 8192), slot(7, 3, 64, term_kind::tag)});
  EXPECT_EQ(found(run, 7), std::vector{slot(7, 2, 8192)});
  EXPECT_EQ(found(run, 7, term_kind::tag), std::vector{slot(7, 3, 64, term_kind::tag)});
  EXPECT_TRUE(found(run, 7, term_kind::type).empty());
  EXPECT_TRUE(found(run, 6).empty());
  EXPECT_EQ(run.size(), 3U);
  EXPECT_EQ(run.count(term_kind::stream), 2U);
  EXPECT_EQ(run.count(term_kind::tag), 1U);
  EXPECT_EQ(run.count(term_kind::command), 0U);
  EXPECT_EQ(run.first_segment(), 1U);
  EXPECT_EQ(run.last_segment(), 100U);
  EXPECT_TRUE(run.check());
}

TEST_F(index_run_test, of_nothing_holds_nothing) {
  const auto run = written({});
  EXPECT_TRUE(found(run, 0).empty());
  EXPECT_TRUE(found(run, UINT64_MAX).empty());
  EXPECT_EQ(run.size(), 0U);
  EXPECT_TRUE(run.check());
}

TEST_F(index_run_test, keeps_the_newest_of_one_hash_and_kind) {
  const auto run = written({slot(5, 2), slot(5, 3), slot(5, 1), slot(5, 3, 64, term_kind::tag)});
  EXPECT_EQ(found(run, 5), std::vector{slot(5, 3)});
  EXPECT_EQ(run.size(), 2U);
}

TEST_F(index_run_test, keeps_all_of_one_hash_and_kind_when_one_is_ambiguous) {
  const auto run = written({slot(5, 2), ambiguous(slot(5, 3)), slot(6, 1), slot(6, 2)});
  EXPECT_EQ(found(run, 5), (std::vector{ambiguous(slot(5, 3)), ambiguous(slot(5, 2))}));
  EXPECT_EQ(found(run, 6), std::vector{slot(6, 2)});
}

TEST_F(index_run_test, has_one_slot_for_terms_of_one_hash_in_one_event) {
  const auto run = written({ambiguous(slot(5, 2)), ambiguous(slot(5, 2))});
  EXPECT_EQ(found(run, 5), std::vector{ambiguous(slot(5, 2))});
}

TEST_F(index_run_test, finds_slots_that_spilled_behind_their_home) {
  std::vector<run_slot> slots;
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    slots.push_back(slot(UINT64_MAX - i, 1, 8 * i));                 // home: the last block
    slots.push_back(slot(i, 2, 8 * i));                              // home: the first
    slots.push_back(slot((std::uint64_t{1} << 63U) + i, 3, 8 * i));  // home: one in the middle
  }
  const auto run = written(slots);
  for (const auto& each : slots) ASSERT_EQ(found(run, each.hash), std::vector{each});
  EXPECT_TRUE(found(run, 1'000).empty());
  EXPECT_TRUE(found(run, UINT64_MAX - 1'000).empty());
  EXPECT_TRUE(run.check());
}

TEST_F(index_run_test, stands_on_disk_as_the_format_says) {
  written({slot(0x8000000000000001U, 2, 8192, term_kind::tag), ambiguous(slot(3, 1))});
  const auto bytes = content(path());
  const auto u32_at = [&](std::size_t at) { return read_as<std::uint32_t>(bytes.data() + at); };
  const auto u64_at = [&](std::size_t at) { return read_as<std::uint64_t>(bytes.data() + at); };
  ASSERT_EQ(bytes.size(), 4096U + 4096 + 4);
  EXPECT_EQ(u64_at(0), 0x4e52'534c'414e'4e41U);  // "ANNALSRN"
  EXPECT_EQ(u64_at(72), 2U);
  EXPECT_EQ(u64_at(80), 1U);
  EXPECT_EQ(u64_at(88), 1U);
  EXPECT_EQ(u64_at(96), 0U);
  EXPECT_EQ(u64_at(96 + 8), 1U);
  EXPECT_EQ(u64_at(96 + 8 * 4), 1U);
  EXPECT_EQ(u64_at(4096), 3U);
  EXPECT_EQ(u64_at(4096 + 8), 0x8000000000000001U);
  EXPECT_EQ(u64_at(4096 + 2040), 0x9000'0001'0000'0200U);
  EXPECT_EQ(u64_at(4096 + 2048), 0x4000'0002'0000'0400U);
  EXPECT_EQ(u32_at(4096 + 4080), 2U);
  EXPECT_EQ(u32_at(4096 + 4084), 1U << 1U | 1U << 4U);
  EXPECT_EQ(u64_at(4096 + 4088), 0U);
}

TEST_F(index_run_test, is_refused_for_every_byte_that_is_flipped) {
  written({slot(5, 1), slot(7, 2, 8192), slot(7, 3, 64, term_kind::tag)});
  for_each_flip(path(), [&](std::uint64_t at) {
    const auto read = read_whole();
    EXPECT_TRUE(is_refused(read, path()) || is_refused(read, path(), errc::store_too_new))
        << "byte " << at << " was not noticed";
  });
}

TEST_F(index_run_test, is_refused_when_it_is_cut_off) {
  written({slot(5, 1)});
  for_each_cut(path(), [&](std::uint64_t size) {
    EXPECT_TRUE(is_refused(opened(), path())) << size << " bytes";
  });
}

TEST_F(index_run_test, of_other_segments_store_or_seed_is_refused) {
  written({slot(5, 1)});
  EXPECT_TRUE(opened());
  EXPECT_TRUE(is_refused(opened(1, 99), path()));
  EXPECT_TRUE(is_refused(opened(2, 100), path()));
  auto other = identity(1, 100);
  other.hash_seed = 1;
  EXPECT_TRUE(is_refused(index_run::open(*env_, path(), other), path()));
  other = identity(1, 100);
  other.store_id = uuid{{8}};
  EXPECT_TRUE(is_refused(index_run::open(*env_, path(), other), path()));
}

TEST_F(lying_run, is_refused_for_each_lie) {
  using block = std::vector<std::byte>;
  using lie_told = std::function<void(run_fields&, block&)>;
  const auto set = [](std::size_t at, auto value) -> lie_told {
    return [=](run_fields&, block& data) { write_as(data.data() + at, value); };
  };
  const std::vector<std::pair<std::string, lie_told>> lies{
      {"too many slots", set(run_used_at, std::uint32_t{256})},
      {"fewer slots than in the header", set(run_used_at, std::uint32_t{1})},
      {"a slot more, of kind 0", set(run_used_at, std::uint32_t{3})},
      {"a kind that is not there", set(run_kinds_at, std::uint32_t{6})},
      {"no kinds", set(run_kinds_at, std::uint32_t{0})},
      {"hashes out of order", set(0, std::uint64_t{9})},
      {"the same slot twice", set(8, std::uint64_t{5})},
      {"kind 7", set(run_values_at, std::uint64_t{0x7000'0001'0000'0200U})},
      {"kind 0", set(run_values_at, std::uint64_t{0x0000'0001'0000'0200U})},
      {"segment 0", set(run_values_at, std::uint64_t{0x1000'0000'0000'0200U})},
      {"segment 101", set(run_values_at, std::uint64_t{0x1000'0065'0000'0200U})},
      {"more blocks", [](run_fields& f, block&) { f.blocks = 2; }},
      {"blocks beyond all numbers", [](run_fields& f, block&) { f.blocks = UINT64_MAX; }},
      {"spread over none", [](run_fields& f, block&) { f.spread = 0; }},
      {"spread over more than there are", [](run_fields& f, block&) { f.spread = 2; }},
      {"slots beyond all numbers", [](run_fields& f, block&) { f.slots = UINT64_MAX; }},
      {"another number of slots", [](run_fields& f, block&) { ++f.slots; }},
      {"another number of a kind", [](run_fields& f, block&) { ++f.slots_of[2]; }},
      {"a block more, with a slot that is not at home",
       [](run_fields& f, block& data) {
         data.resize(8192);
         f.blocks = 2;
         f.slots = 3;
         f.slots_of[1] = 3;
         write_as(data.data() + 4096, std::uint64_t{8});
         write_as(data.data() + 4096 + run_values_at, std::uint64_t{0x1000'0001'0000'0200U});
         write_as(data.data() + 4096 + run_used_at, std::uint32_t{1});
         write_as(data.data() + 4096 + run_kinds_at, std::uint32_t{2});
       }},
  };
  for (const auto& [name, tell] : lies) {
    written({slot(5, 1), slot(7, 1)});
    ASSERT_TRUE(read_whole());
    lie<run_fields>(path(),
                    [&](checked_header&, run_fields& fields, block& data) { tell(fields, data); });
    EXPECT_TRUE(is_refused(read_whole(5), path())) << name;
  }
}

TEST_F(lying_run, whose_blocks_are_not_whole_is_refused) {
  written({slot(5, 1)});
  lie<run_fields>(path(), [](checked_header&, run_fields&, std::vector<std::byte>& data) {
    data.resize(data.size() + 8);
  });
  EXPECT_TRUE(is_refused(opened(), path()));
}

TEST_F(joined_runs, keep_the_newer_of_one_hash_and_kind) {
  const auto older = written({slot(1, 1), slot(2, 1), slot(3, 1, 64, term_kind::tag)}, 1, 2, "a");
  const auto newer = written({slot(2, 3), slot(3, 3)}, 3, 5, "b");
  ASSERT_TRUE(join(*env_, path("c"), older, newer, never_asked));
  const auto run = opened(1, 5, "c").value();
  EXPECT_EQ(all(run),
            (std::vector{slot(1, 1), slot(2, 3), slot(3, 3), slot(3, 1, 64, term_kind::tag)}));
  EXPECT_EQ(run.count(term_kind::stream), 3U);
  EXPECT_TRUE(run.check());
}

TEST_F(joined_runs, compare_terms_when_a_slot_is_ambiguous) {
  const auto older = written({slot(1, 1), slot(2, 1), ambiguous(slot(4, 1))}, 1, 2, "a");
  const auto newer = written({ambiguous(slot(1, 3)), ambiguous(slot(2, 3)), slot(4, 3)}, 3, 5, "b");
  const auto one_is_same = [](const run_slot& old, const run_slot& young) -> result<bool> {
    EXPECT_LT(old.newest, young.newest);
    EXPECT_EQ(old.hash, young.hash);
    return old.hash == 1;
  };
  ASSERT_TRUE(join(*env_, path("c"), older, newer, one_is_same));
  const auto run = opened(1, 5, "c").value();
  EXPECT_EQ(all(run),
            (std::vector{ambiguous(slot(1, 3)), ambiguous(slot(2, 3)), ambiguous(slot(2, 1)),
                         ambiguous(slot(4, 3)), ambiguous(slot(4, 1))}));
  EXPECT_TRUE(run.check());
}

TEST_F(joined_runs, replace_each_older_slot_by_its_own_term) {
  const auto older = written({ambiguous(slot(1, 1)), ambiguous(slot(1, 2))}, 1, 2, "a");
  const auto newer = written({ambiguous(slot(1, 3)), ambiguous(slot(1, 4))}, 3, 5, "b");
  const auto first_of_each = [](const run_slot& old, const run_slot& young) -> result<bool> {
    return old.newest.segment() == 1 && young.newest.segment() == 3;
  };
  ASSERT_TRUE(join(*env_, path("c"), older, newer, first_of_each));
  EXPECT_EQ(all(opened(1, 5, "c").value()),
            (std::vector{ambiguous(slot(1, 4)), ambiguous(slot(1, 3)), ambiguous(slot(1, 2))}));
}

TEST_F(joined_runs, pass_on_that_terms_cannot_be_compared) {
  const auto older = written({ambiguous(slot(1, 1))}, 1, 2, "a");
  const auto newer = written({slot(1, 3)}, 3, 5, "b");
  const auto unreadable = [](const run_slot&, const run_slot&) -> result<bool> {
    return fail(errc::database_error, "the disk is gone");
  };
  const auto joined = join(*env_, path("c"), older, newer, unreadable);
  EXPECT_EQ(joined.error().code(), errc::database_error);
  EXPECT_FALSE(std::filesystem::exists(path("c")));
}

TEST_F(joined_runs, refuse_more_terms_of_one_hash_than_there_can_be) {
  std::vector<run_slot> many;
  for (std::uint64_t i = 0; i < 64; ++i) many.push_back(ambiguous(slot(1, 1, 8 * i)));
  const auto none_is_same = [](const run_slot&, const run_slot&) -> result<bool> { return false; };
  const auto older = written(many, 1, 2, "a");
  const auto none = written({}, 3, 5, "b");
  EXPECT_TRUE(join(*env_, path("c"), older, none, none_is_same));
  const auto newer = written({slot(1, 3)}, 3, 5, "b");
  const auto joined = join(*env_, path("c"), older, newer, none_is_same);
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code(), errc::store_corrupt);
}

TEST_F(joined_runs, are_not_there_when_they_cannot_be_written_or_read) {
  const auto older = written({slot(1, 1)}, 1, 2, "a");
  const auto newer = written({slot(1, 3)}, 3, 5, "b");
  failing_env failing(*env_);
  failing.fail_writes_from(1, errc::disk_full);
  EXPECT_EQ(join(failing, path("c"), older, newer, never_asked).error().code(), errc::disk_full);
  EXPECT_FALSE(std::filesystem::exists(path("c")));
  flip(path("a"), 4096 + 1);
  EXPECT_TRUE(
      is_refused(join(*env_, path("c"), opened(1, 2, "a").value(), newer, never_asked), path("a")));
}

// Properties.

using key = std::pair<std::uint64_t, term_kind>;

/// Slots of segments, whose hashes are close together in some cases so that blocks spill.
std::vector<run_slot> any_slots(std::uint64_t first, std::uint64_t last) {
  const auto bits = *rc::gen::element<std::uint64_t>(UINT64_MAX, 0x3ff, 0xff00'0000'0000'00ffU);
  const auto count = *rc::gen::inRange<std::size_t>(0, 2'000);
  std::vector<run_slot> slots;
  for (std::size_t i = 0; i < count; ++i)
    slots.push_back(slot(*rc::gen::arbitrary<std::uint64_t>() * 0x9e3779b97f4a7c15U & bits,
                         *rc::gen::inRange(first, last + 1), 8 * *rc::gen::inRange(512U, 10'000U),
                         static_cast<term_kind>(*rc::gen::inRange(1, 7))));
  return slots;
}

std::map<key, run_slot> newest_of(const std::vector<run_slot>& slots) {
  std::map<key, run_slot> newest;
  for (const auto& each : slots) {
    auto& kept = newest[{each.hash, each.kind}];
    if (kept.newest <= each.newest) kept = each;
  }
  return newest;
}

RC_GTEST_PROP(index_run_properties, holds_the_newest_of_what_was_added_and_nothing_else, ()) {
  const index_run_test files;
  const auto slots = any_slots(1, 100);
  const auto run = files.written(slots);
  const auto newest = newest_of(slots);
  RC_ASSERT(run.check().has_value());
  RC_ASSERT(run.size() == newest.size());
  for (const auto& [of, expected] : newest) {
    RC_ASSERT(files.found(run, of.first, of.second) == std::vector{expected});
    if (!newest.contains({of.first + 1, of.second}))
      RC_ASSERT(files.found(run, of.first + 1, of.second).empty());
  }
}

RC_GTEST_PROP(index_run_properties, is_the_same_in_whatever_order_slots_come, ()) {
  const index_run_test files;
  auto slots = any_slots(1, 100);
  files.written(slots);
  const auto before = files.content(files.path());
  std::ranges::reverse(slots);
  files.written(slots);
  RC_ASSERT(files.content(files.path()) == before);
}

RC_GTEST_PROP(index_run_properties, joined_is_as_if_built_from_all, ()) {
  const index_run_test files;
  const auto old = any_slots(1, 50);
  const auto young = any_slots(51, 100);
  const auto older = files.written(old, 1, 50, "a");
  const auto newer = files.written(young, 51, 100, "b");
  const auto facts = join(*files.env_, files.path("c"), older, newer, never_asked).value();
  auto both = old;
  both.insert(both.end(), young.begin(), young.end());
  RC_ASSERT(files.written(both, 1, 100, "d").facts() == facts);
  RC_ASSERT(files.content(files.path("c")) == files.content(files.path("d")));
}

}  // namespace
}  // namespace annals::embedded
