#include "orders/credit_notes.h"

#include <algorithm>
#include <ranges>

namespace orders {

void credit_notes::add(const invoice& order) {
  if (!order.customer || order.items.empty() || !known_.insert(order.number).second) return;
  candidate made{.number = order.number};
  for (const auto& i : order.items) {
    const auto next = static_cast<std::uint32_t>(products_.size());
    made.products.push_back(products_.try_emplace(i.product, next).first->second);
  }
  std::ranges::sort(made.products);
  const auto repeated = std::ranges::unique(made.products);
  made.products.erase(repeated.begin(), repeated.end());
  made.products.shrink_to_fit();
  by_customer_[*order.customer].push_back(std::move(made));
}

std::optional<text> credit_notes::match(const invoice& note) {
  if (!note.customer) return std::nullopt;
  const auto candidates = by_customer_.find(*note.customer);
  const auto product = products_.find(note.first_product);
  if (candidates == by_customer_.end() || product == products_.end()) return std::nullopt;
  auto& orders = candidates->second;
  const auto found = std::ranges::find_if(orders.rbegin(), orders.rend(), [&](const candidate& c) {
    return std::ranges::binary_search(c.products, product->second);
  });
  if (found == orders.rend()) return std::nullopt;
  auto number = std::move(found->number);
  orders.erase(std::prev(found.base()));
  return number;
}

}  // namespace orders
