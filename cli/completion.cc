#include <algorithm>
#include <cstdio>

#include "annals/terminal.h"
#include "verbs.h"

namespace annals_cli {
namespace {

using annals::arguments::option_description;
using annals::arguments::verb_description;

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
std::string bash_action(const option_description& option) {
  if (const auto values = values_in(option.kind); !values.empty())
    return "mapfile -t COMPREPLY < <(compgen -W '" + joined(values, " ") + "' -- \"$current\")";
  if (option.names.back() == "FILE") return "mapfile -t COMPREPLY < <(compgen -f -- \"$current\")";
  if (option.names.back() == "STREAM") return "_annals_stream";
  if (option.kind == "ADDRESS") return "_annals_store";
  return "COMPREPLY=()";
}

void print_bash_verb(const verb_description& verb) {
  std::printf("    %s)\n      case $previous in\n", verb.name.c_str());
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

void print_bash(const std::vector<verb_description>& verbs, const std::vector<std::string>& names) {
  std::vector<std::string> words = names;
  for (const auto& verb : verbs) words.push_back(verb.name);
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
std::string zsh_action(const option_description& option, const std::string& message) {
  if (const auto values = values_in(option.kind); !values.empty())
    return ":" + message + ":(" + joined(values, " ") + ")";
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

void print_zsh_verb(const verb_description& verb) {
  std::printf("        %s)\n          _arguments -s", verb.name.c_str());
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

void print_zsh(const std::vector<verb_description>& verbs) {
  std::fputs(zsh_start, stdout);
  for (const auto& verb : verbs)
    std::printf("        %s\n", shell_word(verb.name + ":" + zsh_text(verb.help)).c_str());
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

annals::result<void> complete(const verb_description& program, const std::string& shell) {
  std::vector<std::string> names;
  for (const auto& option : program.options)
    names.insert(names.end(), option.names.begin(), option.names.end());
  if (shell == "bash")
    print_bash(program.verbs, names);
  else
    print_zsh(program.verbs);
  return check_output();
}

}  // namespace

void add_completion(annals::arguments::verb& program) {
  auto verb = program.add_verb("completion", "Print a script that completes this program");
  const auto shell = std::make_shared<std::string>();
  verb.add_option("SHELL", *shell, "Which shell it is for",
                  {.required = true, .choices = {"bash", "zsh"}});
  verb.footer("Example: eval \"$(annals completion bash)\"");
  verb.runs([&program, shell] { return complete(program.describe(), *shell); });
}

}  // namespace annals_cli
