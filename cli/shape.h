#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "annals/json/generic.h"
#include "annals/json/writer.h"

namespace annals_cli {

/// What JSON values that stood in one place have in common. Values are added; it only grows.
class shape {
 public:
  /// Adds a payload. False when it is no JSON.
  bool add_document(std::string_view text);

  /// As JSON Schema says it: type, format, enum, properties, required, items.
  void write(annals::json::writer& out) const;

  /// One line of a table: where, what, and how often it is there.
  struct field {
    std::string path{};
    std::string kinds{};
    std::uint64_t present = 0;
    std::uint64_t of = 0;  ///< times it could have been there
  };
  /// Everything inside, depth first.
  std::vector<field> fields() const;
  /// True when there were more different members than are kept.
  bool is_cut() const noexcept { return cut_; }

 private:
  void add(annals::json::value& from, shape& root);
  void add_text(const std::string& text);
  bool add_member(std::string_view name, annals::json::value& from, shape& root);
  std::vector<std::string> kinds() const;
  std::string_view format() const;
  bool is_choice() const;
  void collect(const std::string& path, std::uint64_t of, std::vector<field>& out) const;

  std::uint64_t seen_ = 0;
  std::uint64_t nulls_ = 0;
  std::uint64_t truths_ = 0;
  std::uint64_t integers_ = 0;
  std::uint64_t decimals_ = 0;
  std::uint64_t texts_ = 0;
  std::uint64_t ids_ = 0;    // texts that are UUIDs
  std::uint64_t times_ = 0;  // texts that are RFC 3339
  std::uint64_t objects_ = 0;
  std::uint64_t arrays_ = 0;
  std::set<std::string> values_{};  // of texts, while there are few
  bool many_values_ = false;
  std::map<std::string, std::unique_ptr<shape>, std::less<>> members_{};
  std::vector<std::string> order_{};  // of the members, as they came
  std::unique_ptr<shape> element_{};
  std::size_t inside_ = 0;  // shapes below the root; counted there
  bool cut_ = false;
};

}  // namespace annals_cli
