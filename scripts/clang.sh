# Sourced by .ci/run and scripts/fuzz: how the sanitizers' builds are configured, so that they share what is built.

clang=(-DCMAKE_BUILD_TYPE=RelWithDebInfo "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -gline-tables-only"
  -DCMAKE_CXX_COMPILER=clang++-19 -DANNALS_WERROR=ON)
addresses=("${clang[@]}" -DANNALS_SANITIZE=address,undefined -DANNALS_BUILD_FUZZERS=ON)
threads=("${clang[@]}" -DANNALS_SANITIZE=thread -DANNALS_BUILD_CLI=OFF) # programs have nothing that tests do not run

# binutils names functions and lines; clang's own symbolizer is in a package that brings much else.
symbols="allow_addr2line=1:external_symbolizer_path=/usr/bin/addr2line" # not looked for: this is sourced before it is installed
export ASAN_OPTIONS=detect_leaks=1:$symbols UBSAN_OPTIONS=print_stacktrace=1:$symbols TSAN_OPTIONS=$symbols
