#pragma once

#include "byte_count.h"
#include "store_directory.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// As verify_embedded, of a store that the caller has locked.
result<verify_report> verify_store(const store_directory& directory,
                                   const progress_function& progress, env& environment);

}  // namespace embedded
}  // namespace v1
}  // namespace annals
