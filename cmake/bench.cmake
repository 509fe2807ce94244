# Benchmarks. src/NAME/*_bench.cc become NAME_bench; each bench/NAME_bench.cc is a program of its own.

find_package(benchmark REQUIRED)

foreach(part IN ITEMS core json embedded postgres)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${part}/*_bench.cc)
  if(TARGET annals_${part} AND sources)
    annals_program(${part}_bench ${sources})
    target_link_libraries(${part}_bench PRIVATE annals_${part} benchmark::benchmark_main)
  endif()
endforeach()

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/*_bench.cc)
foreach(source IN LISTS sources)
  get_filename_component(name ${source} NAME_WE)
  annals_program(${name} ${source})
  target_link_libraries(${name} PRIVATE annals::annals benchmark::benchmark_main)
endforeach()
foreach(name postgres_bench postgres_import_bench)
  target_link_libraries(${name} PRIVATE PkgConfig::annals_libpq)
endforeach()

# The rivals of rivals_bench, from Debian's packages: they belong to the benchmarks alone.
pkg_check_modules(rival_sqlite REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(rival_lmdb REQUIRED IMPORTED_TARGET lmdb)
pkg_check_modules(rival_rocksdb REQUIRED IMPORTED_TARGET rocksdb)
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/rivals/*.cc)
target_sources(rivals_bench PRIVATE ${sources})
target_link_libraries(rivals_bench PRIVATE PkgConfig::rival_sqlite PkgConfig::rival_lmdb
                      PkgConfig::rival_rocksdb)
