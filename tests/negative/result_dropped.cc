// error: ignoring return(ed)? value.*nodiscard
#include "annals/store.h"

void save(annals::event_store& store, const annals::append_request& request) {
#ifdef CORRECT
  store.append(request).value();
#else
  store.append(request);
#endif
}
