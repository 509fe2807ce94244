# `cmake --install`: headers, static libraries, the program annals, documents; and what find_package(annals)
# and pkg-config read. docs/adr/0024-packaging.md has the why.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(annals_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/annals)
set(annals_pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# Of each component: the ones it stands on, and for pkg-config the libraries of others.
get_property(annals_components GLOBAL PROPERTY annals_parts)
set(annals_engines)
if(ANNALS_WITH_EMBEDDED)
  list(APPEND annals_engines embedded)
endif()
if(ANNALS_WITH_POSTGRES)
  list(APPEND annals_engines postgres)
endif()
set(annals_needs_app core ${annals_engines})
set(annals_needs_annals app ${annals_engines})
if(ANNALS_WITH_JSON)
  list(APPEND annals_needs_annals json)
endif()
foreach(part IN ITEMS terminal arguments json embedded postgres testing)
  set(annals_needs_${part} core)
endforeach()
set(annals_foreign_json simdjson)
set(annals_foreign_embedded libisal libxxhash)
set(annals_foreign_testing gtest)

# The prefix as pkg-config sees it: from where the file stands, so that the tree can be moved.
set(annals_pkgconfig_prefix ${CMAKE_INSTALL_PREFIX})
if(NOT IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
  file(RELATIVE_PATH annals_pkgconfig_prefix
       ${CMAKE_INSTALL_PREFIX}/${annals_pkgconfig_dir} ${CMAKE_INSTALL_PREFIX})
  string(PREPEND annals_pkgconfig_prefix "\${pcfiledir}/")
  string(REGEX REPLACE "/$" "" annals_pkgconfig_prefix ${annals_pkgconfig_prefix})
endif()

function(annals_below_prefix folder out)
  if(IS_ABSOLUTE ${folder})
    set(${out} ${folder} PARENT_SCOPE)
  else()
    set(${out} "\${prefix}/${folder}" PARENT_SCOPE)
  endif()
endfunction()
annals_below_prefix(${CMAKE_INSTALL_INCLUDEDIR} annals_pkgconfig_include)
annals_below_prefix(${CMAKE_INSTALL_LIBDIR} annals_pkgconfig_lib)

# annals_pkg_config(FILE PART): FILE.pc, whose own library, if any, is that of the part.
function(annals_pkg_config file part)
  set(requires ${annals_needs_${part}})
  list(TRANSFORM requires PREPEND annals-)
  list(JOIN requires ", " requires)
  list(JOIN annals_foreign_${part} ", " foreign)
  set(own "")
  set(private "")
  if(NOT part STREQUAL annals)
    set(own "-L\${libdir} -lannals_${part}")
  endif()
  if(part STREQUAL core)
    set(private "-pthread")
  elseif(part STREQUAL postgres)
    set(private "-lpq") # shared: what a static one stands on is in no package that libpq-dev brings
  endif()
  configure_file(${PROJECT_SOURCE_DIR}/cmake/annals.pc.in ${PROJECT_BINARY_DIR}/pkgconfig/${file}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/pkgconfig/${file}.pc DESTINATION ${annals_pkgconfig_dir})
endfunction()

foreach(part IN LISTS annals_components)
  install(TARGETS annals_${part} EXPORT annals-${part}-targets 
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
          FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  annals_pkg_config(annals-${part} ${part})
endforeach()
install(TARGETS annals EXPORT annals-annals-targets)
annals_pkg_config(annals annals)
list(APPEND annals_components annals)

set(annals_component_needs "")
foreach(part IN LISTS annals_components)
  install(EXPORT annals-${part}-targets NAMESPACE annals:: DESTINATION ${annals_cmake_dir})
  list(JOIN annals_needs_${part} " " needs)
  string(APPEND annals_component_needs "set(_annals_needs_${part} ${needs})\n")
endforeach()
configure_package_config_file(cmake/annals-config.cmake.in ${PROJECT_BINARY_DIR}/annals-config.cmake
                              INSTALL_DESTINATION ${annals_cmake_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/annals-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/annals-config.cmake
              ${PROJECT_BINARY_DIR}/annals-config-version.cmake DESTINATION ${annals_cmake_dir})

if(ANNALS_BUILD_CLI)
  install(TARGETS annals_cli RUNTIME)
endif()
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} PATTERN plan EXCLUDE)
