#pragma once

#include "simulated_machine.h"

namespace annals {
inline namespace v1 {
namespace testing {

/// A file that a simulated process has open.
class simulation::open_file final : public file {
 public:
  open_file(std::shared_ptr<machine> on, process& opener, std::string path,
            std::shared_ptr<simulated_disk::content> content, write_through through);
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;
  ~open_file() override;

  result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) override;
  result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override;
  result<void> sync() override;
  result<std::uint64_t> size() override;
  result<void> truncate(std::uint64_t size) override;
  result<bool> try_lock(lock_kind kind) override;
  void drop_cache() noexcept override;
  std::size_t alignment() const noexcept override;

 private:
  bool is_durable() const noexcept { return through_ == write_through::durable; }
  error broken(std::string_view doing) const;
  result<void> sync_what_was_written();
  result<void> make_durable();

  std::shared_ptr<machine> machine_;
  process& opener_;
  std::string path_;
  std::shared_ptr<simulated_disk::content> content_;
  write_through through_;
  std::uint64_t boot_;
  bool holds_shared_ = false;
  bool holds_exclusive_ = false;
};

}  // namespace testing
}  // namespace v1
}  // namespace annals
