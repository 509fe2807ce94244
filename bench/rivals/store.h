#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "annals/event.h"

/// What Annals and its rivals have in common for the benchmark that sets them side by side.
namespace bench::rivals {

struct stream {
  std::string name{};  ///< "order-…", what Annals is given
  annals::uuid id{};   ///< the aggregate's id, by which the rivals know the stream
  std::uint64_t version = 0;
};

/// One append: events for one stream, all or nothing, durable before it is acknowledged. Borrowed.
struct stream_append {
  const stream* to = nullptr;
  std::uint64_t expected = 0;  ///< version of the stream before
  annals::uuid correlation_id{};
  annals::uuid causation_id{};
  std::span<const annals::new_event> events{};  ///< with event id and timestamp
};

/// What a reader of events has seen: enough to know that nothing is missing or altered, and little
/// enough to cost next to nothing.
///
/// With a decoder, also that every payload was decoded.
using decoder = std::uint64_t (*)(std::string_view json);
struct totals {
  std::uint64_t events = 0;
  std::uint64_t versions = 0;  ///< sum
  std::uint64_t payloads = 0;  ///< sum of the first and the last eight bytes of each
  std::uint64_t type_bytes = 0;
  std::uint64_t decoded = 0;  ///< sum of what the decoder answers
  decoder decode = nullptr;

  void add(std::uint64_t version, std::string_view type, std::span<const std::byte> payload) {
    std::uint64_t ends[2] = {};
    std::memcpy(ends, payload.data(), 8);
    std::memcpy(ends + 1, payload.data() + payload.size() - 8, 8);
    ++events;
    versions += version;
    payloads += ends[0] + ends[1];
    type_bytes += type.size();
    if (decode != nullptr)
      decoded += decode({reinterpret_cast<const char*>(payload.data()), payload.size()});
  }
  bool same_events(const totals& as) const {
    return events == as.events && versions == as.versions && payloads == as.payloads &&
           type_bytes == as.type_bytes;
  }
};

/// An event as a store gives it back, with all that it was given.
struct stored_event {
  annals::uuid event_id{};
  annals::uuid aggregate_id{};
  std::uint64_t version = 0;
  annals::time_point timestamp{};
  std::string type{};
  annals::uuid causation_id{};
  annals::uuid correlation_id{};
  annals::hlc recorded{};
  std::uint64_t position = 0;
  std::vector<std::byte> payload{};
};

/// A store of events. An error of it ends the program with a message.
class store {
 public:
  store() = default;
  store(const store&) = delete;
  store& operator=(const store&) = delete;
  virtual ~store() = default;

  /// Reads every event in the order of positions: version, type and payload of each.
  virtual totals replay(decoder with) = 0;
  /// Reads the events of a stream in the order of versions, the same of each.
  virtual totals load(const stream& one, decoder with) = 0;
  virtual std::optional<stored_event> find(const stream& one, std::uint64_t version) = 0;
  /// Ends what goes on in the background and puts the files into the form that reads best.
  virtual void settle() {}
};

/// A way to append to a store.
///
/// Threads: any number of them call append(); one at a time calls append_all().
class writer {
 public:
  writer() = default;
  writer(const writer&) = delete;
  writer& operator=(const writer&) = delete;
  virtual ~writer() = default;

  /// Appends durably; false, and nothing is stored, where the stream is not at the version
  /// expected.
  virtual bool append(const stream_append& one) = 0;
  /// Hands over appends that are independent of each other, to streams in order, and returns when
  /// the last is durable: how many were stored.
  virtual std::size_t append_all(std::span<const stream_append> all) = 0;
};

/// An append waiting for its transaction, and what became of it.
struct ticket {
  const stream_append* what = nullptr;
  bool stored = false;
};

/// A store of somebody else's, with the events in it as it would be done by hand: one record per
/// event with all fields, found by position, and a unique key (stream, version), which is what
/// refuses an append that comes too late. A version beyond the next one is not refused, which would
/// cost a look-up more.
class rival : public store {
 public:
  /// Stores tickets in one transaction that is durable on return, each all or nothing by itself.
  ///
  /// Threads: tickets one by one from any thread; several at a time from one thread.
  virtual void commit(std::span<ticket> tickets) = 0;

 protected:
  /// The reading of the clock that grows with positions, without asking the time: kind to rivals.
  annals::hlc recorded_at(std::uint64_t position) const { return started_.plus(position); }

 private:
  annals::hlc started_ = annals::hlc::at(
      std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now()));
};

std::unique_ptr<rival> open_sqlite(const std::string& directory);
std::unique_ptr<rival> open_lmdb(const std::string& directory);
std::unique_ptr<rival> open_rocksdb(const std::string& directory);

/// Annals' embedded engine, which is its own writer.
class annals_store : public store, public writer {};
std::unique_ptr<annals_store> open_annals(const std::string& directory);

/// Ends the program: says who failed, at what and why.
[[noreturn]] void fail(std::string_view who, std::string_view doing, std::string_view why);

}  // namespace bench::rivals
