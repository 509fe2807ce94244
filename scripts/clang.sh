# Sourced by .ci/run and scripts/fuzz: how the sanitizers' builds are configured, so that they share what is built.

clang=(-DCMAKE_BUILD_TYPE=RelWithDebInfo "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -gline-tables-only"
  -DCMAKE_CXX_COMPILER=clang++-19 -DANNALS_WERROR=ON)
addresses=("${clang[@]}" -DANNALS_SANITIZE=address,undefined -DANNALS_BUILD_FUZZERS=ON)
threads=("${clang[@]}" -DANNALS_SANITIZE=thread -DANNALS_BUILD_CLI=OFF) # programs have nothing that tests do not run

export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
