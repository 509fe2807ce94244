#include "index_match.h"

#include <map>

#include "index_fixture.h"
#include "indexer.h"
#include "log_scan.h"
#include "segment_index_builder.h"

namespace annals::embedded {
namespace {

/// A store whose index files are made to say otherwise than the log, in whole and valid files that
/// MANIFEST names.
class lying_indexes : public index_fixture {
 protected:
  lying_indexes() {
    auto store = open({.segment_bytes = 16U << 10U});
    for (int i = 0; i < 150; ++i) {
      const std::string payload(500, 'p');
      const std::vector<std::string> tags{"n:" + std::to_string(i % 30), "all:1"};
      const std::vector<std::string_view> tagged(tags.begin(), tags.end());
      const auto type = "type" + std::to_string(i % 7);
      const new_event event{
          .type = type, .payload = std::as_bytes(std::span(payload)), .tags = tagged};
      const auto number = i % 10 == 9 ? i : i % 20;  // so that each segment names one
      const auto name = (i % 2 == 0 ? "order-" : "cart-") + std::to_string(number);
      const stream_write write{name, expect::any(), {&event, 1}};
      EXPECT_TRUE(store->append({.streams = {&write, 1}}));
      if (i % 40 == 30) {
        EXPECT_TRUE(store->retain("order-" + std::to_string(i / 40 * 2), {.max_count = 100}));
      }
    }
    EXPECT_TRUE(store->close());
    right_ = read_manifest(*env_, paths().manifest(), id()).value();
    EXPECT_GT(right_.segments.size(), lied_about + 1);
    EXPECT_GE(right_.runs.front().last_segment, lied_about);
    index_bytes_ = content(index_path());
    run_bytes_ = content(run_path());
  }

  static constexpr std::size_t lied_about = 4;  // a segment in the middle

  store_paths paths() const { return {root()}; }
  uuid id() const { return read_as<store_mark>(content(paths().marker()).data()).store_id; }
  std::string index_path() const { return paths().segment_index(lied_about); }
  std::string run_path() const {
    return paths().run(right_.runs.front().first_segment, right_.runs.front().last_segment);
  }
  sealed_segment& facts_in(manifest& content) const { return content.segments[lied_about - 1]; }
  std::shared_ptr<const sealed_context> context() const {
    return std::make_shared<const sealed_context>(sealed_context{
        .environment = *env_, .paths = paths(), .store_id = id(), .hash_seed = right_.hash_seed});
  }

  /// An event or a name on its way into the index; it may be changed, or left out.
  struct entered {
    item_kind kind{};
    int number = 0;  ///< of its kind, in the segment
    indexed_event event{};
    std::vector<std::string> tags{};
    std::string name{};
    std::uint32_t place = 0;  ///< of the name
    bool left_out = false;
  };
  using change = std::function<void(entered&)>;
  using links = std::function<std::uint64_t(term_kind, std::uint64_t)>;

  /// Makes the index of the segment anew from what `changed` leaves; MANIFEST names that.
  void index_otherwise(const change& changed, const links& linked) {
    auto lied = right_;
    auto& facts = facts_in(lied);
    segment_index_builder builder({.store_id = id(),
                                   .hash_seed = right_.hash_seed,
                                   .segment = lied_about,
                                   .salt = facts.salt});
    for_each_item([&](entered one) {
      changed(one);
      if (one.left_out) return;
      if (one.kind == item_kind::stream_name) return builder.add_name(one.place, one.name);
      const std::vector<std::string_view> tags(one.tags.begin(), one.tags.end());
      one.event.tags = tags;
      builder.add_event(one.event);
    });
    auto before = right_;
    before.segments.resize(lied_about - 1);
    before.runs.clear();
    const auto earlier = open_sealed_log(context(), before, nullptr).value();
    const mapped_segment segment(context(), facts_in(right_));
    ASSERT_TRUE(segment.open());
    std::vector<std::uint32_t> crcs;
    for (std::uint64_t i = 0; i < segment.index().blocks(); ++i)
      crcs.push_back(segment.index().block_crc(i).value());
    facts.index =
        builder
            .write(
                *env_, index_path(),
                {.end = segment.end(), .first_sequence = facts.first_sequence, .block_crcs = crcs},
                [&](const indexed_term& term) -> result<std::uint64_t> {
                  const auto found = earlier->newest_segment_of(term.kind, term.bytes);
                  return linked(term.kind, found.value());
                })
            .value();
    name(lied);
  }

  void for_each_item(const std::function<void(entered)>& each) const {
    const auto path = paths().segment(lied_about);
    const auto opened = env_->open(path, file_mode::read, write_through::none).value();
    const auto header = read_segment_header(*opened, path, id(), lied_about).value();
    segment_scan scan(*opened, header);
    std::map<item_kind, int> seen;
    for (auto frame = scan.next().value(); frame; frame = scan.next().value())
      frame->for_each_item([&](const item_view& item) {
        const auto offset = frame->header().place.offset() +
                            static_cast<std::uint64_t>(item.data() - frame->data());
        const auto place = static_cast<std::uint32_t>(offset / 8);
        entered one{.kind = item.kind(), .number = seen[item.kind()]++, .place = place};
        if (item.kind() == item_kind::stream_name) {
          one.name = name_in(item);
          each(one);
        }
        if (item.kind() != item_kind::event) return;
        const auto event = item.as<event_item>();
        one.event = {.place = place,
                     .stream_key = event.stream_key,
                     .version = event.version,
                     .previous = event.previous,
                     .type = event.type,
                     .category = event.category};
        for_each_tag(item, [&](std::string_view tag) { one.tags.emplace_back(tag); });
        each(one);
      });
  }

  using slot_change = std::function<void(std::vector<run_slot>&)>;

  /// Makes the first run anew from slots that were changed; MANIFEST names that.
  void run_otherwise(const slot_change& changed) {
    auto lied = right_;
    auto& known = lied.runs.front();
    const run_identity identity{.store_id = id(),
                                .hash_seed = right_.hash_seed,
                                .first_segment = known.first_segment,
                                .last_segment = known.last_segment};
    std::vector<run_slot> slots;
    {
      const auto run = index_run::open(*env_, run_path(), identity).value();
      run_cursor cursor(run);
      while (cursor.next().value()) slots.push_back(cursor.slot());
    }
    changed(slots);
    index_run_builder builder;
    for (const auto& slot : slots) builder.add(slot);
    known.file = builder.write(*env_, run_path(), identity).value();
    name(lied);
  }
  void name(const manifest& content) const {
    write_manifest(*env_, paths().manifest(), content).value();
  }

  void expect_found(const std::string& path, const std::string& words) {
    const auto found = verified().damage;
    ASSERT_EQ(found.size(), 1U) << (found.empty() ? "" : found.back());
    EXPECT_NE(found.front().find(path), std::string::npos) << found.front();
    EXPECT_NE(found.front().find(words), std::string::npos) << found.front();
    make_right();
  }
  /// Repair makes index files again that say what the log does.
  void expect_repaired() const {
    const auto done = repair_embedded(root(), {}, {}, *env_).value();
    EXPECT_TRUE(done.changed);
    EXPECT_FALSE(done.loss);
    EXPECT_FALSE(done.damage.empty());
    EXPECT_TRUE(done.after.damage.empty());
    EXPECT_EQ(content(index_path()), index_bytes_);
    const auto again = repair_embedded(root(), {}, {}, *env_).value();
    EXPECT_FALSE(again.changed);
    EXPECT_TRUE(again.damage.empty());
  }
  void make_right() const {
    for (const auto& [path, bytes] :
         {std::pair{index_path(), &index_bytes_}, std::pair{run_path(), &run_bytes_}}) {
      std::filesystem::resize_file(path, 0);
      overwrite(path, 0, *bytes);
    }
    name(right_);
    EXPECT_EQ(verified().damage, std::vector<std::string>{});
  }

  static void nothing(entered&) {}
  static std::uint64_t as_it_is(term_kind, std::uint64_t link) { return link; }

  manifest right_{};
  std::vector<std::byte> index_bytes_{};
  std::vector<std::byte> run_bytes_{};
};

TEST_F(lying_indexes, are_told_by_what_they_say_and_not_by_how_they_were_made) {
  index_otherwise(nothing, as_it_is);
  EXPECT_EQ(verified().damage, std::vector<std::string>{});
  EXPECT_EQ(content(index_path()), index_bytes_);
  run_otherwise([](auto&) {});
  EXPECT_EQ(verified().damage, std::vector<std::string>{});
}

TEST_F(lying_indexes, are_found_when_an_event_has_other_terms_than_in_the_segment) {
  const auto third = [](const auto& changed) {
    return [changed](entered& one) {
      if (one.kind == item_kind::event && one.number == 2) changed(one);
    };
  };
  index_otherwise(third([](entered& one) { one.tags.pop_back(); }), as_it_is);
  expect_found(index_path(), "of a tag");
  index_otherwise(third([](entered& one) { one.tags.front() = "n:other"; }), as_it_is);
  expect_found(index_path(), "");
  index_otherwise(third([](entered& one) { one.tags.push_back("n:more"); }), as_it_is);
  expect_found(index_path(), "terms that the segment does not have");
  index_otherwise(third([](entered& one) { one.event.type = one.event.type % 7 + 1; }), as_it_is);
  expect_found(index_path(), "of a type");
  index_otherwise(third([](entered& one) { one.event.category = 3 - one.event.category; }),
                  as_it_is);
  expect_found(index_path(), "of a category");
  index_otherwise(third([](entered& one) { one.event.version += 1; }), as_it_is);
  expect_found(index_path(), "of stream");
  index_otherwise(third([](entered& one) { one.event.previous = lsn::at(1, 4'096); }), as_it_is);
  expect_found(index_path(), "of stream");
}

// As many events of each, the last one where it is.
TEST_F(lying_indexes, are_found_when_two_events_have_each_others_terms) {
  std::vector<entered> all;
  for_each_item([&](const entered& one) {
    if (one.kind == item_kind::event) all.push_back(one);
  });
  const auto exchange = [&](const auto& member) {
    index_otherwise(
        [&](entered& one) {
          if (one.kind != item_kind::event || one.number < 1 || one.number > 2) return;
          member(one, all[static_cast<std::size_t>(3 - one.number)]);
        },
        as_it_is);
  };
  exchange([](entered& one, const entered& other) { one.tags = other.tags; });
  expect_found(index_path(), "of a tag");
  exchange([](entered& one, const entered& other) { one.event.type = other.event.type; });
  expect_found(index_path(), "of a type");
  exchange([](entered& one, const entered& other) { one.event.category = other.event.category; });
  expect_found(index_path(), "of a category");
}

TEST_F(lying_indexes, are_found_when_a_term_is_linked_to_another_segment) {
  for (const auto kind : {term_kind::type, term_kind::category, term_kind::tag}) {
    const auto otherwise = [&](auto&& changed) {
      index_otherwise(nothing, [&](term_kind of, std::uint64_t link) -> std::uint64_t {
        return of == kind ? changed(link) : link;
      });
    };
    otherwise([](std::uint64_t) { return 0U; });
    expect_found("idx", "stood before");
    otherwise([](std::uint64_t link) { return link > 1 ? link - 1 : link; });
    expect_found("idx", "stood before");
  }
}

TEST_F(lying_indexes, are_found_when_a_place_of_an_event_is_that_of_another) {
  std::uint32_t second = 0;
  for_each_item([&](const entered& one) {
    if (one.kind == item_kind::event && one.number == 1) second = one.place;
  });
  lie<segment_index_fields>(index_path(), [&](auto&, auto& fields, auto& data) {
    write_as(data.data() + fields.places.offset, second);
  });
  auto lied = right_;
  facts_in(lied).index = segment_index::open(*env_, index_path(),
                                             {.store_id = id(),
                                              .hash_seed = right_.hash_seed,
                                              .segment = lied_about,
                                              .salt = facts_in(lied).salt})
                             .value()
                             .facts();
  name(lied);
  expect_found(index_path(), "an event elsewhere");
}

TEST_F(lying_indexes, are_found_when_a_name_stands_elsewhere_or_is_not_there) {
  const auto first = [](const auto& changed) {
    return [changed](entered& one) {
      if (one.kind == item_kind::stream_name && one.number == 0) changed(one);
    };
  };
  index_otherwise(first([](entered& one) { one.name += "x"; }), as_it_is);
  expect_found(index_path(), "a name that does not stand");
  index_otherwise(first([](entered& one) { one.place += 1; }), as_it_is);
  expect_found(index_path(), "a name that does not stand");
  index_otherwise(first([](entered& one) { one.left_out = true; }), as_it_is);
  expect_found(index_path(), "the names that the segment has");
}

TEST_F(lying_indexes, are_found_when_a_run_has_not_the_newest_place_of_a_term) {
  for (const auto kind : {term_kind::type, term_kind::category, term_kind::tag, term_kind::stream,
                          term_kind::retention}) {
    SCOPED_TRACE(static_cast<int>(kind));
    const auto otherwise = [&](const std::string& how, const auto& changed) {
      SCOPED_TRACE(how);
      run_otherwise([&](std::vector<run_slot>& slots) {
        const auto one = std::ranges::find(slots, kind, &run_slot::kind);
        ASSERT_NE(one, slots.end());
        changed(slots, one);
      });
      expect_found("idx", "its runs do not say of the log");
    };
    otherwise("left out", [](auto& slots, auto one) { slots.erase(one); });
    otherwise("at another place", [](auto&, auto one) { one->newest = lsn{one->newest.bits - 8}; });
    otherwise("of another term", [](auto&, auto one) { one->hash ^= 1U; });
    otherwise("and one more", [](auto& slots, auto one) {
      auto more = *one;
      more.hash ^= 1U;
      slots.push_back(more);
    });
  }
}

// Of a term that is not in the last segment of the run.
TEST_F(lying_indexes, are_found_when_a_run_has_a_term_in_a_later_segment_than_the_log) {
  const auto last = right_.runs.front().last_segment;
  run_otherwise([&](std::vector<run_slot>& slots) {
    const auto one = std::ranges::find_if(slots, [&](const run_slot& slot) {
      return slot.kind == term_kind::tag && slot.newest.segment() < last;
    });
    ASSERT_NE(one, slots.end());
    one->newest = lsn::at(last, one->newest.offset());
  });
  expect_found("idx", "its runs do not say of the log");
}

TEST_F(lying_indexes, are_made_again_by_repair) {
  index_otherwise(
      [](entered& one) {
        if (one.kind == item_kind::event && one.number == 2) one.tags.pop_back();
      },
      as_it_is);
  expect_repaired();
}

TEST_F(lying_indexes, are_made_again_by_the_repair_that_mends_other_damage) {
  run_otherwise([](std::vector<run_slot>& slots) { slots.pop_back(); });
  std::filesystem::resize_file(root() + "/STATE", 100);
  expect_repaired();
}

TEST_F(lying_indexes, that_are_runs_are_made_again_by_repair) {
  run_otherwise([](std::vector<run_slot>& slots) { slots.pop_back(); });
  expect_repaired();
}

}  // namespace
}  // namespace annals::embedded
