// error: ignoring return(ed)? value.*nodiscard
#include "annals/store.h"

void end(annals::event_store& store) {
#ifdef CORRECT
  store.close().value();
#else
  store.close();
#endif
}
