// Retail files: with bad lines skipped every good line is read, days never go back, and what is
// read without skipping is the beginning of it.
#include "orders/retail.h"

#include "file_in_memory.h"

using annals::errc;
using annals::fuzz::require;

namespace {

constexpr std::string_view header =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

std::vector<orders::invoice> read_all(const std::string& path, std::size_t* skipped) {
  std::function<void(const orders::bad_line&)> skip;
  if (skipped != nullptr) {
    skip = [skipped](const orders::bad_line& bad) {
      require(bad.line > 1 && !bad.reason.empty(), "a bad line says where and why");
      ++*skipped;
    };
  }
  const auto reader = orders::retail_reader::open(path, std::move(skip));
  require(reader.has_value(), "the header is known");
  std::vector<orders::invoice> all;
  annals::time_point day{annals::time_point::min()};
  for (;;) {
    const auto invoices = (*reader)->next_day();
    if (!invoices) {
      require(invoices.error().code() == errc::malformed_input, "the error is typed");
      require(skipped == nullptr, "skipping leaves no malformed line");
      return all;
    }
    if (invoices->empty()) return all;
    const auto date = std::chrono::floor<std::chrono::days>(invoices->front().date);
    require(date >= day, "days do not go back");
    day = date;
    for (const auto& one : *invoices) {
      require(std::chrono::floor<std::chrono::days>(one.date) == date, "one day at a time");
      for (const auto& item : one.items)
        require(item.quantity > 0 && item.unit_price > orders::money{}, "items are sold");
    }
    all.insert(all.end(), invoices->begin(), invoices->end());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const annals::fuzz::file_in_memory file(std::string(header) +
                                          std::string(annals::fuzz::text_of(data, size)));
  std::size_t skipped = 0;
  const auto tolerant = read_all(file.path(), &skipped);
  const auto strict = read_all(file.path(), nullptr);
  require(strict.size() <= tolerant.size(), "skipping never loses an invoice");
  require(skipped != 0 || strict.size() == tolerant.size(), "without bad lines nothing differs");
  for (std::size_t i = 0; i < strict.size(); ++i)
    require(strict[i].number == tolerant[i].number && strict[i].date == tolerant[i].date,
            "skipping reads the same before the first bad line");
  return 0;
}
