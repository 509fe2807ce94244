#include "posix_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "bus_errors.h"

namespace annals {
inline namespace v1 {
namespace {

// What O_DIRECT wants of offsets, lengths and addresses on every device with 4 KiB physical blocks.
constexpr std::size_t direct_alignment = 4096;  // bytes

class posix_mapping final : public mapping {
 public:
  posix_mapping(std::string path, void* memory, std::size_t length)
      : path_(std::move(path)), memory_(memory), length_(length) {
    watched_.emplace(memory, length);
  }
  posix_mapping(const posix_mapping&) = delete;
  posix_mapping& operator=(const posix_mapping&) = delete;
  ~posix_mapping() override {
    watched_.reset();  // before another mapping can have the addresses
    ::munmap(memory_, length_);
  }

  std::span<const std::byte> bytes() const noexcept override {
    return {static_cast<const std::byte*>(memory_), length_};
  }

  // Populating reports what would be a signal on the first look (Linux 5.14; before, nothing does).
  result<void> fetch(std::uint64_t offset, std::size_t length) override {
    const auto [begin, size] = pages(offset, length);
    if (::madvise(begin, size, MADV_POPULATE_READ) == 0 || errno == EINVAL) return {};
    return std::unexpected(
        system_error("reading", path_ + " at offset " + std::to_string(offset), EIO));
  }

  void expect(std::uint64_t offset, std::size_t length) noexcept override {
    const auto [begin, size] = pages(offset, length);
    ::madvise(begin, size, MADV_WILLNEED);
  }

  result<void> check() const override {
    const auto lost = watched_->lost();
    if (lost == bus_errors::watched::not_lost) return {};
    return fail(errc::database_error,
                "reading " + path_ + " at offset " + std::to_string(lost) +
                    ": what was read before cannot be read again, or the file was cut off under "
                    "its reader; open the store again when the file is whole");
  }

 private:
  static constexpr std::size_t page_bytes = 4096;

  std::pair<void*, std::size_t> pages(std::uint64_t offset, std::size_t length) const noexcept {
    const auto begin = offset / page_bytes * page_bytes;
    const auto end = std::min<std::uint64_t>(offset + length, length_);
    return {static_cast<std::byte*>(memory_) + begin,
            static_cast<std::size_t>(end > begin ? end - begin : 0)};
  }

  std::string path_;
  void* memory_;
  std::size_t length_;
  std::optional<bus_errors::watched> watched_{};
};

class posix_file final : public file {
 public:
  posix_file(std::string path, descriptor opened, std::size_t alignment)
      : path_(std::move(path)), opened_(std::move(opened)), alignment_(alignment) {}

  result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) override {
    std::size_t done = 0;
    while (done < out.size()) {
      const auto got = ::pread(opened_.number(), out.data() + done, out.size() - done,
                               static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return std::unexpected(at("reading", offset + done));
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const auto put = ::pwrite(opened_.number(), bytes.data() + done, bytes.size() - done,
                                static_cast<off_t>(offset + done));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return std::unexpected(at("writing", offset + done));
      done += static_cast<std::size_t>(put);
    }
    return {};
  }

  result<void> sync() override {
    if (::fsync(opened_.number()) == 0) return {};
    return std::unexpected(system_error("syncing", path_, errno));
  }

  result<std::uint64_t> size() override {
    struct stat facts{};
    if (::fstat(opened_.number(), &facts) == 0) return static_cast<std::uint64_t>(facts.st_size);
    return std::unexpected(system_error("asking the size of", path_, errno));
  }

  result<void> truncate(std::uint64_t size) override {
    if (::ftruncate(opened_.number(), static_cast<off_t>(size)) == 0) return {};
    return std::unexpected(system_error("truncating", path_, errno));
  }

  result<bool> try_lock(lock_kind kind) override {
    const auto locked = lock_descriptor(opened_.number(), kind);
    if (!locked) return std::unexpected(system_error("locking", path_, locked.error()));
    return *locked;
  }

  void expect(std::uint64_t offset, std::size_t length) noexcept override {
    ::posix_fadvise(opened_.number(), static_cast<off_t>(offset), static_cast<off_t>(length),
                    POSIX_FADV_WILLNEED);
  }

  void drop_cache() noexcept override {
    ::posix_fadvise(opened_.number(), 0, 0, POSIX_FADV_DONTNEED);
  }

  result<std::unique_ptr<mapping>> map(std::uint64_t length) override {
    const auto there = size();
    if (!there) return std::unexpected(there.error());
    if (length == 0 || *there < length)
      return fail(errc::store_corrupt, path_ + " is cut off: it has " + std::to_string(*there) +
                                           " bytes, not " + std::to_string(length));
    void* const memory = ::mmap(nullptr, length, PROT_READ, MAP_SHARED, opened_.number(), 0);
    if (memory == MAP_FAILED) return std::unexpected(system_error("mapping", path_, errno));
    return std::make_unique<posix_mapping>(path_, memory, length);
  }

  std::size_t alignment() const noexcept override { return alignment_; }

 private:
  error at(std::string_view call, std::uint64_t offset) const {
    return system_error(call, path_ + " at offset " + std::to_string(offset), errno);
  }

  std::string path_;
  descriptor opened_;
  std::size_t alignment_;
};

int flags_of(file_mode mode) noexcept {
  switch (mode) {
    case file_mode::read: return O_RDONLY;
    case file_mode::write: return O_RDWR;
    case file_mode::create: return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

}  // namespace

// Of the open file, not of the process: forks and other files of this process count as others.
std::expected<bool, int> lock_descriptor(int number, lock_kind kind) {
  struct flock wanted{};
  wanted.l_type = kind == lock_kind::shared ? F_RDLCK : F_WRLCK;
  wanted.l_whence = SEEK_SET;
  if (::fcntl(number, F_OFD_SETLK, &wanted) == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  return std::unexpected(errno);
}

descriptor::~descriptor() {
  if (valid()) ::close(number_);
}

error system_error(std::string_view call, const std::string& path, int number, errc otherwise) {
  const bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
  std::string message = std::string(call) + ' ' + path + ": " + std::strerror(number);
  if (full) message += "; make room and try again";
  return {full ? errc::disk_full : otherwise, std::move(message)};
}

result<std::unique_ptr<file>> open_posix_file(const std::string& path, file_mode mode,
                                              write_through through) {
  constexpr mode_t permissions = 0640;
  const int flags = flags_of(mode) | O_CLOEXEC;
  if (through == write_through::none) {
    descriptor opened(::open(path.c_str(), flags, permissions));
    if (!opened.valid()) return std::unexpected(system_error("opening", path, errno));
    return std::make_unique<posix_file>(path, std::move(opened), 1);
  }
  const int synced = through == write_through::durable ? O_DSYNC : 0;
  descriptor direct(::open(path.c_str(), flags | synced | O_DIRECT, permissions));
  if (direct.valid())
    return std::make_unique<posix_file>(path, std::move(direct), direct_alignment);
  if (errno != EINVAL) return std::unexpected(system_error("opening", path, errno));
  // A file system without O_DIRECT. Linux may have created the file before it refused the flag.
  const int again = mode == file_mode::create ? (O_RDWR | O_CREAT | O_CLOEXEC) : flags;
  descriptor buffered(::open(path.c_str(), again | synced, permissions));
  if (!buffered.valid()) return std::unexpected(system_error("opening", path, errno));
  return std::make_unique<posix_file>(path, std::move(buffered), 1);
}

}  // namespace v1
}  // namespace annals
