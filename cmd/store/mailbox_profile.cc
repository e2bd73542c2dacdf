// gw-store mailbox profile and sender: what to set at the programs at both ends, ready to use.
#include <CLI/CLI.hpp>
#include <map>

#include "base/text.h"
#include "cli/output.h"
#include "store/format.h"
#include "store/mailbox.h"
#include "store/mailbox_recipes.h"
#include "vault/mailbox.h"

namespace gw::cmd {
namespace {

struct Options {
  std::string mailbox;
  std::string program;
  std::string host;
  std::string port;
  std::string ca_file;
};

using Values = std::map<std::string, std::string, std::less<>>;

// `{name}` becomes its value. A line with `{?name}` stays, without that mark, only where the value is not
// empty.
std::string filled(std::string_view recipe, const Values& values) {
  std::string text;
  for (std::string_view line : split(recipe, '\n')) {
    std::string out;
    bool wanted = true;
    for (std::size_t at = 0; at < line.size();) {
      const std::size_t end = line[at] == '{' ? line.find('}', at) : std::string_view::npos;
      const bool optional = end != std::string_view::npos && line[at + 1] == '?';
      const auto value =
          end == std::string_view::npos
              ? values.end()
              : values.find(line.substr(at + (optional ? 2 : 1), end - at - (optional ? 2 : 1)));
      if (value == values.end()) {
        out += line[at++];
        continue;
      }
      if (optional && value->second.empty()) wanted = false;
      if (!optional) out += value->second;
      at = end + 1;
    }
    if (wanted) text += out + "\n";
  }
  if (text.ends_with("\n\n")) text.pop_back();
  return text;
}

// The address of a listener with TLS from the start, as gw.toml names it, else 995.
std::string pop3s_port(const config::Config& config) {
  for (const std::string& where : config.pop3d.listen) {
    if (!where.ends_with(",tls")) continue;
    const std::string_view address = std::string_view(where).substr(0, where.size() - 4);
    return std::string(address.substr(address.rfind(':') + 1));
  }
  return "995";
}

Result<int> print(const Commands& commands, const Options& options, const Recipe* recipes, std::size_t count,
                  bool draining) {
  const auto config = commands.config();
  if (!config) return config.error();
  auto store = commands.connect();
  if (!store) return store.error();
  const auto record = mailbox_named(**store, options.mailbox);
  if (!record) return record.error();
  const auto settings = vault::read_settings(**store);
  if (!settings) return settings.error();

  Values values;
  values["name"] = record->name;
  values["id"] = record->id.hex();
  values["user"] = record->local_part();
  values["host"] = !options.host.empty()   ? options.host
                   : !config->host.empty() ? config->host
                                           : settings->host;
  values["domain"] = settings->host;
  values["address"] = record->local_part() + "@" + settings->host;
  values["port"] = !options.port.empty() ? options.port : draining ? pop3s_port(*config) : "25";
  values["ca"] = options.ca_file;
  values["grace"] = record->grace == 0 ? "not at all" : "for " + shown_span(record->grace);
  values["token"] = record->token_hash ? "yes" : "";

  const Recipe* const end = recipes + count;
  const Recipe* recipe =
      std::find_if(recipes, end, [&](const Recipe& r) { return r.program == options.program; });
  cli::Output output;
  output.octets(as_bytes(filled(recipe->text, values)));
  return output.close();
}

void add(Commands& commands, CLI::App& family, const std::string& name, const std::string& help,
         const Recipe* recipes, std::size_t count, bool draining) {
  auto options = std::make_shared<Options>();
  CLI::App* command = commands.add(family, name, help, [&commands, options, recipes, count, draining] {
    return print(commands, *options, recipes, count, draining);
  });
  std::vector<std::string> programs;
  for (std::size_t i = 0; i < count; ++i) programs.emplace_back(recipes[i].program);
  command->add_option("mailbox", options->mailbox, "Its name, id or address")->type_name("NAME")->required();
  command->add_option("--for", options->program, "The program")->required()->check(CLI::IsMember(programs));
  command->add_option("--host", options->host, "This gateway, as that program reaches it")->type_name("NAME");
  command->add_option("--port", options->port, "The port there")->type_name("PORT");
  command
      ->add_option("--ca-file", options->ca_file,
                   "What signs our certificate, where it is no public authority")
      ->type_name("FILE");
}

}  // namespace

void add_mailbox_profile(Commands& commands, CLI::App& family) {
  add(commands, family, "profile", "Print the settings of a program that drains it", kDrainRecipes.data(),
      kDrainRecipes.size(), true);
}

void add_mailbox_sender(Commands& commands, CLI::App& family) {
  add(commands, family, "sender", "Print what to set where the mail comes from", kSenderRecipes.data(),
      kSenderRecipes.size(), false);
}

}  // namespace gw::cmd
