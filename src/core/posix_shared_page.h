#pragma once

#include <memory>
#include <string>

#include "annals/env.h"

namespace annals {
inline namespace v1 {

result<std::unique_ptr<shared_page>> open_posix_page(const std::string& path, file_mode mode);

/// Parks on, or wakes, a word by the system's futex call; within this process or across processes.
enum class futex_scope : std::uint8_t { process, shared };
void futex_park(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                std::optional<std::chrono::nanoseconds> timeout, futex_scope scope) noexcept;
void futex_wake(const std::atomic<std::uint32_t>& word, int most, futex_scope scope) noexcept;

}  // namespace v1
}  // namespace annals
