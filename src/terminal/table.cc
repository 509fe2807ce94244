#include <algorithm>

#include "annals/assert.h"
#include "annals/terminal.h"

namespace annals {
inline namespace v1 {
namespace terminal {
namespace {

constexpr std::size_t gap = 2;  // blanks between columns

std::string pad(const std::string& text, std::size_t width, align side) {
  const std::string blanks(width - width_of(text), ' ');
  return side == align::left ? text + blanks : blanks + text;
}

/// Blanks behind the decimals, so that the points of a column stand under each other.
void align_points(std::vector<std::vector<std::string>>& rows, std::size_t column) {
  const auto decimals = [&](const std::string& cell) {
    const auto point = cell.find('.');
    return point == std::string::npos ? 0 : cell.size() - point;
  };
  std::size_t most = 0;
  for (const auto& cells : rows) most = std::max(most, decimals(cells[column]));
  for (auto& cells : rows) cells[column].append(most - decimals(cells[column]), ' ');
}

void print_line(std::string line, std::FILE* out) {
  const auto end = line.find_last_not_of(' ');
  line.erase(end == std::string::npos ? 0 : end + 1);
  line += '\n';
  std::fputs(line.c_str(), out);
}

}  // namespace

table::table(std::vector<column> columns) : columns_(std::move(columns)) {}

void table::row(std::vector<std::string> cells) {
  ANNALS_ASSERT(cells.size() == columns_.size(), "a row has a cell for each column");
  for (auto& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
}

void table::print(std::FILE* out) const {
  auto rows = rows_;
  for (std::size_t i = 0; i < columns_.size(); ++i)
    if (columns_[i].align == align::point) align_points(rows, i);
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    auto width = width_of(columns_[i].name);
    for (const auto& cells : rows) width = std::max(width, width_of(cells[i]));
    widths.push_back(width);
  }
  const auto print_cells = [&](auto&& cell_of) {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i != 0) line.append(gap, ' ');
      line += pad(cell_of(i), widths[i], columns_[i].align);
    }
    print_line(std::move(line), out);
  };
  print_cells([&](std::size_t i) { return columns_[i].name; });
  print_cells([&](std::size_t i) { return std::string(widths[i], '-'); });
  for (const auto& cells : rows) print_cells([&](std::size_t i) { return cells[i]; });
}

}  // namespace terminal
}  // namespace v1
}  // namespace annals
