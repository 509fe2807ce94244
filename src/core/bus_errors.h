#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace annals {
inline namespace v1 {

/// Mapped memory whose pages may become unreadable. Instead of a signal that ends the process, the
/// one who looks sees zeros, and `lost` tells.
///
/// Threads: any.
/// Source:  ADR 0028.
class bus_errors {
 public:
  /// A range of mapped memory, watched until it is destroyed; before that it must be mapped, and
  /// may be unmapped only afterwards.
  class watched {
   public:
    watched(const void* memory, std::size_t length);
    watched(const watched&) = delete;
    watched& operator=(const watched&) = delete;
    ~watched();

    /// The offset of the first page that was lost; none: not_lost.
    std::uint64_t lost() const noexcept;

    static constexpr std::uint64_t not_lost = UINT64_MAX;

   private:
    struct slot* slot_;
  };

  /// In this process, ever.
  static std::uint64_t lost_pages() noexcept;
};

}  // namespace v1
}  // namespace annals
