#include "files.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "annals/uuid.h"
#include "interrupts.h"

namespace annals_cli {
namespace {

constexpr std::size_t written_at_once = 1U << 20U;  // bytes
constexpr std::align_val_t page{4096};

std::unexpected<annals::error> failed(std::string_view doing, const std::string& name, int why) {
  return annals::fail(
      why == ENOSPC || why == EDQUOT ? annals::errc::disk_full : annals::errc::file_error,
      std::string(doing) + ' ' + name + " failed: " + std::strerror(why));
}

/// The files of the env answer as the storage of a store does; this one is the user's.
annals::result<void> as_users_file(annals::result<void> answer) {
  if (answer || answer.error().code() != annals::errc::database_error) return answer;
  return annals::fail(annals::errc::file_error, answer.error().message());
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

annals::result<input_file> input_file::open(const std::string& name) {
  input_file in;
  in.name_ = name == "-" ? "standard input" : name;
  in.file_.reset(name == "-" ? stdin : std::fopen(name.c_str(), "rb"));
  if (!in.file_) return failed("opening", name, errno);
  struct stat facts{};
  if (::fstat(::fileno(in.file_.get()), &facts) != 0) return failed("opening", in.name_, errno);
  if (S_ISDIR(facts.st_mode)) return failed("reading", in.name_, EISDIR);
  if (S_ISREG(facts.st_mode)) in.size_ = static_cast<std::uint64_t>(facts.st_size);
  return in;
}

// Waits in short turns: a signal may come to another thread, or just before the wait.
annals::result<std::size_t> input_file::read(std::span<char> out, const std::atomic<bool>& enough) {
  constexpr int turn = 50;  // ms
  const int descriptor = ::fileno(file_.get());
  for (;;) {
    if (is_interrupted() || enough)
      return annals::fail(annals::errc::shutting_down, "stopped while reading " + name_);
    pollfd wanted{.fd = descriptor, .events = POLLIN, .revents = 0};
    if (::poll(&wanted, 1, turn) == 0) continue;
    const auto got = ::read(descriptor, out.data(), out.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return failed("reading", name_, errno);
  }
}

annals::result<output_file> output_file::create(const std::string& name) {
  output_file out;
  out.name_ = name;
  if (name == "-") {
    out.name_ = "standard output";
    out.stream_ = stdout;
    return out;
  }
  struct stat facts{};
  if (::stat(name.c_str(), &facts) == 0 && !S_ISREG(facts.st_mode)) {
    out.stream_ = std::fopen(name.c_str(), "wb");
    if (out.stream_ == nullptr) return failed("opening", name, errno);
    return out;
  }
  auto& env = annals::posix_env();
  std::array<std::uint8_t, 16> random{};
  env.random(random);
  out.temporary_ = name + '.' + annals::make_uuid_v4(random).to_string().substr(0, 8) + ".tmp";
  auto made =
      env.open(out.temporary_, annals::file_mode::create, annals::write_through::unbuffered);
  if (!made) {
    out.temporary_.clear();
    return std::unexpected(as_users_file(std::unexpected(made.error())).error());
  }
  out.file_ = std::move(*made);
  out.buffer_.reset(static_cast<std::byte*>(::operator new(written_at_once, page)));
  return out;
}

void output_file::free_memory::operator()(std::byte* memory) const noexcept {
  ::operator delete(memory, page);
}

output_file::output_file(output_file&& other) noexcept
    : name_(std::move(other.name_)),
      temporary_(std::exchange(other.temporary_, {})),
      file_(std::move(other.file_)),
      stream_(std::exchange(other.stream_, nullptr)),
      buffer_(std::move(other.buffer_)),
      buffered_(other.buffered_),
      offset_(other.offset_) {}

output_file::~output_file() {
  if (stream_ != nullptr && stream_ != stdout) std::fclose(stream_);
  file_.reset();
  if (temporary_.empty()) return;
  // What cannot be removed has a name that says what it is.
  if (const auto removed = annals::posix_env().remove(temporary_); !removed)
    std::fprintf(stderr, "annals: left behind: %s\n", temporary_.c_str());
}

annals::result<void> output_file::write(std::string_view bytes) {
  while (file_ && !bytes.empty()) {
    const auto part = bytes.substr(0, written_at_once - buffered_);
    std::memcpy(buffer_.get() + buffered_, part.data(), part.size());
    buffered_ += part.size();
    bytes.remove_prefix(part.size());
    if (buffered_ == written_at_once)
      if (auto flushed = flush(buffered_); !flushed) return flushed;
  }
  if (file_) return {};
  if (std::fwrite(bytes.data(), 1, bytes.size(), stream_) == bytes.size()) return {};
  return annals::fail(annals::errc::file_error,
                      "writing to " + name_ + " failed: " + std::strerror(errno));
}

annals::result<void> output_file::flush(std::size_t bytes) {
  auto written = file_->write_at(offset_, {buffer_.get(), bytes});
  offset_ += bytes;
  buffered_ = 0;
  return as_users_file(std::move(written));
}

annals::result<void> output_file::complete() {
  if (!file_) {
    if (std::fflush(stream_) == 0) return {};
    return annals::fail(annals::errc::file_error,
                        "writing to " + name_ + " failed: " + std::strerror(errno));
  }
  auto& env = annals::posix_env();
  const auto end = offset_ + buffered_;
  const auto unit = file_->alignment();
  const auto whole = (buffered_ + unit - 1) / unit * unit;
  std::memset(buffer_.get() + buffered_, 0, whole - buffered_);
  if (auto flushed = flush(whole); !flushed) return flushed;
  auto done = offset_ == end ? annals::result<void>{} : file_->truncate(end);
  if (done) done = file_->sync();
  if (done) done = env.rename(temporary_, name_);
  if (!done) return as_users_file(std::move(done));
  temporary_.clear();
  return as_users_file(env.sync_directory(folder_of(name_)));
}

}  // namespace annals_cli
