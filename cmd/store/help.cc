#include "store/help.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/text.h"
#include "cli/output.h"

namespace gw::cmd {
namespace {

Result<int> help(CLI::App& root, const std::vector<std::string>& words) {
  CLI::App* command = &root;
  std::string path = root.get_name();
  for (const std::string& word : words) {
    const std::vector<CLI::App*> all = command->get_subcommands([](CLI::App*) { return true; });
    const auto next = std::ranges::find(all, word, [](const CLI::App* each) { return each->get_name(); });
    if (next == all.end()) {
      std::vector<std::string> names;
      for (const CLI::App* each : all) names.push_back(each->get_name());
      const std::vector<std::string_view> views(names.begin(), names.end());
      const std::string_view near = nearest(word, views);
      return Error(Code::Usage, "unknown command `" + word + "`")
          .with_hint(near.empty() ? "see " + path + " --help" : "did you mean `" + std::string(near) + "`?");
    }
    command = *next;
    path += " " + word;
  }
  cli::Output output;
  // App::help() would describe the command that was given, which is `help`.
  output.data(as_bytes(command->get_formatter()->make_help(command, path, CLI::AppFormatMode::Normal)));
  return output.close();
}

}  // namespace

void add_help(Commands& commands) {
  auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* command = commands.add(commands.root(), "help", "Print the help of a command",
                                   [&commands, words] { return help(commands.root(), *words); });
  command->add_option("COMMAND", *words, "Words of the command, such as mailbox add");
}

}  // namespace gw::cmd
