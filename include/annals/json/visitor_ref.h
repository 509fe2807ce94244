#pragma once

#include <concepts>
#include <type_traits>

namespace annals {
inline namespace v1 {
namespace json {

/// A reference to a callable, for visits that answer whether to go on.
template <class Signature>
class visitor_ref;
template <class... A>
class visitor_ref<bool(A...)> {
 public:
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, visitor_ref>)
  visitor_ref(F&& f) noexcept  // NOLINT(google-explicit-constructor): it stands for the callable
      : target_(const_cast<void*>(static_cast<const void*>(&f))), call_([](void* t, A... a) {
          return (*static_cast<std::remove_reference_t<F>*>(t))(a...);
        }) {}
  bool operator()(A... a) const { return call_(target_, a...); }

 private:
  void* target_;
  bool (*call_)(void*, A...);
};

}  // namespace json
}  // namespace v1
}  // namespace annals
