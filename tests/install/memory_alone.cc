// Uses nothing but core.
#include <cstdio>

#include "annals/memory.h"

int main() {
  std::printf("%s\n", annals::make_memory_store()->info().engine.c_str());
}
