#include "annals/stream.h"

#include <gtest/gtest.h>

#include "annals/limits.h"

namespace annals {
namespace {

const std::string id = "0197c2d0-7b1e-7a2b-8c3d-4e5f60718293";

TEST(stream_name, accepts_utf8_without_control_characters) {
  for (const auto& name :
       {std::string("order-1"), id, "order-" + id, std::string("Bestellung-ä€😀"),
        std::string(limits::stream_name_bytes, 'x'), std::string("a b")})
    EXPECT_TRUE(check_stream_name(name)) << name;
}

TEST(stream_name, refuses_what_is_empty_reserved_or_not_text) {
  using namespace std::string_literals;
  for (const auto& name : {""s, "$all"s, "a\nb"s, "a\0b"s, "a\x7f"s, "\xc2\x85"s, "\xff"s,
                           "\xc0\x80"s, "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s, "\xe2\x82"s, "\xc3"s})
    EXPECT_EQ(check_stream_name(name).error().code(), errc::invalid_argument);
}

TEST(stream_name, has_a_limit_that_the_error_names) {
  const auto checked = check_stream_name(std::string(limits::stream_name_bytes + 1, 'x'));
  EXPECT_EQ(checked.error().code(), errc::limit_exceeded);
  EXPECT_NE(checked.error().message().find("stream_name_bytes"), std::string::npos);
}

TEST(category, is_what_stands_before_the_first_hyphen) {
  EXPECT_EQ(category_of("order-1"), "order");
  EXPECT_EQ(category_of("order-eu-1"), "order");
  EXPECT_EQ(category_of("order"), "");
  EXPECT_EQ(category_of("-1"), "");
  EXPECT_EQ(category_of(id), "");
}

TEST(stream_key, is_the_uuid_of_a_bare_name_and_derived_from_every_other) {
  EXPECT_EQ(stream_key_of(id).to_string(), id);
  EXPECT_EQ(stream_key_of("order-" + id), make_uuid_v5(stream_key_namespace, "order-" + id));
  // Stored: this value must never change.
  EXPECT_EQ(stream_key_of("order-1").to_string(),
            make_uuid_v5(stream_key_namespace, "order-1").to_string());
  EXPECT_EQ(stream_key_namespace.to_string(), "8a4e0b6d-31f2-5c07-9d5e-2b90c4771ae3");
}

TEST(aggregate_id, is_the_uuid_behind_the_category_where_there_is_one) {
  EXPECT_EQ(aggregate_id_of("order-" + id).to_string(), id);
  EXPECT_EQ(aggregate_id_of("fulfilment-" + id).to_string(), id);
  EXPECT_EQ(aggregate_id_of(id).to_string(), id);
  EXPECT_EQ(aggregate_id_of("order-eu-" + id), stream_key_of("order-eu-" + id));
  EXPECT_EQ(aggregate_id_of("order-1"), stream_key_of("order-1"));
}

TEST(stream_name, of_an_aggregate_reads_back_as_its_parts) {
  const auto aggregate = uuid::parse(id).value();
  EXPECT_EQ(stream_name_of("order", aggregate), "order-" + id);
  EXPECT_EQ(stream_name_of("", aggregate), id);
  EXPECT_EQ(aggregate_id_of(stream_name_of("order", aggregate)), aggregate);
}

}  // namespace
}  // namespace annals
