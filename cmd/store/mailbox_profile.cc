// gw-store mailbox profile and sender: print settings, ready to use, for the programs that fetch
// mail from a mailbox and for those that send mail to it.
#include <CLI/CLI.hpp>

#include "base/text.h"
#include "cli/output.h"
#include "store/mailbox.h"
#include "vault/setup_guide.h"

namespace gw::cmd {
namespace {

struct MailboxProfileOptions {
  std::string mailbox;
  std::string program;
  std::string host;
  std::string port;
  std::string ca_file;
  std::string language = "en";
};

Result<int> print(const Commands& commands, const MailboxProfileOptions& options, vault::RecipeEnd end) {
  const auto config = commands.config();
  if (!config) return config.error();
  auto store = commands.connect();
  if (!store) return store.error();
  const auto record = mailbox_named(**store, options.mailbox);
  if (!record) return record.error();
  const auto settings = vault::read_settings(**store);
  if (!settings) return settings.error();

  vault::Reach reach{options.host, options.port, options.ca_file};
  // The host name that other programs know: gw.toml of this host, else what `init` stored in the
  // vault.
  if (reach.host.empty()) reach.host = !config->host.empty() ? config->host : settings->host;
  if (reach.port.empty()) reach.port = end == vault::RecipeEnd::Drain ? config::pop3s_port(*config) : "25";
  const auto text = vault::recipe(end, options.program, *record, *settings, reach, options.language);
  if (!text) return Error(Code::Usage, "no settings for `" + options.program + "`");
  cli::Output output;
  output.data(as_bytes(*text));
  return output.close();
}

void add(Commands& commands, CLI::App& family, const std::string& name, const std::string& help,
         vault::RecipeEnd end) {
  auto options = std::make_shared<MailboxProfileOptions>();
  CLI::App* command =
      commands.add(family, name, help, [&commands, options, end] { return print(commands, *options, end); });
  std::vector<std::string> programs;
  // The programs are checked by CLI11, so that --help lists them.
  for (const std::string_view program : vault::recipe_programs(end)) programs.emplace_back(program);
  command->add_option("mailbox", options->mailbox, "Name, id or address")->type_name("NAME")->required();
  command->add_option("--for", options->program, "Print the settings for this program")
      ->required()
      ->check(CLI::IsMember(programs));
  command->add_option("--host", options->host, "Use this host name of the gateway")->type_name("NAME");
  command->add_option("--port", options->port, "Use this port")
      ->type_name("PORT")
      ->check([](const std::string& text) {
        const auto port = parse_number(text);
        return port && *port >= 1 && *port <= 65'535 ? "" : "`" + printable(text) + "` is not a port";
      });
  command
      ->add_option("--ca-file", options->ca_file,
                   "Use this CA file if the certificate is not publicly trusted")
      ->type_name("FILE");
  std::vector<std::string> languages;
  for (const std::string_view language : vault::recipe_languages()) languages.emplace_back(language);
  command->add_option("--language", options->language, "Explain the settings in this language (default en)")
      ->check(CLI::IsMember(languages));
}

}  // namespace

void add_mailbox_profile(Commands& commands, CLI::App& family) {
  add(commands, family, "profile", "Print settings for a program that fetches the mail",
      vault::RecipeEnd::Drain);
}

void add_mailbox_sender(Commands& commands, CLI::App& family) {
  add(commands, family, "sender", "Print settings for a program that sends the mail",
      vault::RecipeEnd::Sender);
}

}  // namespace gw::cmd
