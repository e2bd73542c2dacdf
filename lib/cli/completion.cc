#include "cli/completion.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>
#include <vector>

#include "base/text.h"

namespace gw::cli {
namespace {

// Texts that the help of a positional argument contains if it is a name in the vault, and the family
// of commands whose `list -0` prints these names.
struct Names {
  std::string_view help, family;
};
constexpr Names kNames[] = {{"name, id or address", "mailbox"},
                            {"name of the route", "route"},
                            {"name of the account", "admin"},
                            {"name of the token", "token"}};
// The same for a message of the mailbox that the first argument names.
constexpr std::string_view kOfMessage = "message id";
constexpr const char* kIds = " --state all -n 1000 -0";

struct Flag {
  std::vector<std::string> names;  // with their dashes
  std::string help;
  bool takes_value = false;
  bool is_path = false;
  std::vector<std::string> choices;
};

struct Command {
  std::string path;  // `gw-store mailbox add`
  std::string name;
  std::string help;
  std::string_view family;  // its first argument is a name that `FAMILY list` prints; empty if none
  bool takes_ids = false;   // further arguments are ids of messages
  std::vector<Flag> flags;
  std::vector<Command> children;
};

// CLI::IsMember shows its members as `{a,b}` in the name of the type.
std::vector<std::string> choices_of(const std::string& type) {
  const auto open = type.find('{');
  const auto close = type.find('}');
  if (open == std::string::npos || close == std::string::npos || close < open) return {};
  const std::string inside = type.substr(open + 1, close - open - 1);
  std::vector<std::string> choices;
  for (const std::string_view each : split(inside, ',')) choices.emplace_back(each);
  return choices;
}

Flag read_flag(const CLI::Option& option) {
  Flag flag;
  for (const std::string& name : option.get_snames()) flag.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) flag.names.push_back("--" + name);
  flag.help = option.get_description();
  flag.takes_value = option.get_items_expected_max() > 0;
  const std::string type = option.get_type_name();
  for (const char* path : {"FILE", "PATH", "DIR"}) flag.is_path |= type.find(path) != std::string::npos;
  flag.choices = choices_of(type);
  return flag;
}

Command read_tree(const CLI::App& app, const std::string& parent) {
  Command command;
  command.name = app.get_name();
  command.path = parent.empty() ? command.name : parent + " " + command.name;
  command.help = app.get_description();
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;  // hidden
    Flag flag = read_flag(*option);
    // An option without names is a positional argument.
    if (flag.names.empty()) {
      const std::string help = lower(flag.help);
      for (const Names& names : kNames)
        if (help.find(names.help) != std::string::npos) command.family = names.family;
      command.takes_ids |= help.find(kOfMessage) != std::string::npos;
    } else {
      command.flags.push_back(std::move(flag));
    }
  }
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!child->get_name().empty() && !child->get_group().empty()) {
      command.children.push_back(read_tree(*child, command.path));
    }
  }
  return command;
}

// Lists the tree in depth-first order.
void collect(const Command& command, std::vector<const Command*>& all) {
  all.push_back(&command);
  for (const Command& child : command.children) collect(child, all);
}

// Quotes for sh, zsh and fish alike: a single quote ends the string, is escaped, and starts a new
// string.
std::string in_quotes(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string joined(const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : " ") + word;
  return all;
}

std::string children_of(const Command& command) {
  std::vector<std::string> words;
  for (const Command& child : command.children) words.push_back(child.name);
  return joined(words);
}

std::string flags_of(const Command& command) {
  std::vector<std::string> words;
  for (const Flag& flag : command.flags) words.insert(words.end(), flag.names.begin(), flag.names.end());
  return joined(words);
}

// Returns the command that prints the names of a first argument, each followed by NUL.
std::string names_command(const Command& command) {
  return "gw-store " + std::string(command.family) + " list -0";
}

// Returns `path:--option` in quotes for each option of the command that takes a value, each after a
// separator. Options of the program itself are accepted after every command, hence the `*` after
// its name, which is a pattern in bash and fish.
std::string valued_of(const Command& command, const Command& root, std::string_view separator, bool in_fish) {
  std::string all;
  for (const Flag& flag : command.flags) {
    if (!flag.takes_value) continue;
    for (const std::string& name : flag.names) {
      all += all.empty() ? "" : std::string(separator);
      if (&command != &root)
        all += in_quotes(command.path + ":" + name);
      else
        all += in_fish ? in_quotes(command.path + "*:" + name)
                       : in_quotes(command.path) + "*" + in_quotes(":" + name);
    }
  }
  return all;
}

// The script first walks over the words before the cursor to find the command they name and its
// first argument, without options and their values. Then it completes the value of the preceding
// option, else options after a dash, else names of commands, names in the vault and files. bash
// also splits words at `=` and `:`, as in `--to=out` and `smtp://host`.
void print_bash(std::ostream& out, const Command& root) {
  std::string id = root.name;
  std::replace(id.begin(), id.end(), '-', '_');
  std::vector<const Command*> all;
  collect(root, all);
  out << "# bash completion for " << root.name << "\n_" << id << "() {\n"
      << "  local cur prev path first flags words word value i\n  cur=${COMP_WORDS[COMP_CWORD]}\n  "
         "prev=${COMP_WORDS[COMP_CWORD-1]}\n"
      << "  [[ $cur == = ]] && cur=\n"
      << "  [[ $prev == = ]] && prev=${COMP_WORDS[COMP_CWORD-2]}\n"
      << "  path=" << root.name << "\n"
      << "  for ((i = 1; i < COMP_CWORD; i++)); do\n    word=${COMP_WORDS[i]}\n"
      << "    if [[ $word == [=:]* ]]; then\n      value=\n      ((i++))\n      continue\n    fi\n"
      << "    if [[ -n $value ]]; then\n      value=\n      continue\n    fi\n"
      << "    case \"$path:$word\" in\n";
  for (const Command* command : all)
    if (const std::string valued = valued_of(*command, root, "|", false); !valued.empty())
      out << "      " << valued << ") value=1 ;;\n";
  out << "    esac\n    case \"$path $word\" in\n";
  for (const Command* command : all) {
    if (command == &root) continue;
    out << "      " << in_quotes(command->path) << ") path=" << in_quotes(command->path) << " first= ;;\n";
  }
  out << "      *) [[ -n $first || $word == -* ]] || first=$word ;;\n";
  out << "    esac\n  done\n  case \"$path:$prev\" in\n";
  for (const Command* command : all) {
    for (const Flag& flag : command->flags) {
      if (!flag.takes_value) continue;
      out << "    ";
      for (std::size_t i = 0; i < flag.names.size(); ++i) {
        out << (i != 0 ? "|" : "") << in_quotes(command->path) << (command == &root ? "*" : "")
            << in_quotes(":" + flag.names[i]);
      }
      if (!flag.choices.empty()) {
        out << ") COMPREPLY=($(compgen -W " << in_quotes(joined(flag.choices)) << " -- \"$cur\"))";
      } else if (flag.is_path) {
        out << ") compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))";
      } else {
        out << ") COMPREPLY=()";
      }
      out << "; return ;;\n";
    }
  }
  out << "  esac\n  case $path in\n";
  for (const Command* command : all) {
    out << "    " << in_quotes(command->path) << ") flags=" << in_quotes(flags_of(*command))
        << " words=" << in_quotes(children_of(*command));
    if (command->takes_ids) {
      out << "\n      [[ $cur == -* ]] || words=$(if [[ -z $first ]]; then " << names_command(*command)
          << "; else gw-store message list \"$first\"" << kIds << "; fi 2>/dev/null | tr '\\0' ' ')";
    } else if (!command->family.empty()) {
      out << "\n      [[ $cur == -* || -n $first ]] || words=$(" << names_command(*command)
          << " 2>/dev/null | tr '\\0' ' ')";
    }
    out << " ;;\n";
  }
  out << "  esac\n  [[ $cur == -* ]] && words=$flags\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\n"
      << "complete -o default -F _" << id << " " << root.name << "\n";
}

// Returns a condition that is true in fish if the command line has exactly the words of this
// command: `mailbox add`, and none of its subcommands.
std::string fish_condition(const Command& command) {
  std::string when;
  const std::vector<std::string_view> words = split(command.path, ' ');
  for (std::size_t i = 1; i < words.size(); ++i) {
    when +=
        (when.empty() ? "" : "; and ") + std::string("__fish_seen_subcommand_from ") + std::string(words[i]);
  }
  if (!command.children.empty()) {
    when += (when.empty() ? "" : "; and ") + std::string("not __fish_seen_subcommand_from");
    for (const Command& child : command.children) when += " " + child.name;
  }
  return when;
}

// Prints a function that prints the words before the cursor without options and their values, and
// returns its name.
std::string print_fish_words(std::ostream& out, const Command& root, const std::vector<const Command*>& all) {
  std::string name = "__" + root.name + "_words";
  std::replace(name.begin(), name.end(), '-', '_');
  out << "function " << name << "\n  set -l path " << root.name << "\n  set -l value no\n"
      << "  for word in (commandline -opc)\n"
      << "    if test $value = yes\n      set value no\n      continue\n    end\n"
      << "    switch \"$path:$word\"\n";
  for (const Command* command : all)
    if (const std::string valued = valued_of(*command, root, " ", true); !valued.empty())
      out << "      case " << valued << "\n        set value yes\n        continue\n";
  out << "      case '*:-*'\n        continue\n    end\n    switch \"$path $word\"\n";
  for (const Command* command : all)
    if (command != &root)
      out << "      case " << in_quotes(command->path) << "\n        set path " << in_quotes(command->path)
          << "\n";
  out << "    end\n    echo $word\n  end\nend\n";
  return name;
}

void print_fish(std::ostream& out, const Command& root) {
  out << "# fish completion for " << root.name << "\n";
  std::vector<const Command*> all;
  collect(root, all);
  const std::string walk = print_fish_words(out, root, all);
  for (const Command* command : all) {
    const std::string when = fish_condition(*command);
    const std::string condition = when.empty() ? "" : " -n " + in_quotes(when);
    for (const Command& child : command->children) {
      out << "complete -c " << root.name << condition << " -f -a " << child.name << " -d "
          << in_quotes(child.help) << "\n";
    }
    // The words before the cursor: those of the command, then its arguments. -0 separates names by
    // zero bytes; a name may contain spaces.
    const auto depth = std::to_string(split(command->path, ' ').size());
    const std::string words = "set -l w (" + walk + "); test (count $w) ";
    if (!command->family.empty())
      out << "complete -c " << root.name << condition << " -f -a '(" << words << "-le " << depth << "; and "
          << names_command(*command) << " 2>/dev/null | string split0)'\n";
    if (command->takes_ids)
      out << "complete -c " << root.name << condition << " -f -a '(" << words << "-gt " << depth
          << "; and gw-store message list $w[" << split(command->path, ' ').size() + 1 << "]" << kIds
          << " 2>/dev/null | string split0)'\n";
    for (const Flag& flag : command->flags) {
      out << "complete -c " << root.name << (command == &root ? "" : condition);
      for (const std::string& name : flag.names) {
        out << (name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1));
      }
      if (flag.takes_value) out << (flag.is_path ? " -r -F" : " -x");
      if (!flag.choices.empty()) out << " -a " << in_quotes(joined(flag.choices));
      out << " -d " << in_quotes(flag.help) << "\n";
    }
  }
}

// Brackets and colons have a meaning in the specifications of _arguments.
std::string zsh_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '[' || c == ']' || c == ':') out += '\\';
    out += c;
  }
  return out;
}

// Prints a loop that removes the words before the cursor that _arguments would take for arguments:
// `--option=value`, and options of the program itself after the name of a command.
void print_zsh_words(std::ostream& out, const Command& root) {
  out << "  local -i at\n  for ((at = CURRENT - 1; at > 1; at--)); do\n"
      << "    [[ $words[at] == --*=* ]] && words[at]=() && ((CURRENT--))\n";
  std::string valued;
  for (const Flag& flag : root.flags)
    for (const std::string& name : flag.names)
      if (flag.takes_value) valued += (valued.empty() ? "" : "|") + name;
  if (!root.children.empty() && !valued.empty())
    out << "    ((at + 1 < CURRENT)) && [[ $words[at] == (" << valued
        << ") ]] && words[at,at+1]=() && ((CURRENT -= 2))\n";
  out << "  done\n";
}

// Writes one function for each command; the functions of the subcommands come first.
void print_zsh_command(std::ostream& out, const Command& command, const std::string& function, bool root) {
  for (const Command& child : command.children)
    print_zsh_command(out, child, function + "_" + child.name, false);
  out << function << "() {\n  local line state\n";
  if (root) print_zsh_words(out, command);
  out << "  _arguments -C";
  for (const Flag& flag : command.flags) {
    for (const std::string& name : flag.names) {
      std::string spec = name + "[" + zsh_text(flag.help) + "]";
      if (flag.takes_value && !flag.choices.empty()) {
        spec += ":value:(" + joined(flag.choices) + ")";
      } else if (flag.takes_value) {
        spec += flag.is_path ? ":file:_files" : ":value:";
      }
      out << " \\\n    " << in_quotes(spec);
    }
  }
  if (command.children.empty()) {
    if (!command.family.empty())
      out << " \\\n    '1:name:{compadd -- ${(0)\"$(" << names_command(command) << " 2>/dev/null)\"}}'";
    if (command.takes_ids)
      out << " \\\n    '*:id:{compadd -- ${(0)\"$(gw-store message list \"$line[1]\"" << kIds
          << " 2>/dev/null)\"}}'\n}\n";
    else
      out << " \\\n    '*:file:_files'\n}\n";
    return;
  }
  out << " \\\n    '1: :->command' '*::arg:->args'\n  case $state in\n    command)\n      local -a "
         "commands=(";
  for (const Command& child : command.children) {
    out << "\n        " << in_quotes(child.name + ":" + zsh_text(child.help));
  }
  out << ")\n      _describe command commands ;;\n    args)\n      case $line[1] in\n";
  for (const Command& child : command.children) {
    out << "        " << child.name << ") " << function << "_" << child.name << " ;;\n";
  }
  out << "      esac ;;\n  esac\n}\n";
}

void print_zsh(std::ostream& out, const Command& root) {
  out << "#compdef " << root.name << "\n";
  print_zsh_command(out, root, "_" + root.name, true);
  out << "_" << root.name << " \"$@\"\n";
}

}  // namespace

Result<std::string> completion(const CLI::App& app, std::string_view shell) {
  const Command root = read_tree(app, "");
  std::ostringstream out;
  if (shell == "bash") {
    print_bash(out, root);
  } else if (shell == "zsh") {
    print_zsh(out, root);
  } else if (shell == "fish") {
    print_fish(out, root);
  } else {
    return Error(Code::Usage, "no completion for `" + printable(shell) + "`")
        .with_hint("use bash, zsh or fish");
  }
  return out.str();
}

}  // namespace gw::cli
