#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "annals/result.h"

/// The arguments of command line programs: verbs with options, the help that is made of them, and
/// usage errors.
namespace annals {
inline namespace v1 {
namespace arguments {

/// Where the value of an option goes. What stands there is the default. A list takes the option as
/// often as it is given, all others once. Numbers are decimal, and those that do not fit are
/// refused.
using destination =
    std::variant<std::reference_wrapper<std::string>,
                 std::reference_wrapper<std::optional<std::string>>,
                 std::reference_wrapper<std::vector<std::string>>,
                 std::reference_wrapper<std::uint16_t>, std::reference_wrapper<std::uint64_t>>;

/// Least and most value of a number.
struct range {
  std::uint64_t least = 0;
  std::uint64_t most = UINT64_MAX;
};

/// What else is known of an option. What breaks a rule is a usage error.
struct option_rules {
  bool required = false;
  bool shows_default = false;               ///< in the help
  std::string kind{};                       ///< stands for the value in the help, e.g. "ADDRESS"
  std::vector<std::string> choices{};       ///< where only these are taken; they are the kind, too
  std::optional<arguments::range> range{};  ///< of a number
  int values = 1;                           ///< of a list: how many there are, when it is given
};

/// What a program does when its arguments were understood.
using work = std::function<result<void>()>;

/// An option as the help shows it, for those who write something else of it.
struct option_description {
  std::vector<std::string> names{};  ///< "-n", "--lines"; of a positional one "FILE"
  std::string help{};
  std::string kind{};
  bool takes_value = false;
};

/// A verb as the help shows it, with those below it.
struct verb_description {
  std::string name{};
  std::string help{};
  std::vector<option_description> options{};
  std::vector<option_description> positionals{};
  std::vector<verb_description> verbs{};
};

/// A verb of a program, e.g. "read" of `annals read --all`; knows --help.
///
/// Names, of options as in "-n,--lines", or "FILE" for one that is known by its place: the calls
/// that add throw std::runtime_error for a malformed one, and for one that is there already.
/// Threads: one at a time. It and what it writes to live as long as the program.
class verb {
 public:
  verb(const verb&) = delete;
  verb& operator=(const verb&) = delete;
  verb(verb&& other) noexcept;
  ~verb();

  /// A verb below this one, of which exactly one must then be given.
  verb add_verb(const std::string& name, const std::string& help);
  /// An option with a value.
  void add_option(const std::string& names, destination value, const std::string& help,
                  const option_rules& rules = {});
  /// An option without one: true when it is given.
  void add_flag(const std::string& names, bool& value, const std::string& help);
  /// What stands at the end of the help.
  void footer(const std::string& text);
  /// What is to be done when this verb is given. Needed by verbs without others below them.
  void runs(work what);

  verb_description describe() const;

 protected:
  struct parser;
  explicit verb(std::unique_ptr<parser> own);

  std::unique_ptr<parser> parser_;
};

/// A program: the verb above all others.
class program : public verb {
 public:
  program(const std::string& name, const std::string& help);
  program(program&&) = delete;
  ~program();

  /// --version, which prints this text.
  void add_version(const std::string& text);

  /// Reads the arguments into the options' destinations, and answers what is to be done now. Where
  /// nothing is, since help or version were asked for or the usage is wrong, that was printed, and
  /// the exit code is the answer: 0 or 2.
  std::expected<work, int> parse(int argc, const char* const* argv);

 private:
  struct root;
  std::unique_ptr<root> root_;
};

}  // namespace arguments
}  // namespace v1
}  // namespace annals
