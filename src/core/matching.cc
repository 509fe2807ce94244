#include <algorithm>

#include "annals/engine.h"

namespace annals {
inline namespace v1 {
namespace {

bool holds(std::span<const std::string_view> values, std::string_view value) noexcept {
  return std::ranges::find(values, value) != values.end();
}

bool matches(const query_item& item, std::string_view type,
             std::span<const std::string_view> tags) noexcept {
  if (!item.types.empty() && !holds(item.types, type)) return false;
  return std::ranges::all_of(item.tags, [&](std::string_view tag) { return holds(tags, tag); });
}

}  // namespace

bool matches(const query& selects, std::string_view type,
             std::span<const std::string_view> tags) noexcept {
  if (selects.items.empty()) return true;
  return std::ranges::any_of(selects.items,
                             [&](const query_item& item) { return matches(item, type, tags); });
}

bool matches(const read_filter& selects, std::string_view category, std::string_view type,
             std::span<const std::string_view> tags) noexcept {
  if (!selects.categories.empty() && !holds(selects.categories, category)) return false;
  return matches(selects.matching, type, tags);
}

bool selects_all(const read_filter& filter) noexcept {
  return filter.categories.empty() && filter.matching.items.empty();
}

}  // namespace v1
}  // namespace annals
