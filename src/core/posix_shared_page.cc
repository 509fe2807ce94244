#include "posix_shared_page.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "posix_file.h"

namespace annals {
inline namespace v1 {
namespace {

long futex(const std::atomic<std::uint32_t>& word, int operation, std::uint32_t value,
           const timespec* timeout, futex_scope scope) noexcept {
  static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));
  const int flags = scope == futex_scope::process ? FUTEX_PRIVATE_FLAG : 0;
  return ::syscall(SYS_futex, &word, operation | flags, value, timeout, nullptr, 0);
}

class posix_page final : public shared_page {
 public:
  explicit posix_page(void* mapped) : mapped_(mapped) {}
  posix_page(const posix_page&) = delete;
  posix_page& operator=(const posix_page&) = delete;
  ~posix_page() override { ::munmap(mapped_, size); }

  std::byte* data() noexcept override { return static_cast<std::byte*>(mapped_); }
  void park(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
            std::optional<std::chrono::nanoseconds> timeout) override {
    futex_park(word, expected, timeout, futex_scope::shared);
  }
  void wake_all(const std::atomic<std::uint32_t>& word) override {
    futex_wake(word, INT32_MAX, futex_scope::shared);
  }

 private:
  void* mapped_;
};

}  // namespace

void futex_park(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                std::optional<std::chrono::nanoseconds> timeout, futex_scope scope) noexcept {
  timespec limit{};
  if (timeout) {
    const auto ns = std::max<std::int64_t>(timeout->count(), 0);
    limit = {.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
  }
  futex(word, FUTEX_WAIT, expected, timeout ? &limit : nullptr, scope);
}

void futex_wake(const std::atomic<std::uint32_t>& word, int most, futex_scope scope) noexcept {
  futex(word, FUTEX_WAKE, static_cast<std::uint32_t>(most), nullptr, scope);
}

result<std::unique_ptr<shared_page>> open_posix_page(const std::string& path, file_mode mode) {
  constexpr mode_t permissions = 0640;
  const int flags = mode == file_mode::read     ? O_RDONLY
                    : mode == file_mode::create ? O_RDWR | O_CREAT | O_EXCL
                                                : O_RDWR;
  const descriptor opened(::open(path.c_str(), flags | O_CLOEXEC, permissions));
  if (!opened.valid()) return std::unexpected(system_error("opening", path, errno));
  if (mode == file_mode::create) {
    // Space for it now: touching a page that the disk has no room for would be a signal.
    if (const int problem = ::posix_fallocate(opened.number(), 0, shared_page::size); problem != 0)
      return std::unexpected(system_error("making room for", path, problem));
  }
  struct stat facts{};
  if (::fstat(opened.number(), &facts) != 0)
    return std::unexpected(system_error("asking the size of", path, errno));
  if (facts.st_size < static_cast<off_t>(shared_page::size))
    return fail(errc::store_corrupt, path +
                                         " is cut off; remove it while no program has the "
                                         "store open, it is made again");
  const int access = mode == file_mode::read ? PROT_READ : PROT_READ | PROT_WRITE;
  void* mapped = ::mmap(nullptr, shared_page::size, access, MAP_SHARED, opened.number(), 0);
  if (mapped == MAP_FAILED) return std::unexpected(system_error("mapping", path, errno));
  return std::make_unique<posix_page>(mapped);
}

}  // namespace v1
}  // namespace annals
