#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "annals/embedded.h"
#include "annals/testing/simulation.h"
#include "embedded/bytes.h"
#include "embedded/segment.h"
#include "fuzz.h"

namespace annals {
namespace fuzz {

using bytes = std::vector<std::byte>;

inline const std::string root = "/store";

inline bytes read_file(env& world, const std::string& path) {
  const auto opened = world.open(path, file_mode::read, write_through::none).value();
  bytes content(opened->size().value());
  opened->read_at(0, content).value();
  return content;
}

inline void write_file(env& world, const std::string& path, std::span<const std::byte> content) {
  world.open(path, file_mode::create, write_through::none).value()->write_at(0, content).value();
}

/// The same in every run, as it comes out of a seed.
inline std::unique_ptr<env> same_world() {
  return testing::make_simulated_env(1);
}

/// What makes a directory a store: its marker, and the header of its first segment.
struct empty_store {
  bytes marker{};
  embedded::segment_header header{};
};

inline const empty_store& an_empty_store() {
  static const empty_store made = [] {
    const auto world = same_world();
    open_embedded(root, {.segment_bytes = 1U << 20U}, *world).value()->close().value();
    const embedded::store_paths paths{root};
    const auto segment = read_file(*world, paths.segment(1));
    return empty_store{read_file(*world, paths.marker()),
                       embedded::read_as<embedded::segment_header>(segment.data())};
  }();
  return made;
}

/// A machine with a store whose log has one segment: these frames, and zeros to a whole block.
inline std::unique_ptr<env> world_with(std::span<const std::byte> frames) {
  auto world = same_world();
  const embedded::store_paths paths{root};
  world->create_directories(paths.log()).value();
  world->create_directories(paths.snapshots()).value();
  write_file(*world, paths.marker(), an_empty_store().marker);
  auto header = an_empty_store().header;
  // One block more, so that appending has room for a seal at least.
  header.capacity =
      embedded::round_up(frames.size(), embedded::block_bytes) + 2 * embedded::block_bytes;
  const auto block = embedded::header_block(header);
  bytes segment(block.data(), block.data() + block.size());
  segment.insert(segment.end(), frames.begin(), frames.end());
  segment.resize(header.capacity);
  write_file(*world, paths.segment(1), segment);
  return world;
}

}  // namespace fuzz
}  // namespace annals
