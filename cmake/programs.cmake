# The programs: annals (cli/), orders and those called hello (examples/).

find_package(ZLIB REQUIRED)

annals_sources(${PROJECT_SOURCE_DIR}/cli cli_sources)
annals_program(annals_cli ${cli_sources})
set_target_properties(annals_cli PROPERTIES OUTPUT_NAME annals)
target_link_libraries(annals_cli PRIVATE annals::annals annals::terminal annals::arguments)
target_compile_definitions(annals_cli PRIVATE ANNALS_VERSION="${PROJECT_VERSION}")

# The domain and its import are a library, so that tests can link them; the verbs are the program.
file(GLOB orders_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/orders/*.cc)
list(FILTER orders_sources EXCLUDE REGEX "_test\\.cc$|/main\\.cc$")
add_library(orders_parts STATIC ${orders_sources})
target_include_directories(orders_parts PUBLIC ${PROJECT_SOURCE_DIR}/examples)
target_link_libraries(orders_parts PUBLIC annals::annals annals::terminal annals::arguments
                      PRIVATE ZLIB::ZLIB annals_options)
annals_program(orders ${PROJECT_SOURCE_DIR}/examples/orders/main.cc)
target_link_libraries(orders PRIVATE orders_parts)

foreach(name IN ITEMS hello hello_store hello_coroutines)
  annals_program(${name} ${PROJECT_SOURCE_DIR}/examples/hello/${name}.cc)
  target_link_libraries(${name} PRIVATE annals::annals)
endforeach()
