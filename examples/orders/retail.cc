#include "orders/retail.h"

#include <algorithm>
#include <charconv>

#include "annals/time.h"

namespace orders {
namespace {

using annals::errc;

constexpr std::size_t day_bytes = 10;   // "2010-12-01"
constexpr std::size_t date_bytes = 19;  // "2010-12-01 08:26:00"
constexpr std::string_view whole_number = ".0";
constexpr std::array<std::string_view, 7> column_names{
    "InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"};

std::optional<invoice_kind> kind_of(std::string_view number) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!number.empty() && std::ranges::all_of(number, digit)) return invoice_kind::order;
  if (number.size() > 1 && number.front() == 'C') return invoice_kind::credit_note;
  if (number.size() > 1 && number.front() == 'A') return invoice_kind::adjustment;
  return std::nullopt;
}

std::optional<annals::time_point> parse_date(std::string_view text) {
  if (text.size() != date_bytes || text[day_bytes] != ' ') return std::nullopt;
  std::array<char, date_bytes + 1> zulu{};
  std::ranges::copy(text, zulu.begin());
  zulu.back() = 'Z';
  const auto parsed = annals::parse_rfc3339({zulu.data(), zulu.size()});
  return parsed ? std::optional(*parsed) : std::nullopt;
}

std::string quoted(std::string_view text) {
  return "'" + std::string(text.substr(0, 64)) + "'";
}

}  // namespace

std::string bad_line::to_string(const std::string& file) const {
  return file + ", line " + std::to_string(line) + ", column " + column + ": " + reason;
}

annals::result<std::unique_ptr<retail_reader>> retail_reader::open(
    const std::string& path, std::function<void(const bad_line&)> skip_bad) {
  auto csv = csv_reader::open(path);
  if (!csv) return std::unexpected(csv.error());
  std::unique_ptr<retail_reader> made(
      new retail_reader(path, std::move(*csv), std::move(skip_bad)));
  if (auto read = made->read_header(); !read) return std::unexpected(read.error());
  return made;
}

annals::result<void> retail_reader::read_header() {
  const auto more = csv_->next();
  if (!more) return std::unexpected(more.error());
  const auto header = *more ? csv_->fields() : std::span<const std::string_view>{};
  for (std::size_t c = 0; c < columns; ++c) {
    const auto found = std::ranges::find(header, column_names[c]);
    if (found == header.end())
      return annals::fail(
          errc::malformed_input,
          bad_line{1, text(column_names[c]), "the header lacks this column"}.to_string(path_));
    places_[c] = static_cast<std::size_t>(found - header.begin());
  }
  width_ = header.size();
  return {};
}

annals::result<std::vector<invoice>> retail_reader::next_day() {
  complete_.clear();
  while (complete_.empty() && !at_end_) {
    const auto more = read_line();
    at_end_ = !more || !*more;
    if (!more) {
      ended_ = more.error();
    } else if (!*more) {
      end_day();
    }
  }
  if (complete_.empty() && ended_) return std::unexpected(*ended_);
  return std::move(complete_);
}

annals::result<bool> retail_reader::read_line() {
  const auto more = csv_->next();
  if (!more && more.error().code() != errc::malformed_input)
    return annals::fail(more.error().code(), path_ + ": " + more.error().message());
  if (!more)
    return refuse({csv_->line(), std::to_string(csv_->problem_column()), more.error().message()});
  if (!*more) return false;
  line parsed;
  const auto wrong = parse(parsed);
  if (wrong) {
    // The date of the line that ends the reading shows whether the day before is complete.
    if (!skip_bad_ && parsed.day > day_) end_day();
    return refuse(*wrong);
  }
  if (parsed.day != day_) {
    end_day();
    day_ = parsed.day;
  }
  take(parsed);
  return true;
}

annals::result<bool> retail_reader::refuse(const bad_line& why) {
  if (skip_bad_) {
    skip_bad_(why);
    return true;
  }
  return annals::fail(errc::malformed_input, why.to_string(path_));
}

std::optional<bad_line> retail_reader::parse(line& out) const {
  if (csv_->fields().size() != width_)
    return bad_line{csv_->line(), std::to_string(std::min(csv_->fields().size(), width_) + 1),
                    "expected " + std::to_string(width_) + " fields, found " +
                        std::to_string(csv_->fields().size())};
  const auto when = parse_date(field(date));
  if (!when) return bad(date, "expected YYYY-MM-DD HH:MM:SS, found " + quoted(field(date)));
  out.date = *when;
  out.day = field(date).substr(0, day_bytes);
  if (out.day < day_) return bad(date, std::string(out.day) + " is before the line above, " + day_);
  const auto kind = kind_of(field(number));
  if (!kind) return bad(number, "expected digits, C… or A…, found " + quoted(field(number)));
  out.kind = *kind;
  out.number = field(number);
  const auto count = field(quantity);
  const auto [end, problem] =
      std::from_chars(count.data(), count.data() + count.size(), out.quantity);
  if (count.empty() || problem != std::errc{} || end != count.data() + count.size())
    return bad(quantity, "expected an integer of 64 bits, found " + quoted(count));
  const auto unit_price = money::parse(field(price));
  if (!unit_price) return bad(price, unit_price.error().message());
  out.unit_price = *unit_price;
  return std::nullopt;
}

bad_line retail_reader::bad(column c, std::string reason) const {
  return {csv_->line(), text(column_names[c]), std::move(reason)};
}

void retail_reader::end_day() {
  complete_ = std::move(invoices_);
  invoices_.clear();
  by_number_.clear();
}

void retail_reader::take(const line& parsed) {
  const auto [place, first] = by_number_.try_emplace(text(parsed.number), invoices_.size());
  if (first) {
    auto buyer = field(customer);
    if (buyer.ends_with(whole_number)) buyer.remove_suffix(whole_number.size());
    invoices_.push_back({.kind = parsed.kind,
                         .number = text(parsed.number),
                         .date = parsed.date,
                         .customer = buyer.empty() ? std::nullopt : std::optional(text(buyer)),
                         .country = text(field(country)),
                         .first_product = text(field(product)),
                         .first_line = csv_->line()});
  }
  if (parsed.kind == invoice_kind::order && parsed.quantity > 0 && parsed.unit_price > money{})
    invoices_[place->second].items.push_back(
        {text(field(product)), parsed.quantity, parsed.unit_price});
}

}  // namespace orders
