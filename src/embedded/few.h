#pragma once

#include <boost/container/deque.hpp>
#include <boost/container/small_vector.hpp>
#include <cstddef>

namespace annals {
inline namespace v1 {
namespace embedded {

/// A vector that needs no memory from the heap while it has few elements, as it mostly has.
template <class Element, std::size_t Few = 4>
using few = boost::container::small_vector<Element, Few>;

/// A sequence that grows at its end; elements never move. Memory comes in blocks of many elements,
/// which cost less to get and to give back than the 512 bytes of a std::deque.
template <class Element>
using block_list = boost::container::deque<
    Element, void, boost::container::deque_options<boost::container::block_size<256U>>::type>;

}  // namespace embedded
}  // namespace v1
}  // namespace annals
