#pragma once

#include <atomic>
#include <mutex>

#include "store.h"

namespace bench::rivals {

/// A rival as it comes: every append is a transaction of its own.
class one_by_one final : public writer {
 public:
  explicit one_by_one(rival& to) : to_(to) {}

  bool append(const stream_append& one) override;
  std::size_t append_all(std::span<const stream_append> all) override;

 private:
  rival& to_;
};

/// A group commit in front of a rival: while a transaction commits, appends wait in a queue; one of
/// their callers then leads and commits all that wait in the next. No thread of its own and no
/// timer; callers sleep and are woken as those of Annals are.
class group_commit final : public writer {
 public:
  explicit group_commit(rival& to) : to_(to) {}

  bool append(const stream_append& one) override;
  /// All in one transaction, when nobody else appends: the least that a rival can be asked to do.
  std::size_t append_all(std::span<const stream_append> all) override;

 private:
  enum turn : std::uint32_t { waits, leads, done };
  struct caller {
    std::span<ticket> tickets{};
    std::atomic<std::uint32_t> turn{waits};
  };
  void run(caller& mine);
  void lead(const caller& mine);

  rival& to_;
  std::mutex mutex_{};
  std::vector<caller*> queue_{};
  bool led_ = false;
};

}  // namespace bench::rivals
