#pragma once

#include <cstdint>
#include <random>

namespace annals {
inline namespace v1 {
namespace testing {

/// The random choices of a simulated world, all out of one seed.
class dice {
 public:
  explicit dice(std::uint64_t seed) : source_(seed) {}

  std::uint64_t number() { return source_(); }
  /// 0 to `sides` - 1; the bias of the remainder matters to no simulation.
  std::uint64_t below(std::uint64_t sides) { return source_() % sides; }
  bool chance(double probability) {
    if (probability <= 0) return false;
    return static_cast<double>(source_() >> 11U) * 0x1p-53 < probability;
  }

 private:
  std::mt19937_64 source_;
};

}  // namespace testing
}  // namespace v1
}  // namespace annals
