#include "segment_supply.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "annals/assert.h"
#include "annals/background.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::uint64_t zeros_per_step = 4U << 20U;  // bytes between looks at `stopping`
// Of the thread that is last in line: one who waits, waits for the step in hand.
constexpr std::uint64_t zeros_per_idle_step = 256U << 10U;

// One that was used before may be longer.
result<void> cut_off(file& to, std::uint64_t length) {
  const auto size = to.size();
  if (!size) return std::unexpected(size.error());
  return *size > length ? to.truncate(length) : result<void>{};
}

}  // namespace

void segment_supply::want(std::uint64_t capacity) {
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_ || (ready_ && ready_->capacity >= capacity) || wanted_ >= capacity) return;
    wanted_ = capacity;
    failed_.reset();
    if (!thread_) thread_ = env_.spawn("annals-zero", [this] { run(); }, thread_priority::idle);
  }
  ++changes_;
  env_.wake_all(changes_);
}

bool segment_supply::has(std::uint64_t capacity) const {
  const std::scoped_lock lock(mutex_);
  return ready_ && wanted_ == 0 && ready_->capacity >= capacity;
}

zeroed_file segment_supply::take() {
  const std::scoped_lock lock(mutex_);
  ANNALS_ASSERT(ready_ && wanted_ == 0, "take() after has()");
  auto taken = std::move(*ready_);
  ready_.reset();
  ++next_number_;  // the file keeps its name until the leader renames it
  return taken;
}

// The thread may get nothing done beside busy ones: it is asked to leave what it has, and what is
// missing is made here.
result<void> segment_supply::wait_for(std::uint64_t capacity) {
  want(capacity);
  for (;;) {
    const auto seen = changes_.load();
    std::optional<job> mine;
    {
      const std::scoped_lock lock(mutex_);
      if (failed_) return std::unexpected(*failed_);
      if (stopping_) return fail(errc::shutting_down, "the store is closing");
      if (wanted_ == 0) return {};  // made; or taken by another, then the caller asks again
      if (!busy_) mine = begin();
      leaving_ = !mine;
    }
    if (mine) {
      end(*mine,
          make(env_, mine->path, mine->capacity, through_, std::move(mine->grown), stopping_));
    } else {
      env_.park(changes_, seen);
    }
  }
}

void segment_supply::stop() {
  stopping_ = true;
  ++changes_;
  env_.wake_all(changes_);
  thread_.reset();  // joins
}

segment_supply::job segment_supply::begin() {
  busy_ = true;
  return {.path = paths_.zeroed(next_number_),
          .capacity = wanted_,
          .grown = std::exchange(ready_, std::nullopt)};
}

void segment_supply::end(const job& of, result<zeroed_file> made) {
  {
    const std::scoped_lock lock(mutex_);
    busy_ = false;
    const bool left = made && made->capacity < of.capacity;
    if (made) {
      ready_ = std::move(*made);
    } else {
      failed_ = made.error();
    }
    if (!left && (wanted_ <= of.capacity || !made)) wanted_ = 0;
    if (!left) leaving_ = false;
  }
  ++changes_;
  env_.wake_all(changes_);
}

void segment_supply::run() {
  work_until(stopping_, changes_, env_, [this]() -> std::optional<idle> {
    std::optional<job> mine;
    {
      const std::scoped_lock lock(mutex_);
      if (wanted_ != 0 && !busy_ && !leaving_) mine = begin();
    }
    if (!mine) return idle{};
    end(*mine, make(env_, mine->path, mine->capacity, through_, std::move(mine->grown), stopping_,
                    &leaving_));
    return std::nullopt;
  });
}

result<zeroed_file> segment_supply::make(env& environment, const std::string& path,
                                         std::uint64_t capacity, write_through through,
                                         std::optional<zeroed_file> grown,
                                         const std::atomic<bool>& stopping,
                                         const std::atomic<bool>* leaving) {
  zeroed_file made;
  if (grown) {
    made = std::move(*grown);
  } else {
    const auto there = environment.exists(path);
    if (!there) return std::unexpected(there.error());
    auto opened = environment.open(path, *there ? file_mode::write : file_mode::create, through);
    if (!opened) return std::unexpected(opened.error());
    made.writer = std::move(*opened);
  }
  while (made.capacity < capacity) {
    if (stopping) return fail(errc::shutting_down, "the store is closing");
    if (leaving != nullptr && *leaving) return made;
    const auto end = std::min(
        capacity, made.capacity + (leaving == nullptr ? zeros_per_step : zeros_per_idle_step));
    if (auto zeroed = write_zeros(*made.writer, made.capacity, end); !zeroed) {
      made.writer.reset();
      // Give the space back; the first error is the one worth telling.
      if (const auto removed = environment.remove(path); !removed)
        return fail(zeroed.error().code(),
                    zeroed.error().message() + " (and: " + removed.error().message() + ")");
      return std::unexpected(zeroed.error());
    }
    made.capacity = end;
  }
  if (auto cut = cut_off(*made.writer, made.capacity); !cut) return std::unexpected(cut.error());
  if (auto synced = made.writer->sync(); !synced) return std::unexpected(synced.error());
  return made;
}

result<void> make_segment(env& environment, const store_paths& paths, segment_header header) {
  const std::atomic<bool> never{false};
  const auto zeroed = paths.zeroed(header.number);
  const auto body = segment_supply::make(environment, zeroed, header.capacity,
                                         write_through::durable, std::nullopt, never);
  if (!body) return std::unexpected(body.error());
  header.made = environment.now().time_since_epoch().count();
  std::array<std::uint8_t, sizeof header.salt> salt{};
  environment.random(salt);
  std::memcpy(&header.salt, salt.data(), sizeof header.salt);
  const auto block = header_block(header);
  auto made = body->writer->write_at(0, {block.data(), block.size()});
  if (made) made = environment.rename(zeroed, paths.segment(header.number));
  if (made) made = environment.sync_directory(paths.log());
  return made;
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
