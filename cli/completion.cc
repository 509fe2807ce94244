#include <algorithm>
#include <cstdio>

#include "annals/terminal.h"
#include "verbs.h"

namespace annals_cli {
namespace {

// What goes in front of the verbs. Bash cuts words at ':', and hands them over in pieces.
constexpr const char* bash_start =
    R"script(# Completion of annals for bash: eval "$(annals completion bash)"
_annals_store() {
  if [[ $current == file:* ]]; then
    mapfile -t COMPREPLY < <(compgen -d -P file: -- "${current#file:}")
  elif [[ $current == : || ${COMP_WORDS[COMP_CWORD - 1]} == : ]]; then
    mapfile -t COMPREPLY < <(compgen -d -- "${current#:}")
  else
    mapfile -t COMPREPLY < <(compgen -W 'file:' -- "$current")
    compopt -o nospace 2>/dev/null
  fi
}
_annals_stream() {
  local store=()
  [[ $COMP_LINE =~ --store[=\ ]+([^\ ]+) ]] && store=(--store "${BASH_REMATCH[1]}")
  mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" streams "${store[@]}" --prefix "$current" \
    --limit 100 --json 2>/dev/null | sed -n 's/^{"stream":"\([^"\\]*\)".*/\1/p')
}
_annals() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} verb= word
  if [[ $previous == : && $COMP_CWORD -ge 3 ]]; then
    previous=${COMP_WORDS[COMP_CWORD - 3]}
  elif [[ $current == : && $COMP_CWORD -ge 2 ]]; then
    previous=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  COMPREPLY=()
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ $word != -* ]]; then verb=$word; break; fi
  done
  case $verb in
)script";

constexpr const char* zsh_start = R"script(#compdef annals
# Completion of annals for zsh: eval "$(annals completion zsh)"
_annals_store() {
  compset -P 'file:' && _files -/ || compadd -S '' -- 'file:'
}
_annals_stream() {
  local -a store names
  [[ "$BUFFER" =~ '--store[= ]+([^ ]+)' ]] && store=(--store $match[1])
  names=(${(f)"$(annals streams $store --prefix "$PREFIX" --limit 100 --json 2>/dev/null |
    sed -n 's/^{"stream":"\([^"\\]*\)".*/\1/p')"})
  compadd -a names
}
_annals() {
  local state line
  _arguments -C ': :->verb' '*:: :->rest'
  case $state in
    verb)
      local -a verbs=(
)script";

/// A word that can be completed, and what it is for.
struct word {
  std::string text{};
  std::string help{};
};

struct option_words {
  std::vector<std::string> names{};
  std::string help{};
  bool takes_value = false;
  std::vector<std::string> values{};  // where there are only a few
  std::string kind{};                 // what stands for the value in --help
};

struct verb_words {
  word verb{};
  std::vector<option_words> options{};
  std::vector<option_words> positionals{};
};

/// The values that an option names in its help: "any|none|VERSION" has two, and free ones.
std::vector<std::string> values_in(const std::string& kind) {
  std::vector<std::string> values;
  std::size_t begin = 0;
  while (kind.find('|') != std::string::npos && begin <= kind.size()) {
    const auto end = std::min(kind.find('|', begin), kind.size());
    const auto one = kind.substr(begin, end - begin);
    if (std::ranges::all_of(one, [](char c) { return c >= 'a' && c <= 'z'; }))
      values.push_back(one);
    begin = end + 1;
  }
  return values;
}

option_words words_of(const CLI::Option& option) {
  option_words words{.help = option.get_description(),
                     .takes_value = option.get_items_expected_max() > 0,
                     .kind = option.get_type_name()};
  words.values = values_in(words.kind);
  for (const auto& name : option.get_snames()) words.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) words.names.push_back("--" + name);
  if (option.get_positional()) words.names.push_back(option.get_name());
  return words;
}

verb_words words_of(const CLI::App& verb) {
  verb_words words{.verb = {verb.get_name(), verb.get_description()}};
  for (const auto* option : verb.get_options())
    (option->get_positional() ? words.positionals : words.options).push_back(words_of(*option));
  return words;
}

/// For single quotes in a shell, on one line.
std::string shell_word(std::string_view text) {
  std::string out = "'";
  for (const char c : text.substr(0, text.find('\n'))) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return out + "'";
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const auto& one : words) out.append(out.empty() ? "" : between).append(one);
  return out;
}

/// How bash completes a value of this kind.
std::string bash_action(const option_words& option) {
  if (!option.values.empty())
    return "mapfile -t COMPREPLY < <(compgen -W '" + joined(option.values, " ") +
           "' -- \"$current\")";
  if (option.names.back() == "FILE") return "mapfile -t COMPREPLY < <(compgen -f -- \"$current\")";
  if (option.names.back() == "STREAM") return "_annals_stream";
  if (option.kind == "ADDRESS") return "_annals_store";
  return "COMPREPLY=()";
}

void print_bash_verb(const verb_words& verb) {
  std::printf("    %s)\n      case $previous in\n", verb.verb.text.c_str());
  std::vector<std::string> names;
  for (const auto& option : verb.options) {
    names.insert(names.end(), option.names.begin(), option.names.end());
    if (option.takes_value)
      std::printf("        %s) %s; return ;;\n", joined(option.names, " | ").c_str(),
                  bash_action(option).c_str());
  }
  std::printf("      esac\n      if [[ $current == -* ]]; then\n");
  std::printf("        mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$current\")\n",
              joined(names, " ").c_str());
  if (!verb.positionals.empty())
    std::printf("      else\n        %s\n", bash_action(verb.positionals.front()).c_str());
  std::printf("      fi ;;\n");
}

void print_bash(const std::vector<verb_words>& verbs, const std::vector<std::string>& names) {
  std::vector<std::string> words = names;
  for (const auto& verb : verbs) words.push_back(verb.verb.text);
  std::fputs(bash_start, stdout);
  for (const auto& verb : verbs) print_bash_verb(verb);
  std::printf(
      "    '') mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$current\") ;;\n"
      "  esac\n"
      "}\n"
      "complete -F _annals annals\n",
      joined(words, " ").c_str());
}

/// How zsh completes a value of this kind: ":message:action".
std::string zsh_action(const option_words& option, const std::string& message) {
  if (!option.values.empty()) return ":" + message + ":(" + joined(option.values, " ") + ")";
  if (option.names.back() == "FILE") return ":" + message + ":_files";
  if (option.names.back() == "STREAM") return ":" + message + ":_annals_stream";
  if (option.kind == "ADDRESS") return ":" + message + ":_annals_store";
  return ":" + message + ": ";
}

/// Text in a specification of _arguments, where brackets and colons mean something.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

void print_zsh_verb(const verb_words& verb) {
  std::printf("        %s)\n          _arguments -s", verb.verb.text.c_str());
  for (const auto& option : verb.options)
    for (const auto& name : option.names) {
      const auto action = option.takes_value ? zsh_action(option, "value") : "";
      auto word = "*" + name;
      word.append("[").append(zsh_text(option.help)).append("]").append(action);
      std::printf(" \\\n            %s", shell_word(word).c_str());
    }
  for (const auto& one : verb.positionals)
    std::printf(" \\\n            %s", shell_word(zsh_action(one, one.names.back())).c_str());
  std::printf(" ;;\n");
}

void print_zsh(const std::vector<verb_words>& verbs) {
  std::fputs(zsh_start, stdout);
  for (const auto& verb : verbs)
    std::printf("        %s\n",
                shell_word(verb.verb.text + ":" + zsh_text(verb.verb.help)).c_str());
  std::printf(
      "      )\n"
      "      _describe verb verbs ;;\n"
      "    rest)\n"
      "      case $words[1] in\n");
  for (const auto& verb : verbs) print_zsh_verb(verb);
  std::printf(
      "      esac ;;\n"
      "  esac\n"
      "}\n"
      "compdef _annals annals\n");
}

annals::result<void> complete(const CLI::App& app, const std::string& shell) {
  std::vector<verb_words> verbs;
  for (const auto* verb : app.get_subcommands([](const CLI::App*) { return true; }))
    verbs.push_back(words_of(*verb));
  std::vector<std::string> names;
  for (const auto& option : words_of(app).options)
    names.insert(names.end(), option.names.begin(), option.names.end());
  if (shell == "bash")
    print_bash(verbs, names);
  else
    print_zsh(verbs);
  return check_output();
}

}  // namespace

void add_completion(CLI::App& app, command_line& line) {
  auto* verb = app.add_subcommand("completion", "Print a script that completes this program");
  const auto shell = std::make_shared<std::string>();
  verb->add_option("SHELL", *shell, "Which shell it is for")
      ->required()
      ->type_name("bash|zsh")
      ->check([](const std::string& text) {
        return text == "bash" || text == "zsh" ? "" : "it is bash or zsh, not " + text;
      });
  verb->footer("Example: eval \"$(annals completion bash)\"");
  verb->callback(
      [&app, &line, shell] { line.run = [&app, shell] { return complete(app, *shell); }; });
}

}  // namespace annals_cli
