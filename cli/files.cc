#include "files.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "annals/uuid.h"
#include "interrupts.h"

namespace annals_cli {
namespace {

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
  auto made = env.open(out.temporary_, annals::file_mode::create, annals::write_through::none);
  if (!made) {
    out.temporary_.clear();
    return std::unexpected(as_users_file(std::unexpected(made.error())).error());
  }
  out.file_ = std::move(*made);
  return out;
}

output_file::output_file(output_file&& other) noexcept
    : name_(std::move(other.name_)),
      temporary_(std::exchange(other.temporary_, {})),
      file_(std::move(other.file_)),
      stream_(std::exchange(other.stream_, nullptr)),
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
  if (file_) {
    auto written = file_->write_at(offset_, std::as_bytes(std::span(bytes)));
    offset_ += bytes.size();
    return as_users_file(std::move(written));
  }
  if (std::fwrite(bytes.data(), 1, bytes.size(), stream_) == bytes.size()) return {};
  return annals::fail(annals::errc::file_error,
                      "writing to " + name_ + " failed: " + std::strerror(errno));
}

annals::result<void> output_file::complete() {
  if (!file_) {
    if (std::fflush(stream_) == 0) return {};
    return annals::fail(annals::errc::file_error,
                        "writing to " + name_ + " failed: " + std::strerror(errno));
  }
  auto& env = annals::posix_env();
  auto done = file_->sync();
  if (done) done = env.rename(temporary_, name_);
  if (!done) return as_users_file(std::move(done));
  temporary_.clear();
  return as_users_file(env.sync_directory(folder_of(name_)));
}

}  // namespace annals_cli
