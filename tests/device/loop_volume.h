#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace annals {

/// A file system of its own on a loop device, mounted where nobody but this process sees it. The
/// kernel takes mount, device and image away with the process, however that ends.
class loop_volume {
 public:
  /// Why this process cannot have one: no right to mount, no loop devices, a kernel without that
  /// file system. None: then all that fails below is an error, and thrown.
  static std::optional<std::string> refused(const std::string& file_system);

  /// Makes one of "ext4" or "xfs", as their tools make it when nothing is said, mounted with the
  /// kernel's own options; only does ext4 not make its inode tables meanwhile.
  explicit loop_volume(const std::string& file_system);
  ~loop_volume();
  loop_volume(const loop_volume&) = delete;
  loop_volume& operator=(const loop_volume&) = delete;

  const std::string& path() const noexcept { return directory_; }

  /// What the device was asked to do since it was made, as the kernel counts requests.
  struct requests {
    std::uint64_t writes = 0;
    std::uint64_t flushes = 0;
    std::uint64_t bytes = 0;  // written

    friend bool operator==(const requests&, const requests&) = default;
    friend requests operator-(const requests& a, const requests& b) {
      return {a.writes - b.writes, a.flushes - b.flushes, a.bytes - b.bytes};
    }
  };
  /// Waits until it stands still.
  requests count() const;
  /// Has the file system write all that it still holds, and returns once nothing was asked of the
  /// device for longer than anything of the engine's waits.
  void settle() const;

 private:
  void mount(const std::string& image, const std::string& file_system);
  void learn_to_count(int device);
  requests counted() const;

  std::string directory_{};
  std::string device_{};  // "loop0"
  bool flush_is_a_write_ = false;
};

}  // namespace annals
