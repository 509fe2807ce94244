#include "read_ahead.h"

#include <utility>

namespace annals_cli {

read_ahead::read_ahead(annals::json::export_reader& reader, annals::env& environment)
    : reader_(reader), env_(environment), thread_(environment.spawn("reader", [this] { run(); })) {}

read_ahead::~read_ahead() {
  stopping_ = true;
  ++asked_;
  env_.wake_all(asked_);
}

annals::result<export_batch> read_ahead::next() {
  const auto wanted = asked_.load();
  for (auto seen = answered_.load(); seen != wanted; seen = answered_.load())
    env_.park(answered_, seen);
  auto answer = std::move(answer_);
  // What was given out before this one is not used any more: its memory is free for the next.
  ++asked_;
  env_.wake_all(asked_);
  return answer;
}

void read_ahead::run() {
  for (std::uint32_t number = 1;; ++number) {
    for (auto asked = asked_.load(); asked < number; asked = asked_.load())
      env_.park(asked_, asked);
    if (stopping_) return;
    const auto read = reader_.next();
    const bool last = !read || read->empty();
    if (read)
      answer_ = export_batch{*read, reader_.bytes(), reader_.events()};
    else
      answer_ = std::unexpected(read.error());
    answered_ = number;
    env_.wake_all(answered_);
    if (last) return;
  }
}

}  // namespace annals_cli
