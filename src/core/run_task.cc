#include "annals/run_task.h"

namespace annals {
inline namespace v1 {

error detached_task_failed(std::exception_ptr thrown) {
  std::string what;
  try {
    std::rethrow_exception(std::move(thrown));
  } catch (const std::exception& caught) {
    what = caught.what();
  } catch (...) {
    what = "an exception that is no std::exception";
  }
  return {errc::handler_failed, "a detached task threw: " + what};
}

}  // namespace v1
}  // namespace annals
