# Fuzz targets: each tests/fuzz/NAME_fuzz.cc becomes the program NAME_fuzz. With ANNALS_BUILD_FUZZERS it is a libFuzzer;
# else it feeds the target the files of tests/fuzz/corpus/NAME. Both are what the test fuzz.NAME runs.

if(ANNALS_BUILD_FUZZERS AND NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  message(FATAL_ERROR "ANNALS_BUILD_FUZZERS needs clang (libFuzzer): set CMAKE_CXX_COMPILER, or turn it off")
endif()

if(NOT ANNALS_BUILD_FUZZERS)
  add_library(annals_corpus_main OBJECT ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus_main.cc)
  target_compile_features(annals_corpus_main PRIVATE cxx_std_23)
  target_link_libraries(annals_corpus_main PRIVATE annals_options)
endif()

# Those files that only the real writer can make.
annals_program(write_seeds ${PROJECT_SOURCE_DIR}/tests/fuzz/write_seeds.cc)
target_include_directories(write_seeds PRIVATE ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(write_seeds PRIVATE annals::annals annals::testing)

file(GLOB targets CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fuzz/*_fuzz.cc)
foreach(source IN LISTS targets)
  get_filename_component(program ${source} NAME_WE)
  string(REGEX REPLACE "_fuzz$" "" name ${program})
  annals_program(${program} ${source})
  target_include_directories(${program} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${program} PRIVATE orders_parts annals::annals annals::testing)
  if(ANNALS_BUILD_FUZZERS)
    target_link_options(${program} PRIVATE -fsanitize=fuzzer)
  else()
    target_link_libraries(${program} PRIVATE annals_corpus_main)
  endif()
  if(ANNALS_BUILD_TESTS)
    add_test(NAME fuzz.${name} COMMAND ${program} -runs=0 ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
    set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 300)
  endif()
endforeach()
