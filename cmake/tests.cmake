# Tests. src/NAME/*_test.cc become NAME_test; tests/FOLDER/*_test.cc become FOLDER_test;
# tests/{tidy,negative,install,e2e}/*_test.py are run as they are. .ci/run says which names also run under the thread sanitizer.

find_package(GTest REQUIRED)
find_package(rapidcheck REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
include(GoogleTest)

# Where a test finds the sources and the programs. Two properties, since gtest_discover_tests splits a
# list of two variables and drops the second.
set(annals_test_environment
    ENVIRONMENT "ANNALS_SOURCE_DIR=${PROJECT_SOURCE_DIR}"
    ENVIRONMENT_MODIFICATION "ANNALS_BIN_DIR=set:${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")

# annals_test(NAME LABEL LIBRARIES… SOURCES …)
function(annals_test name label)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "SOURCES;LIBRARIES")
  if(NOT arg_SOURCES)
    return()
  endif()
  annals_program(${name} ${arg_SOURCES})
  # What is tested is in the libraries; the tests' own code need not be fast, but be built fast.
  target_compile_options(${name} PRIVATE -O1)
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} GTest::gtest_main GTest::gmock
                        rapidcheck rapidcheck_gtest)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
                       PROPERTIES LABELS ${label} TIMEOUT 300 ${annals_test_environment})
endfunction()

set(parts core terminal json embedded postgres app)
if(ANNALS_BUILD_CLI)
  list(APPEND parts arguments)
endif()
foreach(part IN LISTS parts)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${part}/*_test.cc)
  annals_test(${part}_test unit SOURCES ${sources} LIBRARIES annals_${part} annals_core)
endforeach()
target_link_libraries(core_test PRIVATE annals_json)

# Coroutines again as they are without optimisation, where g++ makes no tail calls.
annals_program(coroutines_unoptimised src/core/task_test.cc src/core/await_test.cc)
target_compile_options(coroutines_unoptimised PRIVATE -O0)
target_link_libraries(coroutines_unoptimised PRIVATE annals_core annals_json GTest::gtest_main)
gtest_discover_tests(coroutines_unoptimised DISCOVERY_MODE PRE_TEST TEST_PREFIX unoptimised.
                     PROPERTIES LABELS unit TIMEOUT 300)

foreach(folder IN ITEMS conformance simulation crash device)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${folder}/*_test.cc)
  annals_test(${folder}_test ${folder} SOURCES ${sources} LIBRARIES annals::annals annals::testing)
endforeach()
target_sources(device_test PRIVATE ${PROJECT_SOURCE_DIR}/tests/device/loop_volume.cc)

# Tests on a PostgreSQL server of their own, which lives as long as this run of ctest.
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/postgres/*_test.cc)
annals_program(postgres_server_test ${sources})
target_compile_options(postgres_server_test PRIVATE -O1) # as in annals_test
target_include_directories(postgres_server_test PRIVATE ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(postgres_server_test PRIVATE annals::annals annals::testing GTest::gtest_main GTest::gmock
                      PkgConfig::annals_libpq)
gtest_discover_tests(postgres_server_test DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
                     PROPERTIES LABELS postgres TIMEOUT 300 FIXTURES_REQUIRED postgres_server ${annals_test_environment})
foreach(verb IN ITEMS start stop)
  add_test(NAME postgres.${verb} COMMAND ${PROJECT_SOURCE_DIR}/tests/postgres/server ${verb} ${PROJECT_BINARY_DIR})
  set_tests_properties(postgres.${verb} PROPERTIES LABELS postgres TIMEOUT 120)
endforeach()
set_tests_properties(postgres.start PROPERTIES FIXTURES_SETUP postgres_server)
set_tests_properties(postgres.stop PROPERTIES FIXTURES_CLEANUP postgres_server)

# Crashes of an embedded store on a simulated machine: tests, and a program that repeats a run.
annals_sources(${PROJECT_SOURCE_DIR}/tests/simulation simulation_sources)
list(FILTER simulation_sources EXCLUDE REGEX "/simulate\\.cc$")
add_library(simulation_parts STATIC ${simulation_sources})
target_link_libraries(simulation_parts PUBLIC annals::annals annals::testing PRIVATE annals_options)
target_link_libraries(simulation_test PRIVATE simulation_parts)
annals_program(simulate ${PROJECT_SOURCE_DIR}/tests/simulation/simulate.cc)
target_link_libraries(simulate PRIVATE simulation_parts)

# Programs that tests start: tests/crash/NAME_program.cc.
file(GLOB programs CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/*/*_program.cc)
foreach(source IN LISTS programs)
  get_filename_component(name ${source} NAME_WE)
  annals_program(${name} ${source})
  target_link_libraries(${name} PRIVATE annals::annals)
endforeach()

# Every public header compiles alone, and twice in one file.
file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/include
     ${PROJECT_SOURCE_DIR}/include/*.h)
set(sources)
foreach(header IN LISTS headers)
  string(MAKE_C_IDENTIFIER ${header} name)
  set(source ${PROJECT_BINARY_DIR}/headers_alone/${name}.cc)
  file(CONFIGURE OUTPUT ${source} CONTENT "#include \"${header}\"\n#include \"${header}\"\n")
  list(APPEND sources ${source})
endforeach()
add_library(annals_headers_alone OBJECT ${sources})
target_link_libraries(annals_headers_alone PRIVATE annals::annals annals::testing annals_options)
target_compile_options(annals_headers_alone PRIVATE -O0) # there is nothing to optimise

# annals_script_tests(FOLDER): tests/FOLDER/*_test.py, with the folder as their label.
function(annals_script_tests folder)
  file(GLOB scripts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${folder}/*_test.py)
  foreach(script IN LISTS scripts)
    get_filename_component(name ${script} NAME_WE)
    add_test(NAME ${folder}.${name} COMMAND ${Python3_EXECUTABLE} -B ${script} -v)
    set_tests_properties(${folder}.${name} PROPERTIES LABELS ${folder} TIMEOUT 600
      SKIP_REGULAR_EXPRESSION "OK \\(skipped=" ${annals_test_environment})
  endforeach()
endfunction()

annals_script_tests(tidy)
if(ANNALS_INSTALL AND NOT ANNALS_SANITIZE) # others build without sanitizers against what is installed
  annals_script_tests(install)
endif()
annals_script_tests(negative)
set_tests_properties(negative.gcc_test negative.clang_test PROPERTIES PROCESSORS 2)
if(ANNALS_BUILD_CLI)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/*/*_test.cc)
  annals_test(examples_test unit SOURCES ${sources} LIBRARIES orders_parts annals::annals)
  annals_script_tests(e2e)
  annals_script_tests(postgres)
endif()
