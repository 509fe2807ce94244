#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "annals/env.h"
#include "dice.h"

namespace annals {
inline namespace v1 {
namespace testing {

/// Files and directories as a disk under a write cache holds them: what programs see, what would
/// still be there after a power cut, and what was changed in between. Knows no errors but those of
/// a healthy disk; faults are the business of the one who calls.
///
/// Threads: one.
class simulated_disk {
 public:
  static constexpr std::size_t sector_bytes = 512;  // what the disk writes whole
  static constexpr std::size_t page_bytes = 4096;   // what the cache keeps or forgets whole

  /// A file's content, by whatever names it has.
  class content {
   public:
    std::size_t read(std::uint64_t offset, std::span<std::byte> out) const;
    void write(std::uint64_t offset, std::span<const std::byte> bytes);
    void resize(std::uint64_t size);
    std::uint64_t size() const noexcept { return seen_.size(); }
    /// Everything written so far survives a power cut.
    void make_durable();
    /// A failed sync: what was written is still seen, and will never be made durable.
    void forget_unsynced() { unsynced_.clear(); }
    /// Of what is seen and not on the disk only what waits to be synced is left, and, with the
    /// chance `kept`, a page as it was.
    void drop_cache(dice& chances, double kept);
    /// Of what was not synced each write is kept, dropped, or torn between sectors.
    void cut_power(dice& chances);

    std::shared_ptr<shared_page> page{};  ///< when processes share it
    int shared_locks = 0;
    bool exclusive_lock = false;

   private:
    struct change {
      std::uint64_t offset = 0;
      std::vector<std::byte> bytes{};  // none: the size is set to `offset`
    };
    static void apply(const change& one, std::vector<std::byte>& to);

    std::vector<std::byte> seen_{};
    std::vector<std::byte> durable_{};
    std::vector<change> unsynced_{};
  };

  /// Names of files and directories, "/a/b". Directories are durable at once.
  void make_directory(const std::string& path);
  bool is_directory(const std::string& path) const;
  std::shared_ptr<content> find(const std::string& path) const;
  std::shared_ptr<content> create(const std::string& path);
  /// False when there is nothing of that name, or a directory with something in it.
  bool remove(const std::string& path);
  bool rename(const std::string& from, const std::string& to);
  std::vector<std::string> list(const std::string& directory) const;
  void sync_directory(const std::string& path);
  /// Bytes of all files that have a name.
  std::uint64_t bytes() const;

  /// Decides what is still there.
  void cut_power(dice& chances);

 private:
  using names = std::map<std::string, std::shared_ptr<content>>;  // a directory: null
  /// Names given (or, with no content, taken away) at one stroke.
  using name_change = std::vector<std::pair<std::string, std::shared_ptr<content>>>;

  void change(const std::string& directory, name_change one);
  static void apply(const name_change& one, names& to);

  names seen_{{"/", nullptr}};
  names durable_{{"/", nullptr}};
  std::map<std::string, std::vector<name_change>> unsynced_{};  // by directory, oldest first
};

/// "/a//b/" as "/a/b".
std::string plain_path(const std::string& path);
std::string parent_of(const std::string& path);

}  // namespace testing
}  // namespace v1
}  // namespace annals
