#include "annals/env.h"

namespace annals {
inline namespace v1 {
namespace {

constexpr std::size_t readable_behind = 64;  // bytes; what reads payloads may look a little further

class copied_bytes final : public mapping {
 public:
  explicit copied_bytes(std::size_t length)
      : memory_(std::make_unique<std::byte[]>(length + readable_behind)), length_(length) {}

  std::span<std::byte> room() noexcept { return {memory_.get(), length_}; }
  std::span<const std::byte> bytes() const noexcept override { return {memory_.get(), length_}; }
  result<void> fetch(std::uint64_t, std::size_t) override { return {}; }
  void expect(std::uint64_t, std::size_t) noexcept override {}

 private:
  std::unique_ptr<std::byte[]> memory_;
  std::size_t length_;
};

}  // namespace

void file::expect(std::uint64_t, std::size_t) noexcept {}

result<std::unique_ptr<mapping>> file::map(std::uint64_t length) {
  auto copy = std::make_unique<copied_bytes>(static_cast<std::size_t>(length));
  const auto got = read_at(0, copy->room());
  if (!got) return std::unexpected(got.error());
  if (*got < length)
    return fail(errc::store_corrupt, "a file is cut off: it has " + std::to_string(*got) +
                                         " bytes, not " + std::to_string(length));
  return copy;
}

}  // namespace v1
}  // namespace annals
