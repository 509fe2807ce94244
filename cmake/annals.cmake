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

# The .cc files of a folder, without tests and benchmarks.
function(annals_sources folder out)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cc)
  list(FILTER sources EXCLUDE REGEX "_(test|bench)\\.cc$")
  set(${out} ${sources} PARENT_SCOPE)
endfunction()

function(annals_library name)
  annals_sources(${PROJECT_SOURCE_DIR}/src/${name} sources)
  add_library(annals_${name} STATIC ${sources})
  add_library(annals::${name} ALIAS annals_${name})
  target_include_directories(annals_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
  target_compile_features(annals_${name} PUBLIC cxx_std_23)
  target_link_libraries(annals_${name} PRIVATE $<BUILD_INTERFACE:annals_options>)
endfunction()

function(annals_program name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE annals_options)
endfunction()
