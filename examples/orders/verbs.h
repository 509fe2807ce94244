#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "annals/arguments.h"
#include "annals/open.h"
#include "annals/result.h"

/// The verbs of the program `orders`, one file each. A verb adds itself to the program, with
/// what it runs.
namespace orders {

/// What all verbs share.
struct command_line {
  std::string store = "file:./data";
  bool json = false;
};

/// --store and --json.
void add_common_options(annals::arguments::verb& verb, command_line& line);

/// Opens the store for writing (made when it is not there), or for reading only.
annals::result<std::unique_ptr<annals::event_store>> open_for_writing(const command_line& line);
annals::result<std::unique_ptr<annals::event_store>> open_for_reading(const command_line& line);

/// True after SIGINT or SIGTERM, once watch_interrupts() was called.
const std::atomic<bool>& interrupted();
void watch_interrupts();

void add_import(annals::arguments::verb& program, command_line& line);
void add_generate(annals::arguments::verb& program, command_line& line);
void add_show(annals::arguments::verb& program, command_line& line);
void add_query(annals::arguments::verb& program, command_line& line);
void add_demo(annals::arguments::verb& program, command_line& line);

}  // namespace orders
