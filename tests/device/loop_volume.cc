#include "loop_volume.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

namespace annals {
namespace {

namespace fs = std::filesystem;

constexpr off_t image_bytes = 512 << 20;  // mkfs.xfs takes no less than 300 MiB; mostly holes

/// Longer than the engine waits with a mark of the log's end (1 s).
constexpr std::chrono::milliseconds quiet{1'500};

[[noreturn]] void fail(const std::string& doing) {
  throw std::system_error(errno, std::generic_category(), doing);
}

class descriptor {
 public:
  descriptor(const std::string& path, int flags)
      : number_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {
    if (number_ < 0) fail(path);
  }
  ~descriptor() { ::close(number_); }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;

  int number() const noexcept { return number_; }

 private:
  int number_;
};

/// Mounts of this process, and of threads that it starts from now on, are seen by nobody else.
bool hide_mounts() {
  static const bool hidden = ::unshare(CLONE_NEWNS) == 0 &&
                             ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  return hidden;
}

bool kernel_has(const std::string& file_system) {
  std::ifstream known("/proc/filesystems");
  for (std::string word; known >> word;)
    if (word == file_system) return true;
  return false;
}

void make_file_system(const std::string& file_system, const std::string& image) {
  const auto force = file_system == "ext4" ? " -F " : " -f ";
  const auto command = "PATH=$PATH:/usr/sbin:/sbin mkfs." + file_system + " -q" + force + image;
  if (std::system(command.c_str()) != 0)
    throw std::runtime_error(command + " failed; scripts/setup test installs what it needs");
}

}  // namespace

std::optional<std::string> loop_volume::refused(const std::string& file_system) {
  if (::access("/dev/loop-control", R_OK | W_OK) != 0)
    return "device: no right to use loop devices";
  if (!hide_mounts()) return "device: no right to mount";
  if (!kernel_has(file_system)) return "device: this kernel has no " + file_system;
  return std::nullopt;
}

loop_volume::loop_volume(const std::string& file_system) {
  std::string name = (fs::temp_directory_path() / "annals-device-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) fail(name);
  directory_ = name;
  const auto image = directory_ + "/image";
  {
    const descriptor file(image, O_RDWR | O_CREAT | O_EXCL);
    if (::ftruncate(file.number(), image_bytes) != 0) fail(image);
  }
  make_file_system(file_system, image);
  mount(image, file_system);
}

loop_volume::~loop_volume() {
  // What fails here is done at the end of the process.
  ::umount2(directory_.c_str(), MNT_DETACH);
  std::error_code ignored;
  fs::remove(directory_, ignored);
}

// The device lets go of the image when nobody uses it any more, and the image has no name by then.
void loop_volume::mount(const std::string& image, const std::string& file_system) {
  const descriptor control("/dev/loop-control", O_RDWR);
  const descriptor file(image, O_RDWR);
  fs::remove(image);
  loop_config wanted{};
  wanted.fd = static_cast<std::uint32_t>(file.number());
  wanted.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO;
  for (;;) {
    const int number = ::ioctl(control.number(), LOOP_CTL_GET_FREE);
    if (number < 0) fail("finding a free loop device");
    device_ = "loop" + std::to_string(number);
    const auto path = "/dev/" + device_;
    const descriptor device(path, O_RDWR);
    if (::ioctl(device.number(), LOOP_CONFIGURE, &wanted) != 0) {
      if (errno == EBUSY) continue;  // somebody else was faster
      fail("attaching an image to " + path);
    }
    learn_to_count(device.number());
    // Else ext4 goes on making itself, in the background.
    const char* const options = file_system == "ext4" ? "noinit_itable" : nullptr;
    if (::mount(path.c_str(), directory_.c_str(), file_system.c_str(), 0, options) != 0)
      fail("mounting " + path);
    return;
  }
}

// Some kernels count a flush that stands alone among the writes too: flushes of the bare device,
// which has nothing to write, tell. One that comes with a write (a journal's) is never counted so,
// and then hides a write: the bytes show it.
void loop_volume::learn_to_count(int device) {
  constexpr std::uint64_t flushes = 10;
  const auto before = count();
  for (std::uint64_t i = 0; i < flushes; ++i)
    if (::fsync(device) != 0) fail("flushing " + device_);
  const auto seen = count() - before;
  flush_is_a_write_ = seen.writes != 0;
  if (seen.flushes != flushes || (flush_is_a_write_ && seen.writes != flushes))
    throw std::runtime_error("this kernel counts " + std::to_string(seen.writes) + " writes and " +
                             std::to_string(seen.flushes) + " flushes where " +
                             std::to_string(flushes) + " flushes were made");
}

// The kernel wakes who waits for a request before it has counted all of it.
loop_volume::requests loop_volume::count() const {
  for (auto before = counted();;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    const auto now = counted();
    if (now == before) return now;
    before = now;
  }
}

loop_volume::requests loop_volume::counted() const {
  std::ifstream file("/sys/block/" + device_ + "/stat");  // Documentation/block/stat.rst
  std::vector<std::uint64_t> fields;
  for (std::uint64_t one = 0; file >> one;) fields.push_back(one);
  if (fields.size() < 17) throw std::runtime_error("this kernel does not count flushes");
  const auto writes = fields[4];
  const auto flushes = fields[15];
  return {.writes = flush_is_a_write_ ? writes - flushes : writes,
          .flushes = flushes,
          .bytes = fields[6] * 512};
}

void loop_volume::settle() const {
  for (auto before = count();;) {
    const descriptor root(directory_, O_RDONLY | O_DIRECTORY);
    if (::syncfs(root.number()) != 0) fail("syncing " + directory_);
    const auto synced = count();
    std::this_thread::sleep_for(quiet);
    before = count();
    if (before == synced) return;
  }
}

}  // namespace annals
