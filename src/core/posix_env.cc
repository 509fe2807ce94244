#include <fcntl.h>
#include <pthread.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <thread>

#include "annals/assert.h"
#include "annals/env.h"
#include "bus_errors.h"
#include "posix_file.h"
#include "posix_shared_page.h"
#include "timer.h"

namespace annals {
inline namespace v1 {
namespace {

namespace fs = std::filesystem;

class posix_thread final : public thread {
 public:
  explicit posix_thread(std::thread running) : running_(std::move(running)) {}
  ~posix_thread() override { join_once(); }
  void join() override { join_once(); }

 private:
  void join_once() {
    if (running_.joinable()) running_.join();
  }
  std::thread running_;
};

class posix_lock final : public file_lock {
 public:
  explicit posix_lock(descriptor held) : held_(std::move(held)) {}

 private:
  descriptor held_;  // the lock ends with it
};

/// Lets the calling thread have what others leave of processor and disk. A system that refuses
/// gives it as much as others: it is slower for those, and nothing else.
void become_idle() noexcept {
  // From linux/ioprio.h, which Debian 12 has no function for.
  constexpr int who_process = 1;
  constexpr int class_idle = 3;
  constexpr int class_shift = 13;
  ::syscall(SYS_ioprio_set, who_process, 0, class_idle << class_shift);
  const sched_param none{};
  ::pthread_setschedparam(::pthread_self(), SCHED_IDLE, &none);
}

/// Random bytes in store for one thread, so that an identifier does not cost a system call. Thrown
/// away in a forked child, which would else repeat its parent's identifiers.
struct random_pool {
  std::array<std::uint8_t, 4096> bytes{};
  std::size_t used = sizeof bytes;
  pid_t filled_by = 0;
};

void fill_from_system(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const auto got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    ANNALS_ASSERT(got > 0, "the system has no random numbers");
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

std::string pid_written_in(int number) {
  char text[24] = {};
  const auto got = ::pread(number, text, sizeof text - 1, 0);
  std::string pid(text, got > 0 ? static_cast<std::size_t>(got) : 0);
  while (!pid.empty() && pid.back() == '\n') pid.pop_back();
  return pid.empty() ? "unknown" : pid;
}

/// The name of a file system by its number in statfs(2); ext2 and ext3 have the one of ext4.
std::string file_system_name(std::uint32_t number) {
  struct known {
    std::uint32_t number;
    const char* name;
  };
  static constexpr known all[] = {
      {0xef53, "ext4"},         {0x58465342, "xfs"},  {0x9123683e, "btrfs"}, {0x2fc12fc1, "zfs"},
      {0xca451a4e, "bcachefs"}, {0xf2f52010, "f2fs"}, {0x01021994, "tmpfs"}, {0x858458f6, "ramfs"},
      {0x794c7630, "overlay"},  {0x6969, "nfs"},      {0xff534d42, "cifs"},  {0xfe534d42, "smb2"},
      {0x517b, "smb"},          {0x00c36400, "ceph"}, {0x01021997, "9p"},    {0x5346414f, "afs"},
      {0x65735546, "fuse"},
  };
  for (const auto& one : all)
    if (one.number == number) return one.name;
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "0x%x", number);
  return text.data();
}

class posix_environment final : public env {
 public:
  result<std::unique_ptr<file>> open(const std::string& path, file_mode mode,
                                     write_through through) override {
    return open_posix_file(path, mode, through);
  }

  result<void> create_directories(const std::string& path) override {
    std::error_code problem;
    fs::path made;
    for (const auto& part : fs::path(path)) {
      const fs::path parent = made;
      made /= part;
      if (!fs::create_directory(made, problem) && !problem) continue;  // it was there
      if (problem)
        return std::unexpected(system_error("creating directory", made, problem.value()));
      const auto synced = sync_directory(parent.empty() ? "." : parent.string());
      if (!synced) return synced;
    }
    return {};
  }

  result<bool> exists(const std::string& path) override {
    std::error_code problem;
    const auto status = fs::status(path, problem);
    if (status.type() == fs::file_type::not_found) return false;
    if (problem) return std::unexpected(system_error("looking at", path, problem.value()));
    return true;
  }

  result<bool> is_directory(const std::string& path) override {
    std::error_code problem;
    const auto status = fs::status(path, problem);
    if (problem && status.type() != fs::file_type::not_found)
      return std::unexpected(system_error("looking at", path, problem.value()));
    return fs::is_directory(status);
  }

  result<std::vector<std::string>> list(const std::string& path) override {
    std::error_code problem;
    std::vector<std::string> names;
    for (fs::directory_iterator entry(path, problem), end; !problem && entry != end;
         entry.increment(problem))
      names.push_back(entry->path().filename());
    if (problem) return std::unexpected(system_error("listing", path, problem.value()));
    std::ranges::sort(names);
    return names;
  }

  result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) == 0) return {};
    return std::unexpected(system_error("renaming", from, errno));
  }

  result<void> remove(const std::string& path) override {
    if (std::remove(path.c_str()) == 0) return {};  // unlink or rmdir
    return std::unexpected(system_error("removing", path, errno));
  }

  result<void> sync_directory(const std::string& path) override {
    const descriptor opened(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.valid()) return std::unexpected(system_error("opening", path, errno));
    if (::fsync(opened.number()) == 0) return {};
    return std::unexpected(system_error("syncing", path, errno));
  }

  result<std::unique_ptr<file_lock>> lock(const std::string& path) override {
    descriptor opened(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
    if (!opened.valid()) return std::unexpected(system_error("opening", path, errno));
    const auto locked = lock_descriptor(opened.number(), lock_kind::exclusive);
    if (!locked) return std::unexpected(system_error("locking", path, locked.error()));
    if (!*locked) {
      return fail(errc::store_in_use, path + " is in use by pid " +
                                          pid_written_in(opened.number()) +
                                          "; one process at a time may write");
    }
    const auto pid = std::to_string(::getpid()) + '\n';
    if (::ftruncate(opened.number(), 0) != 0 ||
        ::pwrite(opened.number(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
      return std::unexpected(system_error("writing", path, errno));
    return std::make_unique<posix_lock>(std::move(opened));
  }

  result<bool> is_locked(const std::string& path) override {
    const descriptor opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened.valid()) {
      if (errno == ENOENT) return false;
      return std::unexpected(system_error("opening", path, errno));
    }
    struct flock asked{};
    asked.l_type = F_WRLCK;
    asked.l_whence = SEEK_SET;
    if (::fcntl(opened.number(), F_OFD_GETLK, &asked) != 0)
      return std::unexpected(system_error("asking for the lock of", path, errno));
    return asked.l_type != F_UNLCK;
  }

  result<std::unique_ptr<shared_page>> share(const std::string& path, file_mode mode) override {
    return open_posix_page(path, mode);
  }

  std::uint64_t lost_pages() noexcept override { return bus_errors::lost_pages(); }

  result<volume_facts> volume(const std::string& path) override {
    struct statfs facts{};
    if (::statfs(path.c_str(), &facts) != 0)
      return std::unexpected(system_error("asking for the file system of", path, errno));
    return volume_facts{.kind = file_system_name(static_cast<std::uint32_t>(facts.f_type)),
                        .free_bytes = static_cast<std::uint64_t>(facts.f_bavail) *
                                      static_cast<std::uint64_t>(facts.f_bsize)};
  }

  uuid boot_id() override {
    const descriptor opened(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
    std::array<char, 36> text{};
    if (!opened.valid() ||
        ::pread(opened.number(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
      return {};
    return uuid::parse({text.data(), text.size()}).value_or(uuid{});
  }

  time_point now() override {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  }

  std::chrono::nanoseconds monotonic() override {
    return std::chrono::steady_clock::now().time_since_epoch();
  }

  void random(std::span<std::uint8_t> out) override {
    thread_local random_pool pool;
    if (pool.filled_by != ::getpid() || pool.used + out.size() > pool.bytes.size()) {
      if (out.size() > pool.bytes.size() / 4) return fill_from_system(out);
      fill_from_system(pool.bytes);
      pool.used = 0;
      pool.filled_by = ::getpid();
    }
    std::copy_n(pool.bytes.begin() + static_cast<std::ptrdiff_t>(pool.used), out.size(),
                out.begin());
    pool.used += out.size();
  }

  unsigned processors() noexcept override {
    cpu_set_t usable;
    CPU_ZERO(&usable);
    if (::sched_getaffinity(0, sizeof usable, &usable) == 0)
      return static_cast<unsigned>(CPU_COUNT(&usable));
    return std::max(1U, std::thread::hardware_concurrency());
  }

  std::unique_ptr<thread> spawn(std::string_view name, std::function<void()> body,
                                thread_priority priority) override {
    std::string short_name(name.substr(0, 15));  // what the kernel keeps
    return std::make_unique<posix_thread>(
        std::thread([short_name = std::move(short_name), body = std::move(body), priority] {
          ::pthread_setname_np(::pthread_self(), short_name.c_str());
          if (priority == thread_priority::idle) become_idle();
          body();
        }));
  }

  void park(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
            std::optional<std::chrono::nanoseconds> timeout) override {
    futex_park(word, expected, timeout, futex_scope::process);
  }

  void wake_one(const std::atomic<std::uint32_t>& word) override {
    futex_wake(word, 1, futex_scope::process);
  }

  void wake_all(const std::atomic<std::uint32_t>& word) override {
    futex_wake(word, INT32_MAX, futex_scope::process);
  }

  void post(std::chrono::nanoseconds delay, std::move_only_function<void()> task) override {
    timer_.post(monotonic() + delay, std::move(task));
  }

 private:
  timer timer_{*this};
};

}  // namespace

env& posix_env() {
  static posix_environment environment;
  return environment;
}

}  // namespace v1
}  // namespace annals
