#include "shape.h"

#include "annals/time.h"
#include "annals/uuid.h"

namespace annals_cli {
namespace {

constexpr std::size_t most_shapes = 1'000;  // inside one; maps by id would have no end
constexpr std::size_t most_values = 8;      // of a text that is a choice
constexpr std::size_t longest_value = 40;   // bytes
constexpr std::uint64_t repeats = 4;        // each value of a choice comes so often on average

bool is_whole(std::string_view number) {
  return number.find_first_of(".eE") == std::string_view::npos;
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const auto& one : words) out.append(out.empty() ? "" : between).append(one);
  return out;
}

}  // namespace

bool shape::add_document(std::string_view text) {
  annals::json::problem why;
  return annals::json::read_document(
      text,
      [this](annals::json::value& root) {
        add(root, *this);
        return true;
      },
      why);
}

void shape::add(annals::json::value& from, shape& root) {
  ++seen_;
  const auto start = from.excerpt();
  std::string text;
  bool truth = false;
  if (start.starts_with('{')) {
    ++objects_;
    from.for_each_member([&](std::string_view name, annals::json::value& member) {
      return add_member(name, member, root);
    });
  } else if (start.starts_with('[')) {
    ++arrays_;
    if (!element_) element_ = std::make_unique<shape>();
    from.for_each_element([&](annals::json::value& one) {
      element_->add(one, root);
      return true;
    });
  } else if (start.starts_with('"')) {
    if (from.get_string(text)) add_text(text);
  } else if (start.starts_with('t') || start.starts_with('f')) {
    truths_ += from.get_bool(truth) ? 1 : 0;
  } else if (start.starts_with('n')) {
    nulls_ += from.is_null() ? 1 : 0;
  } else {
    const auto number = from.number_text();
    ++(is_whole(number) ? integers_ : decimals_);
  }
}

bool shape::add_member(std::string_view name, annals::json::value& from, shape& root) {
  auto known = members_.find(name);
  if (known == members_.end()) {
    if (root.inside_ == most_shapes) {
      root.cut_ = true;
      return true;
    }
    ++root.inside_;
    known = members_.emplace(name, std::make_unique<shape>()).first;
    order_.emplace_back(name);
  }
  known->second->add(from, root);
  return true;
}

void shape::add_text(const std::string& text) {
  ++texts_;
  if (annals::is_canonical_uuid(text)) ++ids_;
  if (text.size() >= 20 && annals::parse_rfc3339(text)) ++times_;
  if (many_values_) return;
  values_.insert(text);
  many_values_ = values_.size() > most_values || text.size() > longest_value;
  if (many_values_) values_.clear();
}

std::string_view shape::format() const {
  if (texts_ != 0 && ids_ == texts_) return "uuid";
  if (texts_ != 0 && times_ == texts_) return "date-time";
  return "";
}

bool shape::is_choice() const {
  return texts_ != 0 && !many_values_ && format().empty() && texts_ >= values_.size() * repeats &&
         texts_ + nulls_ == seen_;
}

std::vector<std::string> shape::kinds() const {
  std::vector<std::string> kinds;
  if (objects_ != 0) kinds.emplace_back("object");
  if (arrays_ != 0) kinds.emplace_back("array");
  if (texts_ != 0) kinds.emplace_back("string");
  if (decimals_ != 0) kinds.emplace_back("number");
  if (integers_ != 0 && decimals_ == 0) kinds.emplace_back("integer");
  if (truths_ != 0) kinds.emplace_back("boolean");
  if (nulls_ != 0) kinds.emplace_back("null");
  return kinds;
}

void shape::write(annals::json::writer& out) const {
  out.begin_object();
  const auto all = kinds();
  if (all.size() == 1) out.member("type", all.front());
  if (all.size() > 1) {
    out.key("type").begin_array();
    for (const auto& kind : all) out.value(kind);
    out.end_array();
  }
  if (!format().empty()) out.member("format", format());
  if (is_choice()) {
    out.key("enum").begin_array();
    for (const auto& value : values_) out.value(value);
    if (nulls_ != 0) out.null();
    out.end_array();
  }
  if (objects_ != 0) {
    out.key("properties").begin_object();
    for (const auto& name : order_) {
      out.key(name);
      members_.at(name)->write(out);
    }
    out.end_object().key("required").begin_array();
    for (const auto& name : order_)
      if (members_.at(name)->seen_ == objects_) out.value(name);
    out.end_array();
  }
  if (element_ && element_->seen_ != 0) {
    out.key("items");
    element_->write(out);
  }
  out.end_object();
}

void shape::collect(const std::string& path, std::uint64_t of, std::vector<field>& out) const {
  auto words = joined(kinds(), ", ");
  if (!format().empty()) words += " (" + std::string(format()) + ")";
  if (is_choice()) words += " (" + joined({values_.begin(), values_.end()}, ", ") + ")";
  out.push_back({path, words, seen_, of});
  for (const auto& name : order_)
    members_.at(name)->collect(path.empty() ? name : std::string(path).append(".").append(name),
                               objects_, out);
  if (element_ && element_->seen_ != 0) element_->collect(path + "[]", element_->seen_, out);
}

std::vector<shape::field> shape::fields() const {
  std::vector<field> all;
  collect("", seen_, all);
  return all;
}

}  // namespace annals_cli
