#pragma once

#include <boost/container/small_vector.hpp>
#include <cstddef>

namespace annals {
inline namespace v1 {
namespace embedded {

/// A vector that needs no memory from the heap while it has few elements, as it mostly has.
template <class Element, std::size_t Few = 4>
using few = boost::container::small_vector<Element, Few>;

}  // namespace embedded
}  // namespace v1
}  // namespace annals
