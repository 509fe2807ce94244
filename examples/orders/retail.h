#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "orders/csv.h"
#include "orders/order.h"

namespace orders {

enum class invoice_kind : std::uint8_t { order, credit_note, adjustment };

/// All lines of one invoice number on one calendar date; date, customer and country are those of
/// its first line.
struct invoice {
  invoice_kind kind = invoice_kind::order;
  text number{};
  annals::time_point date{};
  std::optional<text> customer{};
  text country{};
  text first_product{};
  std::vector<item> items{};     ///< of orders: the lines with quantity and price above zero
  std::uint64_t first_line = 0;  ///< in the file, from 1
};

/// A line that is not as the format wants it.
struct bad_line {
  std::uint64_t line = 0;
  text column{};
  text reason{};
  std::string to_string(const std::string& file) const;
};

/// Reads the Online Retail format day by day: a day's invoices are complete only when the date
/// changes or the file ends.
///
/// Units:   one day in memory. Dates are taken as UTC.
class retail_reader {
 public:
  /// `skip_bad`: malformed lines are left out and told to it; without, they end the reading.
  ///
  /// Errors:  file_error; malformed_input when the header lacks a column.
  static annals::result<std::unique_ptr<retail_reader>> open(
      const std::string& path, std::function<void(const bad_line&)> skip_bad = {});

  /// The invoices of the next complete day, in the order of their first lines; empty at the end.
  ///
  /// Errors:  malformed_input with file, line, column and reason, after the last complete day;
  ///          file_error.
  annals::result<std::vector<invoice>> next_day();

  const csv_reader& file() const noexcept { return *csv_; }

 private:
  enum column : std::uint8_t { number, product, quantity, date, price, customer, country, columns };
  struct line {  // owns nothing: its texts are the record's
    std::string_view day{};
    std::string_view number{};
    invoice_kind kind{};
    annals::time_point date{};
    std::int64_t quantity = 0;
    money unit_price{};
  };

  retail_reader(std::string path, std::unique_ptr<csv_reader> csv,
                std::function<void(const bad_line&)> skip_bad)
      : path_(std::move(path)), csv_(std::move(csv)), skip_bad_(std::move(skip_bad)) {}

  annals::result<void> read_header();
  annals::result<bool> read_line();
  std::optional<bad_line> parse(line& out) const;
  void take(const line& parsed);
  std::string_view field(column c) const { return csv_->fields()[places_[c]]; }
  bad_line bad(column c, std::string reason) const;
  annals::result<bool> refuse(const bad_line& why);
  void end_day();

  std::string path_;
  std::unique_ptr<csv_reader> csv_;
  std::function<void(const bad_line&)> skip_bad_;
  std::array<std::size_t, columns> places_{};
  std::size_t width_ = 0;  // fields of the header
  text day_{};
  std::vector<invoice> invoices_{};                    // of the day
  std::unordered_map<text, std::size_t> by_number_{};  // of the day, places in invoices_
  std::vector<invoice> complete_{};                    // the day before, to be handed out
  std::optional<annals::error> ended_{};               // told after it
  bool at_end_ = false;
};

}  // namespace orders
