#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "verbs.h"

/// What verbs share that print events: which ones, and how.
namespace annals_cli {

/// --type, --category and --tag.
struct filter_options {
  std::vector<std::string> types{};
  std::vector<std::string> categories{};
  std::vector<std::string> tags{};
};
void add_filter_options(annals::arguments::verb& verb, filter_options& options);

/// Filter options as reads want them; borrows from the options.
class event_filter {
 public:
  explicit event_filter(const filter_options& options);
  event_filter(const event_filter&) = delete;
  event_filter& operator=(const event_filter&) = delete;

  annals::read_filter filter() const;

 private:
  std::vector<std::string_view> types_;
  std::vector<std::string_view> categories_;
  std::vector<std::string_view> tags_;
  annals::query_item item_{};
};

/// Prints events, one a line: for people, or as JSON.
annals::result<void> print_batch(const annals::event_batch& batch, bool json);

}  // namespace annals_cli
