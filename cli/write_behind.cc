#include "write_behind.h"

namespace annals_cli {

write_behind::write_behind(output_file& out, annals::env& environment)
    : out_(out), env_(environment), thread_(environment.spawn("writer", [this] { run(); })) {}

write_behind::~write_behind() {
  stopping_ = true;
  ++asked_;
  env_.wake_all(asked_);
}

annals::result<void> write_behind::finish() {
  const auto wanted = asked_.load();
  for (auto seen = answered_.load(); seen != wanted; seen = answered_.load())
    env_.park(answered_, seen);
  return answer_;
}

annals::result<void> write_behind::write(std::string_view bytes) {
  if (auto before = finish(); !before) return before;
  bytes_ = bytes;
  ++asked_;
  env_.wake_all(asked_);
  return {};
}

void write_behind::run() {
  for (std::uint32_t number = 1;; ++number) {
    for (auto asked = asked_.load(); asked < number; asked = asked_.load())
      env_.park(asked_, asked);
    // The destructor asks once more, for nothing.
    if (stopping_ && asked_.load() == number) return;
    answer_ = out_.write(bytes_);
    answered_ = number;
    env_.wake_all(answered_);
  }
}

}  // namespace annals_cli
