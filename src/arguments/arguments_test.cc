#include "annals/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace annals {
namespace {

using namespace arguments;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// What became of a command line.
struct outcome {
  int exit_code = -1;  // none: there is something to do
  std::string ran{};
  std::string out{};
  std::string err{};
};

/// A program with options of each kind.
struct shop {
  shop() {
    auto open = top.add_verb("open", "Opens it");
    open.runs([this] { return ran_with("open"); });
    auto find = top.add_verb("find", "Finds something");
    find.add_option("WHAT", what, "An article; without, all");
    find.add_option("--tag", tags, "May be repeated");
    find.runs([this] { return ran_with("find"); });
    auto sell = top.add_verb("sell", "Sells something");
    sell.add_option("WHAT", what, "An article", {.required = true});
    sell.add_option("-n,--number", number, "How many",
                    {.shows_default = true, .range = {{1, 100}}});
    sell.add_option("--to", customer, "Who buys", {.kind = "NAME"});
    sell.add_option("--tag", tags, "May be repeated");
    sell.add_option("--sizes", sizes, "Width and height", {.values = 2});
    sell.add_option("--shelf", shelf, "Where it was");
    sell.add_option("--price", price, "In pence");
    sell.add_option("--pay", pay, "How", {.choices = {"cash", "card"}});
    sell.add_flag("--gift", gift, "Wrapped");
    sell.footer("Example: shop sell tea");
    sell.runs([this] { return ran_with("sell"); });
    auto show = top.add_verb("show", "Shows something");
    show.add_verb("day", "The day").runs([this] { return ran_with("show day"); });
  }

  result<void> ran_with(const char* verb) {
    ran = verb;
    return {};
  }

  outcome given(std::vector<const char*> words) {
    words.insert(words.begin(), "shop");
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const auto work = top.parse(static_cast<int>(words.size()), words.data());
    outcome seen;
    if (work) {
      EXPECT_EQ(ran, "");  // parsing runs nothing
      EXPECT_TRUE((*work)());
    } else {
      seen.exit_code = work.error();
    }
    seen.ran = ran;
    seen.out = testing::internal::GetCapturedStdout();
    seen.err = testing::internal::GetCapturedStderr();
    return seen;
  }

  program top{"shop", "Keeps a shop."};
  std::string ran{};
  std::string what{};
  std::uint64_t number = 7;
  std::optional<std::string> customer{};
  std::vector<std::string> tags{};
  std::vector<std::string> sizes{};
  std::uint16_t shelf = 3;
  std::uint64_t price = 0;
  std::string pay = "cash";
  bool gift = false;
};

/// A usage error: 2, its reason on stderr, nothing on stdout, nothing to be done.
void refuses(std::vector<const char*> words, const std::string& reason) {
  shop one;
  const auto seen = one.given(std::move(words));
  EXPECT_EQ(seen.exit_code, 2) << reason;
  EXPECT_EQ(seen.ran, "");
  EXPECT_EQ(seen.out, "");
  EXPECT_EQ(seen.err, reason + "\nRun with --help for more information.\n");
}

TEST(arguments, arrive_in_their_destinations) {
  shop one;
  const auto seen =
      one.given({"sell", "tea", "-n", "12", "--to=ann", "--shelf", "9", "--pay", "card", "--gift"});
  EXPECT_EQ(seen.ran, "sell");
  EXPECT_EQ(seen.out + seen.err, "");
  EXPECT_EQ(one.what, "tea");
  EXPECT_EQ(one.number, 12U);
  EXPECT_EQ(one.customer, "ann");
  EXPECT_EQ(one.shelf, 9);
  EXPECT_EQ(one.pay, "card");
  EXPECT_TRUE(one.gift);
}

TEST(arguments, that_are_not_given_leave_what_stood_there) {
  shop one;
  EXPECT_EQ(one.given({"sell", "tea"}).ran, "sell");
  EXPECT_EQ(one.number, 7U);
  EXPECT_EQ(one.customer, std::nullopt);
  EXPECT_THAT(one.tags, IsEmpty());
  EXPECT_EQ(one.shelf, 3);
  EXPECT_EQ(one.pay, "cash");
  EXPECT_FALSE(one.gift);
}

TEST(arguments, of_a_list_take_one_word_each_time) {
  shop one;
  EXPECT_EQ(one.given({"find", "--tag", "a", "--tag", "b", "tea"}).ran, "find");
  EXPECT_THAT(one.tags, ElementsAre("a", "b"));
  EXPECT_EQ(one.what, "tea");
}

TEST(arguments, of_a_list_of_so_many_are_all_there_or_refused) {
  shop one;
  EXPECT_EQ(one.given({"sell", "tea", "--sizes", "2", "3"}).ran, "sell");
  EXPECT_THAT(one.sizes, ElementsAre("2", "3"));
  refuses({"sell", "tea", "--sizes", "2"}, "--sizes: At least 2 required but received 1");
}

TEST(arguments, beyond_a_range_are_refused_and_its_ends_are_not) {
  for (const auto* number : {"1", "100"}) {
    shop one;
    EXPECT_EQ(one.given({"sell", "tea", "--number", number}).ran, "sell");
    EXPECT_EQ(std::to_string(one.number), number);
  }
  refuses({"sell", "tea", "-n", "0"}, "--number: 0 is no whole number from 1 to 100");
  refuses({"sell", "tea", "-n", "101"}, "--number: 101 is no whole number from 1 to 100");
  refuses({"sell", "tea", "-n", "-1"}, "--number: -1 is no whole number from 1 to 100");
}

TEST(arguments, that_are_no_number_or_do_not_fit_are_refused) {
  for (const std::string text : {"x", "65536", "-1", "1x", "1.5", "0x10", "+1", " 1"})
    refuses({"sell", "tea", "--shelf", text.c_str()},
            "--shelf: " + text + " is no whole number from 0 to 65535");
  for (const std::string text : {"-1", "18446744073709551616"})
    refuses({"sell", "tea", "--price", text.c_str()},
            "--price: " + text + " is no whole number from 0 to 18446744073709551615");
}

TEST(arguments, that_are_numbers_are_decimal) {
  shop one;
  EXPECT_EQ(one.given({"sell", "tea", "--price", "18446744073709551615", "--shelf", "010"}).ran,
            "sell");
  EXPECT_EQ(one.price, UINT64_MAX);
  EXPECT_EQ(one.shelf, 10U);
}

TEST(arguments, other_than_the_choices_are_refused) {
  refuses({"sell", "tea", "--pay", "shells"}, "--pay: it is cash or card, not shells");
}

TEST(arguments, that_are_required_missing_unknown_or_repeated_are_told) {
  refuses({"sell"}, "WHAT is required");
  refuses({"sell", "tea", "--to"}, "--to: 1 required NAME missing");
  refuses({"sell", "tea", "--colour", "red"},
          "The following arguments were not expected: red --colour");
  refuses({"sell", "tea", "--to", "ann", "--to", "bob"}, "--to: At Most 1 required but received 2");
}

TEST(verbs, are_needed_and_one_is_enough) {
  refuses({}, "A subcommand is required");
  refuses({"buy"}, "A subcommand is required");
  refuses({"open", "open"}, "The following argument was not expected: open");
  EXPECT_EQ(shop().given({"open"}).ran, "open");
}

TEST(verbs, have_verbs_below_them) {
  EXPECT_EQ(shop().given({"show", "day"}).ran, "show day");
  refuses({"show"}, "A subcommand is required");
}

TEST(help, names_the_verbs) {
  const auto seen = shop().given({"--help"});
  EXPECT_EQ(seen.exit_code, 0);
  EXPECT_EQ(seen.ran, "");
  EXPECT_EQ(seen.err, "");
  EXPECT_EQ(seen.out,
            "Keeps a shop.\n"
            "Usage: shop [OPTIONS] SUBCOMMAND\n\n"
            "Options:\n"
            "  -h,--help                   Print this help message and exit\n\n"
            "Subcommands:\n"
            "  open                        Opens it\n"
            "  find                        Finds something\n"
            "  sell                        Sells something\n"
            "  show                        Shows something\n\n");
}

TEST(help, names_options_their_kinds_ranges_and_the_defaults_that_are_to_be_shown) {
  const auto seen = shop().given({"sell", "--help"});
  EXPECT_EQ(seen.exit_code, 0);
  EXPECT_EQ(seen.out,
            "Sells something\n"
            "Usage: shop sell [OPTIONS] WHAT\n\n"
            "Positionals:\n"
            "  WHAT TEXT REQUIRED          An article\n\n"
            "Options:\n"
            "  -h,--help                   Print this help message and exit\n"
            "  -n,--number UINT:UINT in [1 - 100]=7\n"
            "                              How many\n"
            "  --to NAME                   Who buys\n"
            "  --tag TEXT ...              May be repeated\n"
            "  --sizes TEXT x 2            Width and height\n"
            "  --shelf UINT                Where it was\n"
            "  --price UINT                In pence\n"
            "  --pay cash|card             How\n"
            "  --gift                      Wrapped\n\n"
            "Example: shop sell tea\n");
}

TEST(version, is_printed_and_nothing_is_done) {
  shop one;
  one.top.add_version("shop 1.2");
  const auto seen = one.given({"--version", "open"});
  EXPECT_EQ(seen.exit_code, 0);
  EXPECT_EQ(seen.ran, "");
  EXPECT_EQ(seen.out, "shop 1.2\n");
}

TEST(description, has_what_the_help_has) {
  const auto all = shop().top.describe();
  EXPECT_EQ(all.name, "shop");
  EXPECT_EQ(all.help, "Keeps a shop.");
  ASSERT_EQ(all.options.size(), 1U);
  EXPECT_THAT(all.options[0].names, ElementsAre("-h", "--help"));
  ASSERT_EQ(all.verbs.size(), 4U);
  const auto& sell = all.verbs[2];
  EXPECT_EQ(sell.name, "sell");
  ASSERT_EQ(sell.positionals.size(), 1U);
  EXPECT_THAT(sell.positionals[0].names, ElementsAre("WHAT"));
  ASSERT_EQ(sell.options.size(), 9U);
  const auto& number = sell.options[1];
  EXPECT_THAT(number.names, ElementsAre("-n", "--number"));
  EXPECT_EQ(number.help, "How many");
  EXPECT_TRUE(number.takes_value);
  EXPECT_EQ(sell.options[2].kind, "NAME");
  EXPECT_FALSE(sell.options[8].takes_value);
  ASSERT_EQ(all.verbs[3].verbs.size(), 1U);
  EXPECT_EQ(all.verbs[3].verbs[0].name, "day");
}

TEST(names, that_are_there_already_or_malformed_are_thrown) {
  shop one;
  EXPECT_THROW(one.top.add_verb("sell", "Again"), std::runtime_error);
  auto close = one.top.add_verb("close", "Closes it");
  close.add_flag("--now", one.gift, "At once");
  EXPECT_THROW(close.add_option("--now", one.what, "Again"), std::runtime_error);
  EXPECT_THROW(close.add_option("--no thing", one.what, "A space"), std::runtime_error);
}

TEST(programs, without_a_verb_run_by_themselves) {
  program one("once", "Does one thing.");
  bool ran = false;
  one.runs([&]() -> result<void> {
    ran = true;
    return {};
  });
  const char* words[] = {"once"};
  const auto work = one.parse(1, words);
  ASSERT_TRUE(work);
  EXPECT_TRUE((*work)());
  EXPECT_TRUE(ran);
}

TEST(programsDeathTest, say_what_each_verb_runs) {
  program one("once", "Does nothing.");
  one.add_verb("idle", "Nothing");
  const char* words[] = {"once", "idle"};
  EXPECT_DEATH(static_cast<void>(one.parse(2, words)), "says what it runs");
}

}  // namespace
}  // namespace annals
