#include "orders/retail.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "orders/credit_notes.h"

namespace orders {
namespace {

using annals::errc;

const std::string header =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

class retail : public testing::Test {
 protected:
  ~retail() override { std::filesystem::remove(path); }
  annals::result<std::unique_ptr<retail_reader>> open(const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
    return retail_reader::open(path);
  }
  std::string path = testing::TempDir() + "annals_retail_" +
                     testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(retail, hands_out_days_with_invoices_in_the_order_of_their_first_lines) {
  const auto in = open(header +
                       "1,A,x,1,2010-12-01 08:00:00,1,1.0,UK\n"
                       "2,B,x,2,2010-12-01 08:01:00,1,,UK\n"
                       "1,C,x,3,2010-12-01 08:02:00,1,9.0,FR\n"
                       "1,D,x,4,2010-12-02 08:00:00,1,1.0,UK\n")
                      .value();
  const auto first = in->next_day().value();
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0].number, "1");
  EXPECT_EQ(first[0].items, (std::vector<item>{{"A", 1, {1000}}, {"C", 3, {1000}}}));
  EXPECT_EQ(first[0].customer, "1");
  EXPECT_EQ(first[0].country, "UK");
  EXPECT_EQ(first[0].first_line, 2U);
  EXPECT_EQ(first[1].customer, std::nullopt);
  const auto second = in->next_day().value();
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].number, "1");
  EXPECT_EQ(second[0].items.size(), 1U);
  EXPECT_TRUE(in->next_day().value().empty());
  EXPECT_TRUE(in->next_day().value().empty());
}

TEST_F(retail, tells_the_kinds_of_invoices_by_their_numbers) {
  const auto in = open(header +
                       "12,A,x,1,2010-12-01 08:00:00,1,1.0,UK\n"
                       "C12,A,x,-1,2010-12-01 08:00:00,1,1.0,UK\n"
                       "A12,A,x,1,2010-12-01 08:00:00,-5,,UK\n")
                      .value();
  const auto day = in->next_day().value();
  EXPECT_EQ(day[0].kind, invoice_kind::order);
  EXPECT_EQ(day[1].kind, invoice_kind::credit_note);
  EXPECT_EQ(day[2].kind, invoice_kind::adjustment);
}

TEST_F(retail, keeps_the_error_behind_the_complete_days) {
  const auto in =
      open(header + "1,A,x,1,2010-12-01 08:00:00,1,1.0,UK\n2,A,x,y,2010-12-02 08:00:00,1,1.0,UK\n")
          .value();
  EXPECT_EQ(in->next_day().value().size(), 1U);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(in->next_day().error().code(), errc::malformed_input);
}

invoice order_of(std::string number, std::string customer, std::vector<std::string> products) {
  invoice made{.number = std::move(number), .customer = std::move(customer)};
  for (auto& product : products) made.items.push_back({std::move(product), 1, {1}});
  return made;
}
invoice note_of(std::string customer, std::string product) {
  return {.kind = invoice_kind::credit_note,
          .customer = std::move(customer),
          .first_product = std::move(product)};
}

TEST(credit_notes, match_the_newest_order_once) {
  credit_notes notes;
  notes.add(order_of("1", "ann", {"A", "B", "A"}));
  notes.add(order_of("2", "ann", {"A"}));
  notes.add(order_of("3", "bob", {"A"}));
  EXPECT_EQ(notes.match(note_of("ann", "A")), "2");
  EXPECT_EQ(notes.match(note_of("ann", "A")), "1");
  EXPECT_EQ(notes.match(note_of("ann", "A")), std::nullopt);
  EXPECT_EQ(notes.match(note_of("bob", "B")), std::nullopt);
  EXPECT_EQ(notes.match(note_of("eve", "A")), std::nullopt);
}

TEST(credit_notes, take_a_number_met_again_for_the_same_order) {
  credit_notes notes;
  notes.add(order_of("1", "ann", {"A"}));
  notes.add(order_of("1", "ann", {"A"}));
  EXPECT_EQ(notes.match(note_of("ann", "A")), "1");
  EXPECT_EQ(notes.match(note_of("ann", "A")), std::nullopt);
}

}  // namespace
}  // namespace orders
