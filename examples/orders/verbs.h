#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "annals/open.h"
#include "annals/result.h"

/// The verbs of the program `orders`, one file each. A verb adds itself to the command line and
/// leaves in `run` what is to be done when it was chosen.
namespace orders {

/// What all verbs share.
struct command_line {
  std::string store = "file:./data";
  bool json = false;
  std::function<annals::result<void>()> run{};
};

/// --store and --json.
void add_common_options(CLI::App& verb, command_line& line);

/// Opens the store for writing (made when it is not there), or for reading only.
annals::result<std::unique_ptr<annals::event_store>> open_for_writing(const command_line& line);
annals::result<std::unique_ptr<annals::event_store>> open_for_reading(const command_line& line);

/// True after SIGINT or SIGTERM, once watch_interrupts() was called.
const std::atomic<bool>& interrupted();
void watch_interrupts();

void add_import(CLI::App& app, command_line& line);
void add_generate(CLI::App& app, command_line& line);
void add_show(CLI::App& app, command_line& line);
void add_query(CLI::App& app, command_line& line);
void add_demo(CLI::App& app, command_line& line);

}  // namespace orders
