# The layout in code: src/NAME/*.cc make the library annals_NAME; foo_test.cc and foo_bench.cc beside
# foo.cc are its tests and benchmarks and belong to other targets.

add_library(annals_options INTERFACE)
target_compile_options(annals_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False alarms for std::string's operator+ (GCC bug 105651, mended in 13).
  target_compile_options(annals_options INTERFACE -Wno-restrict)
endif()
if(ANNALS_WERROR)
  target_compile_options(annals_options INTERFACE -Werror)
endif()
if(ANNALS_SANITIZE)
  target_compile_options(annals_options INTERFACE -fsanitize=${ANNALS_SANITIZE}
                         -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(annals_options INTERFACE -fsanitize=${ANNALS_SANITIZE})
endif()
if(ANNALS_BUILD_FUZZERS) # fuzzers see which branches an input takes
  target_compile_options(annals_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# The .cc files of a folder, without tests and benchmarks.
function(annals_sources folder out)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cc)
  list(FILTER sources EXCLUDE REGEX "_(test|bench)\\.cc$")
  set(${out} ${sources} PARENT_SCOPE)
endfunction()

# The public headers of a part, below include/annals, as regular expressions; all others are core's, which is
# where given.h belongs too: it needs nothing else.
set(annals_headers_json "json(\\.h|/.*)")
set(annals_headers_terminal "terminal\\.h")
set(annals_headers_arguments "arguments\\.h")
set(annals_headers_embedded "embedded\\.h")
set(annals_headers_postgres "postgres\\.h")
set(annals_headers_app "open\\.h")
set(annals_headers_testing "testing/(conformance|simulation)\\.h")

function(annals_headers part out)
  set(base ${PROJECT_SOURCE_DIR}/include/annals)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${base} ${base}/*.h)
  if(part STREQUAL core)
    foreach(other IN ITEMS json terminal arguments embedded postgres app testing)
      list(FILTER headers EXCLUDE REGEX "^${annals_headers_${other}}$")
    endforeach()
  else()
    list(FILTER headers INCLUDE REGEX "^${annals_headers_${part}}$")
  endif()
  list(TRANSFORM headers PREPEND ${base}/)
  set(${out} ${headers} PARENT_SCOPE)
endfunction()

set_property(GLOBAL PROPERTY annals_parts)

# annals_library(NAME): the library of src/NAME, with its public headers; `annals_parts` lists them.
function(annals_library name)
  annals_sources(${PROJECT_SOURCE_DIR}/src/${name} sources)
  annals_headers(${name} headers)
  add_library(annals_${name} STATIC ${sources})
  add_library(annals::${name} ALIAS annals_${name})
  set_target_properties(annals_${name} PROPERTIES EXPORT_NAME ${name})
  target_sources(annals_${name} PUBLIC FILE_SET HEADERS
                 BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${headers})
  target_compile_features(annals_${name} PUBLIC cxx_std_23)
  target_link_libraries(annals_${name} PRIVATE $<BUILD_INTERFACE:annals_options>)
  set_property(GLOBAL APPEND PROPERTY annals_parts ${name})
endfunction()

# annals_embed_sql(TARGET FOLDER): the .sql files of a folder as src/postgres/embedded_sql.h declares them.
function(annals_embed_sql target folder)
  file(GLOB files CONFIGURE_DEPENDS ${folder}/*.sql)
  set(entries "")
  foreach(file IN LISTS files)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} sql)
    string(APPEND entries "    {\"${name}\", R\"sql(${sql})sql\"},\n")
  endforeach()
  set(source ${PROJECT_BINARY_DIR}/embedded_sql.cc)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[
#include "postgres/embedded_sql.h"

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {
constexpr embedded_file files[] = {
@entries@};
}  // namespace
std::span<const embedded_file> embedded_files() noexcept {
  return files;
}
}  // namespace postgres
}  // namespace v1
}  // namespace annals
]])
  target_sources(${target} PRIVATE ${source})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src)
endfunction()

function(annals_program name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE annals_options)
endfunction()
