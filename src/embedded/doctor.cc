#include <algorithm>
#include <array>
#include <cstdio>

#include "annals/embedded.h"
#include "segment.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

using std::chrono::nanoseconds;

constexpr std::uint64_t measured_writes = 400;
constexpr std::uint64_t file_blocks = 128;  // written over, in turn

/// A file full of zeros that is removed again.
class trial_file {
 public:
  trial_file(env& environment, const std::string& directory)
      : env_(environment),
        path_(directory + "/doctor-" +
              std::to_string(environment.now().time_since_epoch().count()) + ".tmp") {}

  result<storage_facts> measure() {
    auto opened = env_.open(path_, file_mode::create, write_through::durable);
    if (!opened) return std::unexpected(opened.error());
    auto facts = write(**opened);
    opened->reset();
    const auto removed = env_.remove(path_);
    if (facts && !removed) return std::unexpected(removed.error());
    return facts;
  }

 private:
  // Bytes that no disk can leave out, and none can make smaller.
  result<storage_facts> write(file& to) {
    auto done = write_zeros(to, 0, file_blocks * block_bytes);
    if (done) done = to.sync();
    aligned_bytes block(block_bytes);
    std::array<std::uint8_t, block_bytes> random{};
    std::vector<nanoseconds> taken;
    for (std::uint64_t i = 0; done && i < measured_writes; ++i) {
      env_.random(random);
      std::ranges::copy(std::as_bytes(std::span(random)), block.bytes().begin());
      const auto begin = env_.monotonic();
      done = to.write_at(i % file_blocks * block_bytes, block.bytes());
      taken.push_back(env_.monotonic() - begin);
    }
    if (!done) return std::unexpected(done.error());
    std::ranges::sort(taken);
    return storage_facts{.unbuffered = to.alignment() != 1,
                         .writes = taken.size(),
                         .p50 = taken[taken.size() / 2],
                         .p99 = taken[taken.size() * 99 / 100],
                         .max = taken.back()};
  }

  env& env_;
  std::string path_;
};

bool is_one_of(std::string_view kind, std::initializer_list<std::string_view> kinds) {
  return std::ranges::find(kinds, kind) != kinds.end();
}

/// What a file system of this kind means for a store; empty: nothing.
std::string_view problem_of_kind(std::string_view kind) {
  if (is_one_of(kind, {"tmpfs", "ramfs"}))
    return "this is memory: nothing survives a restart of the machine; use a disk";
  if (is_one_of(kind, {"nfs", "cifs", "smb", "smb2", "ceph", "9p", "afs"}))
    return "a network mount: what a flush and a lock are worth is up to the server, and each "
           "append waits for the network; use a local disk";
  if (is_one_of(kind, {"btrfs", "zfs", "bcachefs"}))
    return "a copy-on-write file system: zeroed segments are allocated anew with each write, which "
           "costs several writes and flushes each; use ext4 or XFS (on btrfs: chattr +C on the "
           "empty directory)";
  if (kind == "overlay") return "a layer of a container, gone with it: put the store on a volume";
  if (kind == "fuse")
    return "what a flush is worth is up to the program behind this file system; use a local disk";
  return {};
}

}  // namespace
}  // namespace embedded

result<storage_facts> measure_storage(const std::string& directory, env& environment) {
  const auto is_directory = environment.is_directory(directory);
  if (!is_directory) return std::unexpected(is_directory.error());
  if (!*is_directory)
    return fail(errc::not_a_store,
                directory + ": there is no such directory; name the one that a store is to be in");
  auto on = environment.volume(directory);
  if (!on) return std::unexpected(on.error());
  auto facts = embedded::trial_file(environment, directory).measure();
  if (!facts) return facts;
  facts->file_system = std::move(on->kind);
  facts->free_bytes = on->free_bytes;
  return facts;
}

std::vector<std::string> suspicions(const storage_facts& facts, std::uint64_t segment_bytes) {
  constexpr std::chrono::microseconds too_fast{10};
  std::vector<std::string> found;
  if (const auto problem = embedded::problem_of_kind(facts.file_system); !problem.empty())
    found.push_back(facts.file_system + ": " + std::string(problem));
  if (facts.p50 < too_fast)
    found.push_back("half of the durable writes took " + std::to_string(facts.p50.count()) +
                    " ns or less, which is too fast to be true: memory, or a cache that may forget "
                    "at a power cut; ask how this disk keeps its promise");
  if (!facts.unbuffered)
    found.emplace_back(
        "unbuffered writes (O_DIRECT) are refused here: each append goes through the page cache");
  if (facts.free_bytes < 2 * segment_bytes)
    found.push_back("only " + std::to_string(facts.free_bytes) +
                    " bytes are free, less than the two segments of " +
                    std::to_string(segment_bytes) + " bytes that a store makes ahead; make room");
  return found;
}

}  // namespace v1
}  // namespace annals
