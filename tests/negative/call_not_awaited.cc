// error: a call is made when it is awaited: co_await it
#include "annals/await.h"

annals::task<> run(annals::event_store& store, const annals::append_request& request) {
#ifdef CORRECT
  (co_await annals::append(store, request)).value();
#else
  annals::append(store, request);
  co_return;
#endif
}
