#pragma once

#include "annals/env.h"

namespace annals {
inline namespace v1 {

/// A file that hands every call to the one below; derive from it and override what is to differ.
class forwarding_file : public file {
 public:
  explicit forwarding_file(std::unique_ptr<file> below) : below_(std::move(below)) {}

  result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) override {
    return below_->read_at(offset, out);
  }
  result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    return below_->write_at(offset, bytes);
  }
  result<void> sync() override { return below_->sync(); }
  result<std::uint64_t> size() override { return below_->size(); }
  result<void> truncate(std::uint64_t size) override { return below_->truncate(size); }
  result<bool> try_lock(lock_kind kind) override { return below_->try_lock(kind); }
  void expect(std::uint64_t offset, std::size_t length) noexcept override {
    below_->expect(offset, length);
  }
  void drop_cache() noexcept override { below_->drop_cache(); }
  result<std::unique_ptr<mapping>> map(std::uint64_t length) override {
    return below_->map(length);
  }
  std::size_t alignment() const noexcept override { return below_->alignment(); }

 protected:
  file& below() noexcept { return *below_; }

 private:
  std::unique_ptr<file> below_;
};

/// An env that hands every call to the one below; derive from it and override what is to differ.
class forwarding_env : public env {
 public:
  explicit forwarding_env(env& below) : below_(below) {}

  result<std::unique_ptr<file>> open(const std::string& path, file_mode mode,
                                     write_through through) override {
    return below_.open(path, mode, through);
  }
  result<void> create_directories(const std::string& path) override {
    return below_.create_directories(path);
  }
  result<bool> exists(const std::string& path) override { return below_.exists(path); }
  result<bool> is_directory(const std::string& path) override { return below_.is_directory(path); }
  result<std::vector<std::string>> list(const std::string& path) override {
    return below_.list(path);
  }
  result<void> rename(const std::string& from, const std::string& to) override {
    return below_.rename(from, to);
  }
  result<void> remove(const std::string& path) override { return below_.remove(path); }
  result<void> sync_directory(const std::string& path) override {
    return below_.sync_directory(path);
  }
  result<std::unique_ptr<file_lock>> lock(const std::string& path) override {
    return below_.lock(path);
  }
  result<bool> is_locked(const std::string& path) override { return below_.is_locked(path); }
  result<std::unique_ptr<shared_page>> share(const std::string& path, file_mode mode) override {
    return below_.share(path, mode);
  }
  std::uint64_t lost_pages() noexcept override { return below_.lost_pages(); }
  result<volume_facts> volume(const std::string& path) override { return below_.volume(path); }
  uuid boot_id() override { return below_.boot_id(); }

  time_point now() override { return below_.now(); }
  std::chrono::nanoseconds monotonic() override { return below_.monotonic(); }
  void random(std::span<std::uint8_t> out) override { below_.random(out); }

  unsigned processors() noexcept override { return below_.processors(); }
  std::unique_ptr<thread> spawn(std::string_view name, std::function<void()> body,
                                thread_priority priority) override {
    return below_.spawn(name, std::move(body), priority);
  }
  using env::spawn;
  void park(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
            std::optional<std::chrono::nanoseconds> timeout) override {
    below_.park(word, expected, timeout);
  }
  using env::park;
  void wake_one(const std::atomic<std::uint32_t>& word) override { below_.wake_one(word); }
  void wake_all(const std::atomic<std::uint32_t>& word) override { below_.wake_all(word); }
  void post(std::chrono::nanoseconds delay, std::move_only_function<void()> task) override {
    below_.post(delay, std::move(task));
  }

 protected:
  env& below() noexcept { return below_; }

 private:
  env& below_;
};

}  // namespace v1
}  // namespace annals
