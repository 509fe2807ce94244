#include <cstdio>

#include "annals/postgres.h"
#include "annals/terminal.h"
#include "verbs.h"

namespace annals_cli {
namespace {

struct migrate_options {
  bool print = false;
  bool add_partition = false;
  std::vector<std::string> roles{};
};

annals::result<void> print_scripts(const annals::postgres_options& options) {
  for (const auto& one : annals::postgres_migrations(options)) {
    std::printf("-- %s.sql\n%s\n", one.name.c_str(), one.sql.c_str());
    if (auto printed = check_output(); !printed) return printed;
  }
  return {};
}

annals::result<void> print_done(const command_line& line, const std::vector<std::string>& done) {
  if (line.json) {
    annals::json::writer out;
    out.begin_object().key("done").begin_array();
    for (const auto& name : done) out.value(name);
    return print_line(out.end_array().end_object());
  }
  for (const auto& name : done) std::printf("%s\n", name.c_str());
  std::puts(done.empty() ? "everything was there" : "the schema is up to date");
  return check_output();
}

annals::result<void> add_partition(const command_line& line) {
  const auto made = annals::add_postgres_partition(line.store);
  if (!made) return std::unexpected(made.error());
  const auto first = made->first.sequence;
  const auto last = made->last.sequence;
  if (line.json) {
    annals::json::writer out;
    out.begin_object().member("partition", made->name).member("first", first).member("last", last);
    return print_line(out.end_object());
  }
  std::printf("%s takes positions %llu to %llu; those behind go to a new last partition\n",
              made->name.c_str(), static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(last));
  return check_output();
}

annals::result<void> migrate(const command_line& line, const migrate_options& wanted) {
  if (!line.store.starts_with("postgres"))
    return annals::fail(annals::errc::invalid_argument,
                        "migrate is for stores on PostgreSQL (postgres://…), not '" +
                            annals::terminal::without_password(line.store) +
                            "'; others make what they need when they are opened");
  const auto options = annals::postgres_options_of(line.store);
  if (!options) return std::unexpected(options.error());
  if (wanted.print) return print_scripts(*options);
  if (!wanted.roles.empty()) {
    std::fputs(annals::postgres_roles(*options, wanted.roles.at(0), wanted.roles.at(1)).c_str(),
               stdout);
    return check_output();
  }
  if (wanted.add_partition) return add_partition(line);
  const auto done = annals::migrate_postgres(line.store);
  if (!done) return std::unexpected(done.error());
  return print_done(line, *done);
}

}  // namespace

void add_migrate(annals::arguments::verb& program, command_line& line) {
  auto verb = program.add_verb("migrate", "Make or update the schema of a PostgreSQL store");
  const auto wanted = std::make_shared<migrate_options>();
  verb.add_flag("--print", wanted->print, "Only print the SQL, for a person to review and run");
  verb.add_option("--roles", wanted->roles, "Only print what these two roles need: WRITER READER",
                  {.values = 2});
  verb.add_flag("--add-partition", wanted->add_partition,
                "Make a further range of a store that is partitioned by position");
  add_common_options(verb, line);
  verb.footer("Example: annals migrate --store postgres://owner@db/shop --print");
  verb.runs([&line, wanted] { return migrate(line, *wanted); });
}

}  // namespace annals_cli
