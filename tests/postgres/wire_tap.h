#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <list>
#include <string>
#include <thread>

/// What stands between a store and the real server, and counts what the server has not answered.
namespace annals_test {

/// Finds the messages in a stream of the protocol: a type, a length that counts itself, the rest.
class messages {
 public:
  /// Of a client, the first message has no type.
  explicit messages(bool typed) : head_wanted_(typed ? 5 : 4) {}

  template <class Seen>
  void feed(const char* bytes, std::size_t size, Seen seen) {
    for (std::size_t i = 0; i < size;) {
      if (rest_ != 0) {
        const auto some = std::min(rest_, size - i);
        rest_ -= some;
        i += some;
        continue;
      }
      head_[head_size_++] = bytes[i++];
      if (head_size_ < head_wanted_) continue;
      std::uint32_t length = 0;
      std::memcpy(&length, head_.data() + (head_wanted_ - sizeof length), sizeof length);
      rest_ = ntohl(length) - sizeof length;
      seen(head_wanted_ == 5 ? head_[0] : 'Q');
      head_size_ = 0;
      head_wanted_ = 5;
    }
  }

 private:
  std::size_t head_wanted_;
  std::array<char, 5> head_{};
  std::size_t head_size_ = 0;
  std::size_t rest_ = 0;
};

class wire_tap {
 public:
  /// `server` is an address of a server behind a socket of this machine, as scripts/postgres says.
  explicit wire_tap(const std::string& server) {
    socket_.sun_family = AF_UNIX;
    const auto path = part(server, "host=") + "/.s.PGSQL." + part(server, "port=");
    path.copy(socket_.sun_path, sizeof socket_.sun_path - 1);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof here;
    listens_ = ::socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(::bind(listens_, reinterpret_cast<sockaddr*>(&here), size), 0);
    EXPECT_EQ(::listen(listens_, 16), 0);
    EXPECT_EQ(::getsockname(listens_, reinterpret_cast<sockaddr*>(&here), &size), 0);
    address_ = server.substr(0, server.find('?')) +
               "?host=127.0.0.1&port=" + std::to_string(ntohs(here.sin_port)) +
               "&sslmode=disable&gssencmode=disable";
    thread_ = std::thread([this] { run(); });
  }
  ~wire_tap() {
    stop_ = true;
    thread_.join();
    for (auto& one : pairs_) one.end();
    ::close(listens_);
  }
  wire_tap(const wire_tap&) = delete;
  wire_tap& operator=(const wire_tap&) = delete;

  const std::string& address() const noexcept { return address_; }
  /// The most that one connection has asked for and not been answered, since this was last asked.
  int most_unanswered() { return most_.exchange(0); }
  /// How often a client has asked and waited for an answer, since this was last asked.
  int round_trips() { return round_trips_.exchange(0); }
  /// True as soon as so much is unanswered; false when it is not within some seconds.
  bool is_unanswered(int wanted) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (now_ < wanted && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    return now_ >= wanted;
  }
  /// What the server says goes nowhere from now on, until cut() ends all connections.
  void swallow_answers() { swallows_ = true; }
  void cut() {
    cuts_ = true;
    while (cuts_) std::this_thread::yield();
  }
  /// From now on a connection ends, now and then, when the server has done what it was asked for,
  /// and before the client is told: after so many answers each time. 0: no more.
  void lose_answers(int after) { loses_after_ = after; }
  int lost_answers() const noexcept { return lost_; }

 private:
  struct pair {
    int client;
    int server;
    messages asked{false};
    messages answered{true};
    int unanswered = 0;

    void end() const {
      ::close(client);
      ::close(server);
    }
  };

  static std::string part(const std::string& address, const std::string& name) {
    const auto at = address.find(name);
    EXPECT_NE(at, std::string::npos) << address;
    const auto begin = at + name.size();
    return address.substr(begin, address.find('&', begin) - begin);
  }
  static bool forward(int to, const char* bytes, std::size_t size) {
    while (size > 0) {
      const auto sent = ::send(to, bytes, size, MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes += sent;
      size -= static_cast<std::size_t>(sent);
    }
    return true;
  }

  void accept_one() {
    pair made{::accept(listens_, nullptr, nullptr), ::socket(AF_UNIX, SOCK_STREAM, 0)};
    if (::connect(made.server, reinterpret_cast<sockaddr*>(&socket_), sizeof socket_) == 0)
      pairs_.push_back(made);
    else
      made.end();
  }
  bool pass_on(pair& one, bool from_client) {
    std::array<char, 65'536> bytes;
    const auto got = ::recv(from_client ? one.client : one.server, bytes.data(), bytes.size(), 0);
    if (got <= 0) return false;
    const auto size = static_cast<std::size_t>(got);
    if (from_client)
      one.asked.feed(bytes.data(), size, [&](char type) {
        if (type == 'S' || type == 'Q') ++one.unanswered;  // Sync, Query
      });
    else
      one.answered.feed(bytes.data(), size, [&](char type) {
        if (type != 'Z') return;  // ReadyForQuery
        --one.unanswered;
        ++answered_;
        ++round_trips_;
      });
    if (loses_after_ != 0 && answered_ >= loses_after_) {
      answered_ = 0;
      ++lost_;
      return false;
    }
    most_ = std::max(most_.load(), one.unanswered);
    now_ = one.unanswered;
    if (!from_client && swallows_) return true;
    return forward(from_client ? one.server : one.client, bytes.data(), size);
  }
  void cut_all() {
    for (auto& one : pairs_) one.end();
    pairs_.clear();
    swallows_ = false;
    cuts_ = false;
  }
  void run() {
    while (!stop_) {
      if (cuts_) cut_all();
      std::vector<pollfd> asked{{listens_, POLLIN, 0}};
      for (const auto& one : pairs_) {
        asked.push_back({one.client, POLLIN, 0});
        asked.push_back({one.server, POLLIN, 0});
      }
      if (::poll(asked.data(), asked.size(), 10) <= 0) continue;
      std::size_t at = 1;
      for (auto one = pairs_.begin(); one != pairs_.end(); at += 2) {
        const bool open = (asked[at].revents == 0 || pass_on(*one, true)) &&
                          (asked[at + 1].revents == 0 || pass_on(*one, false));
        if (!open) one->end();
        one = open ? std::next(one) : pairs_.erase(one);
      }
      if (asked[0].revents != 0) accept_one();
    }
  }

  sockaddr_un socket_{};
  int listens_ = -1;
  std::string address_{};
  std::list<pair> pairs_{};
  int answered_ = 0;  // since one was lost
  std::atomic<int> most_{0};
  std::atomic<int> round_trips_{0};
  std::atomic<int> now_{0};  // by the connection that was heard last
  std::atomic<int> loses_after_{0};
  std::atomic<int> lost_{0};
  std::atomic<bool> swallows_{false};
  std::atomic<bool> cuts_{false};
  std::atomic<bool> stop_{false};
  std::thread thread_{};
};

}  // namespace annals_test
