#include "annals/json/writer.h"

#include "annals/assert.h"
#include "annals/json/encode.h"

namespace annals {
inline namespace v1 {
namespace json {

void writer::separate() {
  if (!first_ && !after_key_) out_ += ',';
  first_ = false;
  after_key_ = false;
}

writer& writer::begin_object() {
  separate();
  out_ += '{';
  open_.push_back('}');
  first_ = true;
  return *this;
}

writer& writer::begin_array() {
  separate();
  out_ += '[';
  open_.push_back(']');
  first_ = true;
  return *this;
}

writer& writer::end_object() {
  ANNALS_ASSERT(!open_.empty() && open_.back() == '}', "an object ends that was begun");
  open_.pop_back();
  out_ += '}';
  first_ = false;
  return *this;
}

writer& writer::end_array() {
  ANNALS_ASSERT(!open_.empty() && open_.back() == ']', "an array ends that was begun");
  open_.pop_back();
  out_ += ']';
  first_ = false;
  return *this;
}

writer& writer::key(std::string_view name) {
  ANNALS_ASSERT(!open_.empty() && open_.back() == '}' && !after_key_, "keys stand in objects");
  separate();
  append_string(out_, name);
  out_ += ':';
  after_key_ = true;
  return *this;
}

writer& writer::value(std::string_view text) {
  separate();
  append_string(out_, text);
  return *this;
}

writer& writer::value(std::uint64_t number) {
  separate();
  append_integer(out_, number);
  return *this;
}

writer& writer::value(std::int64_t number) {
  separate();
  append_integer(out_, number);
  return *this;
}

writer& writer::value(bool truth) {
  return raw(truth ? "true" : "false");
}
writer& writer::null() {
  return raw("null");
}

writer& writer::raw(std::string_view json) {
  separate();
  out_ += json;
  return *this;
}

const std::string& writer::text() const {
  ANNALS_ASSERT(open_.empty(), "all that was begun has ended");
  return out_;
}

void writer::clear() {
  out_.clear();
  open_.clear();
  first_ = true;
  after_key_ = false;
}

}  // namespace json
}  // namespace v1
}  // namespace annals
