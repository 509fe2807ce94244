#pragma once

#include <string>
#include <vector>

#include "annals/requests.h"

/// Requests that own what they point to, so that a case can say them in a line.
namespace annals {
inline namespace v1 {
namespace testing {

/// An event to be written.
struct fact {
  std::string type = "noted";
  std::string payload = "{}";
  std::vector<std::string> tags{};
  uuid event_id{};
  std::optional<time_point> timestamp{};
  std::uint16_t schema = 1;
  annals::codec codec = codec::json;
  bool genesis = false;
};

/// `count` facts that are all alike.
inline std::vector<fact> facts(std::size_t count, const fact& one = {}) {
  return std::vector<fact>(count, one);
}

/// One item of a query.
struct terms {
  std::vector<std::string> types{};
  std::vector<std::string> tags{};
};

/// A query; `matching()` borrows from it.
class selecting {
 public:
  selecting(std::initializer_list<terms> items) : selecting(std::vector<terms>(items)) {}
  explicit selecting(std::vector<terms> items) : owned_(std::move(items)) {}
  static selecting everything() { return selecting(std::vector<terms>{}); }

  query matching();

 private:
  struct views {
    std::vector<std::string_view> types{};
    std::vector<std::string_view> tags{};
  };
  std::vector<terms> owned_;
  std::vector<views> views_{};
  std::vector<query_item> items_{};
};

/// An append; `request()` borrows from it.
class writing {
 public:
  writing() = default;
  writing(std::string stream, expect expected, std::vector<fact> events = {}) {
    to(std::move(stream), expected, std::move(events));
  }
  writing& to(std::string stream, expect expected, std::vector<fact> events = {});
  writing& unless(selecting matching, checkpoint after = {});
  writing& command(const uuid& id) {
    context.command_id = id;
    return *this;
  }

  append_context context{};

  append_request request();

 private:
  struct part {
    std::string stream{};
    expect expected = expect::any();
    std::vector<fact> events{};
    std::vector<std::vector<std::string_view>> tags{};
    std::vector<new_event> views{};
  };
  struct condition {
    selecting matching;
    checkpoint after{};
  };
  std::vector<part> parts_{};
  std::vector<condition> conditions_{};
  std::vector<stream_write> writes_{};
  std::vector<append_condition> unless_{};
};

/// A UUID that is the same wherever the same word is said.
uuid id_of(std::string_view word);

/// What an append of this stores, borrowed from it; `tags` holds the views in between.
new_event view_of(const fact& one, std::vector<std::string_view>& tags);

}  // namespace testing
}  // namespace v1
}  // namespace annals
