#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "orders/retail.h"

namespace orders {

/// Finds the order that a credit note cancels: the newest earlier one of the same customer that no
/// note of this file has cancelled yet and that contains the product of the note's first line. A
/// function of the file alone, so that every run derives the same commands.
///
/// Units:   keeps 4 bytes per order line of customers that are known.
class credit_notes {
 public:
  /// Takes an order into account, in the order of the file. A number met again is the same order.
  void add(const invoice& order);
  /// The number of the order that this note cancels, which counts as cancelled from now on.
  std::optional<text> match(const invoice& note);

 private:
  struct candidate {
    text number{};
    std::vector<std::uint32_t> products{};  // sorted
  };

  std::unordered_map<text, std::uint32_t> products_{};
  std::unordered_map<text, std::vector<candidate>> by_customer_{};  // not cancelled, oldest first
  std::unordered_set<text> known_{};
};

}  // namespace orders
