// Follows a store that others write, and are killed at, from its start; checks each event against
// what its author must have written. For each line on stdin it reads up to the end and writes
// "EVENTS DIGEST WRITER VERSION …" to stdout: how many it has seen, a digest of all of them in
// their order, and the newest version of each writer. Ends with stdin.
//
// crash_follower_program DIRECTORY
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "annals/embedded.h"
#include "crash_events.h"

namespace {

using namespace annals;

[[noreturn]] void give_up(const std::string& problem) {
  std::cerr << problem << '\n';
  std::_Exit(2);
}

class follower {
 public:
  explicit follower(const std::string& directory) {
    auto opened = open_embedded(directory, {.read_only = true});
    if (!opened) give_up(opened.error().to_string());
    store_ = std::move(*opened);
    thread_ = std::thread([this] { follow(); });
  }
  follower(const follower&) = delete;
  follower& operator=(const follower&) = delete;
  ~follower() {
    ended_ = 1;
    posix_env().wake_all(news_);
    if (!store_->close()) give_up("closing failed");
    thread_.join();
  }

  std::string report() {
    const std::scoped_lock lock(mutex_);
    read_on();
    auto text = std::to_string(events_) + ' ' + std::to_string(digest_);
    for (const auto& [writer, version] : newest_)
      text += ' ' + std::to_string(writer) + ' ' + std::to_string(version);
    return text;
  }

 private:
  void follow() {
    while (ended_ == 0) {
      checkpoint at;
      {
        const std::scoped_lock lock(mutex_);
        if (!read_on()) return;
        at = at_;
      }
      const auto seen = news_.load();
      const auto waits = store_->notify_past(at, [this](const result<checkpoint>&) {
        ++news_;
        posix_env().wake_all(news_);
      });
      posix_env().park(news_, seen, std::chrono::seconds(1));
    }
  }

  bool read_on() {
    const auto end = store_->read({.after = at_}, [&](const event_batch& batch) {
      for (const auto& event : batch.events) check(event);
      at_ = batch.scanned_to;
      return flow::more;
    });
    if (!end && end.error().code() == errc::shutting_down) return false;
    if (!end) give_up(end.error().to_string());
    at_ = end->scanned_to;
    return true;
  }

  void check(const event_view& event) {
    if (event.position().sequence != ++events_) give_up("a gap before " + std::to_string(events_));
    const auto stream = event.stream_name();
    const int writer = std::atoi(std::string(stream.substr(stream.rfind('-') + 1)).c_str());
    if (stream != crash_events::stream_of(writer)) give_up("stream " + std::string(stream));
    const auto version = ++newest_[writer];
    if (event.version().number != version) give_up("a gap in " + std::string(stream));
    if (event.text() != crash_events::payload_of(writer, version))
      give_up("another payload at " + std::to_string(events_));
    digest_ = digest_ * 1'099'511'628'211U + fingerprint_of(event.header().event_id);
  }

  std::unique_ptr<event_store> store_{};
  std::mutex mutex_{};
  checkpoint at_{};
  std::uint64_t events_ = 0;
  std::uint64_t digest_ = 0;
  std::map<int, std::uint64_t> newest_{};
  std::atomic<std::uint32_t> news_{0};
  std::atomic<int> ended_{0};
  std::thread thread_{};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 1;
  follower running(argv[1]);
  for (std::string line; std::getline(std::cin, line);) std::cout << running.report() << std::endl;
  return 0;
}
