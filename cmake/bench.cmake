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
target_link_libraries(postgres_bench PRIVATE PkgConfig::annals_libpq)
