#include "annals/arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <utility>

#include "annals/assert.h"

// The one file that sees CLI11: each that does costs seconds of compiling.
namespace annals {
inline namespace v1 {
namespace arguments {
namespace {

constexpr int usage_exit_code = 2;

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const auto& one : words) out.append(out.empty() ? "" : between).append(one);
  return out;
}

std::string in_words(const range& of) {
  return "UINT in [" + std::to_string(of.least) + " - " + std::to_string(of.most) + "]";
}

void restrict_to(CLI::Option& option, const std::vector<std::string>& choices) {
  option.type_name(joined(choices, "|"));
  option.check([choices](const std::string& text) {
    return std::ranges::find(choices, text) != choices.end()
               ? ""
               : "it is " + joined(choices, " or ") + ", not " + text;
  });
}

/// The numbers that an option takes; none where it takes something else.
std::optional<range> numbers_of(const destination& value, const option_rules& rules) {
  if (rules.range) return rules.range;
  if (std::holds_alternative<std::reference_wrapper<std::uint16_t>>(value))
    return range{.most = UINT16_MAX};
  if (std::holds_alternative<std::reference_wrapper<std::uint64_t>>(value)) return range{};
  return std::nullopt;
}

/// CLI11 reads numbers as C does: -1 and what is too large become the greatest one, 010 is 8.
CLI::Validator decimal(range of, const std::string& description) {
  const auto check = [of](std::string& text) {
    std::uint64_t number = 0;
    const auto* const end = text.data() + text.size();
    const auto [stopped, problem] = std::from_chars(text.data(), end, number);
    if (problem != std::errc() || stopped != end || number < of.least || number > of.most)
      return text + " is no whole number from " + std::to_string(of.least) + " to " +
             std::to_string(of.most);
    text = std::to_string(number);
    return std::string();
  };
  return {check, description};
}

option_description described(const CLI::Option& option) {
  option_description out{.help = option.get_description(),
                         .kind = option.get_type_name(),
                         .takes_value = option.get_items_expected_max() > 0};
  for (const auto& name : option.get_snames()) out.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) out.names.push_back("--" + name);
  if (option.get_positional()) out.names.push_back(option.get_name());
  return out;
}

verb_description described(const CLI::App& verb) {
  verb_description out{.name = verb.get_name(), .help = verb.get_description()};
  for (const auto* option : verb.get_options())
    (option->get_positional() ? out.positionals : out.options).push_back(described(*option));
  for (const auto* below : verb.get_subcommands([](const CLI::App*) { return true; }))
    out.verbs.push_back(described(*below));
  return out;
}

}  // namespace

struct verb::parser {
  CLI::App& app;  // of the program, or one below it, which that one owns
  work& chosen;   // of the program
};

struct program::root {
  root(const std::string& name, const std::string& help) : app(help, name) {}

  CLI::App app;
  work chosen{};
};

verb::verb(std::unique_ptr<parser> own) : parser_(std::move(own)) {}
verb::verb(verb&& other) noexcept = default;
verb::~verb() = default;

verb verb::add_verb(const std::string& name, const std::string& help) {
  parser_->app.require_subcommand(1);
  return verb(std::make_unique<parser>(*parser_->app.add_subcommand(name, help), parser_->chosen));
}

void verb::add_option(const std::string& names, destination value, const std::string& help,
                      const option_rules& rules) {
  auto* option = std::visit(
      [&](auto place) { return parser_->app.add_option(names, place.get(), help); }, value);
  if (rules.required) option->required();
  if (rules.shows_default) option->capture_default_str();
  if (!rules.kind.empty()) option->type_name(rules.kind);
  if (!rules.choices.empty()) restrict_to(*option, rules.choices);
  if (const auto numbers = numbers_of(value, rules))
    option->transform(decimal(*numbers, rules.range ? in_words(*rules.range) : ""));
  if (rules.values > 1)
    option->expected(rules.values);
  else if (std::holds_alternative<std::reference_wrapper<std::vector<std::string>>>(value))
    option->allow_extra_args(false);  // the word after its value is none of its own
}

void verb::add_flag(const std::string& names, bool& value, const std::string& help) {
  parser_->app.add_flag(names, value, help);
}

void verb::footer(const std::string& text) {
  parser_->app.footer(text);
}

void verb::runs(work what) {
  parser_->app.callback([&chosen = parser_->chosen, what = std::move(what)] { chosen = what; });
}

verb_description verb::describe() const {
  return described(parser_->app);
}

program::program(const std::string& name, const std::string& help)
    : verb(nullptr), root_(std::make_unique<root>(name, help)) {
  parser_ = std::make_unique<parser>(root_->app, root_->chosen);
}

program::~program() = default;

void program::add_version(const std::string& text) {
  root_->app.set_version_flag("--version", text);
}

std::expected<work, int> program::parse(int argc, const char* const* argv) {
  try {
    root_->app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return std::unexpected(root_->app.exit(problem) == 0 ? 0 : usage_exit_code);
  }
  ANNALS_ASSERT(root_->chosen, "a verb that can be given says what it runs");
  return root_->chosen;
}

}  // namespace arguments
}  // namespace v1
}  // namespace annals
