#pragma once

#include <memory>
#include <optional>
#include <string>

#include "annals/arguments.h"
#include "annals/event.h"
#include "annals/json/writer.h"
#include "annals/open.h"
#include "annals/terminal.h"

/// The verbs of the program `annals`, one file each. A verb adds itself to the program, with
/// what it runs.
namespace annals_cli {

/// What all verbs share.
struct command_line {
  std::string store = "file:./data";
  bool json = false;
};

/// --store and --json.
void add_common_options(annals::arguments::verb& verb, command_line& line);

/// The directory of an embedded store's address.
///
/// Errors:  invalid_argument, naming the verb.
annals::result<std::string> embedded_directory(const command_line& line, std::string_view verb);

/// Calls `work` with a function that it tells bytes done and in all, which are shown.
template <class Work>
auto with_progress(std::string_view what, Work&& work) {
  std::optional<annals::terminal::progress> bar;
  return work([&](std::uint64_t done, std::uint64_t total) {
    if (!bar) bar.emplace(std::string(what), total, "bytes");
    bar->advance_to(done);
  });
}

/// Opens a store that is there, for reading; never makes one.
annals::result<std::unique_ptr<annals::event_store>> open_store(const command_line& line);

/// Prints a document and a line end.
annals::result<void> print_line(const annals::json::writer& out);
/// The error of output that does not arrive; checked now and then, so that long output ends early.
annals::result<void> check_output();

/// An event as JSON: metadata, and the payload under "data" (JSON as it is, else base64 under
/// "data_base64").
void write_event(annals::json::writer& out, const annals::event_view& view);
std::string to_base64(std::span<const std::byte> bytes);

void add_stat(annals::arguments::verb& program, command_line& line);
void add_streams(annals::arguments::verb& program, command_line& line);
void add_read(annals::arguments::verb& program, command_line& line);
void add_tail(annals::arguments::verb& program, command_line& line);
void add_verify(annals::arguments::verb& program, command_line& line);
void add_repair(annals::arguments::verb& program, command_line& line);
void add_doctor(annals::arguments::verb& program, command_line& line);
void add_migrate(annals::arguments::verb& program, command_line& line);
void add_append(annals::arguments::verb& program, command_line& line);
void add_export(annals::arguments::verb& program, command_line& line);
void add_import(annals::arguments::verb& program, command_line& line);
void add_schema(annals::arguments::verb& program, command_line& line);
void add_completion(annals::arguments::verb& program);

}  // namespace annals_cli
