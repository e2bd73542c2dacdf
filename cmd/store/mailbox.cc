#include "store/mailbox.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/file.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/password.h"
#include "cli/values.h"
#include "mail/address.h"
#include "store/format.h"
#include "store/set.h"
#include "store/test.h"
#include "vault/mailbox_settings.h"

namespace gw::cmd {
namespace {

CLI::Option* yes_or_no(CLI::App& app, const std::string& name, std::optional<bool>& to, const char* yes,
                       const char* no, const std::string& help) {
  return app
      .add_option_function<std::string>(
          name, [&to, yes = std::string(yes)](const std::string& word) { to = word == yes; }, help)
      ->check(CLI::IsMember({yes, no}));
}

void days_option(CLI::App& app, const std::string& name, std::optional<std::int64_t>& to,
                 const std::string& help) {
  app.add_option_function<std::string>(
         name,
         [&to, name](const std::string& text) {
           const auto days = parse_number(text);
           // A plain number is days; anything else a duration with a unit. 36500 days are 100
           // years, so the product does not overflow.
           const auto span =
               days ? std::optional(std::chrono::seconds(*days * 86'400)) : parse_duration(text);
           if (!span || (days && *days > 36'500))
             throw CLI::ValidationError(name, "`" + text + "` is not a number of days");
           to = span->count();
         },
         help)
      ->type_name("DAYS");
}

// `fresh`: for a new mailbox, whose settings have defaults.
void declare(CLI::App& app, vault::MailboxSettings& to, bool fresh) {
  const auto with = [&](const std::string& help, const std::string& normal) {
    return fresh ? help + " (default: " + normal + ")" : help;
  };
  app.add_option("--description", to.description, "Set a description")->type_name("TEXT");
  cli::list_option(app, "--alias", to.aliases, "ADDR", "Accept mail for this address too (repeatable)");
  cli::list_option(app, "--domain", to.domains, "DOMAIN", "Accept all mail of this domain (repeatable)");
  cli::list_option(app, "--allow", to.allow, "CIDR",
                   "Accept mail only from here, or microsoft365 (repeatable)");
  cli::size_option(app, "--quota", to.quota, with("Limit waiting mail to this many bytes", "0, no limit"));
  days_option(app, "--grace", to.grace, with("Keep drained mail for this long; 0: not at all", "1"));
  days_option(app, "--receipts", to.receipts,
              with("Keep removal records for this long; 0: not at all", "90"));
  app.add_option_function<std::string>(
         "--trace", [&to](const std::string& word) { to.trace = store::parse_trace(word); },
         with("Control the trace lines that POP3 adds to mail", "auto"))
      ->check(CLI::IsMember({"auto", "on", "off"}));
}

void declare_more(CLI::App& app, vault::MailboxSettings& to) {
  app.add_option_function<std::string>(
         "--status", [&to](const std::string& word) { to.status = store::parse_status(word); },
         "Accept new mail (active) or none (suspended)")
      ->check(CLI::IsMember({"active", "suspended"}));
  yes_or_no(app, "--hold", to.hold, "on", "off", "Place a legal hold: do not remove drained mail");
  yes_or_no(app, "--allow-miss", to.allow_reject, "reject", "defer",
            "Reject or defer mail from senders outside --allow");
  yes_or_no(app, "--require-tls", to.require_tls, "on", "off", "Require TLS from senders");
}

// `add` precedes the name of an option: `add-` for --add-alias.
Result<void> check(const vault::MailboxSettings& settings, const std::string& add = "") {
  const auto wrong = vault::first_wrong(settings);
  if (!wrong) return {};
  const Error error(Code::Usage, vault::text_of(*wrong));
  // The name is an argument of `add` and an option of `set`.
  if (wrong->field == vault::MailboxField::Name) return error;
  return error.within("--" + add + std::string(vault::words_of(wrong->field).option));
}

// Warns if the mailbox accepts mail from every sender under an address that can be guessed. The
// address with the mailbox's id has 128 random bits, and only those who were told it can send to
// it.
void warn_of_aliases(const Commands& commands, const store::MailboxRecord& record) {
  if (!vault::open_to_guesses(record) || commands.program().quiet()) return;
  commands.program().report(
      Error(Code::Usage, "warning: " + record.name + " accepts mail from anyone who guesses an alias")
          .with_hint("gw-store mailbox set " + record.name + " --allow CIDR"));
}

// Options of `mailbox add`.
struct MailboxAddOptions {
  vault::MailboxSettings settings;
  bool smtp_auth = false;
  bool no_recovery = false;
  bool json = false;
  cli::PasswordOptions password;
};

// Prints what is about to be created and waits until it has been written (see after_showing()).
Result<void> show(cli::Output& output, const store::MailboxRecord& record, const std::string& address,
                  const Secret& password, bool given, const std::optional<Secret>& token, bool json) {
  if (json) {
    const Json object = json::created_mailbox_json(record, address);
    const Secret* const shown = given ? nullptr : &password;
    output.secret({},
                  token ? json::with_secrets(object, {{"password", shown}, {"token", &*token}})
                        : json::with_secrets(object, {{"password", shown}}),
                  "\n");
    return output.sync();
  }
  output.line("name      " + record.name);
  output.line("id        " + record.id.hex());
  output.line("address   " + address);
  if (given) {
    output.line("password  as given");
  } else {
    output.secret("password  ", password, "\n");
  }
  if (token) output.secret("token     ", *token, "\n");
  output.line("grace     " + shown_span(record.grace));
  if (!given || token) output.line("          Shown once: the vault does not store it.");
  return output.sync();
}

Result<int> add(const Commands& commands, MailboxAddOptions& options) {
  if (auto good = check(options.settings); !good) return good.error();
  // Everything that can fail without the keeper comes first.
  auto password = options.password.read_given();
  if (!password) return password.error();
  const bool given = password->has_value();
  if (!given) *password = vault::generate_password();
  if (auto good = vault::check_password(**password); !good) return good.error();
  auto store = commands.connect();
  if (!store) return store.error();

  // The id is chosen here and not by the vault, because the address contains it, and is printed
  // before the mailbox exists.
  const vault::NewMailbox wanted{options.settings, !options.no_recovery, random_id<MailboxId>()};
  store::MailboxRecord record;
  record.id = *wanted.id;
  vault::apply(wanted, record);
  std::optional<Secret> token;
  if (options.smtp_auth) token = vault::generate_token();
  // Before the password is shown. add_mailbox() checks again.
  if (const auto found = vault::find_mailbox(**store, record.name); found)
    return Error(Code::Exists, "mailbox `" + record.name + "` already exists");
  const auto settings = vault::read_settings(**store);
  if (!settings) return settings.error();

  cli::Output output;
  if (auto shown =
          show(output, record, vault::address_of(record, *settings), **password, given, token, options.json);
      !shown)
    return shown.error();
  const auto made = vault::add_mailbox(**store, wanted, std::move(**password), kActor, std::move(token));
  if (!made)
    return after_showing(made.error(), "the mailbox was not created", "the mailbox may have been created",
                         "gw-store mailbox show " + record.name);
  warn_of_aliases(commands, made->record);
  return output.close();
}

// The options that change a list instead of replacing it.
struct ListEdits {
  std::optional<std::vector<std::string>> aliases, domains, allow;
};

struct MailboxSetOptions {
  std::string name;
  vault::MailboxSettings settings;
  ListEdits add, remove;
};

using Form = std::string (*)(const std::string&);

// Returns `list` without the texts of `remove` and with those of `add`, in their comparable form.
// nullopt if there is nothing to do. Fails with Usage if a text to be removed is not in the list:
// it is a typing error.
Result<std::optional<std::vector<std::string>>> edited(std::vector<std::string> list,
                                                       const std::optional<std::vector<std::string>>& add,
                                                       const std::optional<std::vector<std::string>>& remove,
                                                       Form form, const std::string& option) {
  if (!add && !remove) return std::optional<std::vector<std::string>>();
  for (const std::string& text : remove.value_or(std::vector<std::string>())) {
    if (std::erase_if(list, [&](const std::string& each) { return form(each) == form(text); }) == 0)
      return Error(Code::Usage, "--remove-" + option + ": the mailbox has no `" + text + "`");
  }
  for (const std::string& text : add.value_or(std::vector<std::string>()))
    if (std::ranges::find(list, form(text), form) == list.end()) list.push_back(text);
  return std::optional(std::move(list));
}

// Turns the options that edit lists into lists, which replace those of `before`.
Result<vault::MailboxSettings> change_of(const MailboxSetOptions& options,
                                         const store::MailboxRecord& before) {
  vault::MailboxSettings settings = options.settings;
  const auto shows = "gw-store mailbox show " + before.name;
  const Form plain = [](const std::string& text) { return text; };
  const auto aliases = edited(
      before.aliases, options.add.aliases, options.remove.aliases,
      [](const std::string& text) { return mail::comparable(text); }, "alias");
  if (!aliases) return aliases.error().with_hint(shows);
  const auto domains = edited(
      before.domains, options.add.domains, options.remove.domains,
      [](const std::string& text) { return mail::comparable_domain(text); }, "domain");
  if (!domains) return domains.error().with_hint(shows);
  // The mailbox has the blocks of a sender list and not its name.
  const auto blocks = [](const std::optional<std::vector<std::string>>& senders) {
    return senders ? std::optional(vault::expand_senders(*senders)) : std::nullopt;
  };
  const auto allow =
      edited(before.allow, blocks(options.add.allow), blocks(options.remove.allow), plain, "allow");
  if (!allow) return allow.error().with_hint(shows);
  // An empty list means everyone.
  if (*allow && (*allow)->empty()) {
    return Error(Code::Usage, "--remove-allow: without any block, everyone could send")
        .with_hint("gw-store mailbox set " + before.name + " --allow ''");
  }
  if (*aliases) settings.aliases = *aliases;
  if (*domains) settings.domains = *domains;
  if (*allow) settings.allow = *allow;
  return settings;
}

Result<int> set(const Commands& commands, MailboxSetOptions& options) {
  if (auto good = check(options.settings); !good) return good.error();
  vault::MailboxSettings added;
  added.aliases = options.add.aliases;
  added.domains = options.add.domains;
  added.allow = options.add.allow;
  if (auto good = check(added, "add-"); !good) return good.error();
  auto store = commands.connect();
  if (!store) return store.error();
  const auto before = mailbox_named(**store, options.name);
  if (!before) return before.error();
  const auto change = change_of(options, *before);
  if (!change) return change.error();
  const auto now = vault::change_mailbox(**store, *before, *change, kActor);
  if (!now) return now.error();
  // The same version: nothing has changed, and the warning was given before.
  if (now->version != before->version) warn_of_aliases(commands, *now);
  return 0;
}

}  // namespace

void add_mailbox_add(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<MailboxAddOptions>();
  CLI::App* command = commands.add(family, "add", "Create a mailbox, print its address and password once",
                                   [&commands, options] { return add(commands, *options); });
  command->add_option("NAME", options->settings.name, "a-z 0-9 . _ -, at most 64")->required();
  declare(*command, options->settings, true);
  command->add_flag("--smtp-auth", options->smtp_auth, "Require a token from senders, printed once");
  command->add_flag("--no-recovery", options->no_recovery,
                    "Do not seal its keys to the vault's recovery key");
  options->password.declare(*command);
  command->add_flag("--json", options->json, "Print a JSON line");
}

void add_mailbox_set(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<MailboxSetOptions>();
  CLI::App* command = commands.add(family, "set", "Change the settings of a mailbox",
                                   [&commands, options] { return set(commands, *options); });
  command->add_option("NAME", options->name, "Name, id or address")->required();
  command->add_option("--name", options->settings.name, "Rename the mailbox")->type_name("NAME");
  declare(*command, options->settings, false);
  declare_more(*command, options->settings);
  const auto edit = [&](const std::string& option, const std::string& type, auto& add, auto& remove,
                        const std::string& what) {
    cli::list_option(*command, "--add-" + option, add, type, "Add to " + what + " (repeatable)");
    cli::list_option(*command, "--remove-" + option, remove, type, "Remove from " + what + " (repeatable)");
    for (const char* how : {"--add-", "--remove-"})
      command->get_option("--" + option)->excludes(command->get_option(how + option));
  };
  edit("alias", "ADDR", options->add.aliases, options->remove.aliases, "the aliases");
  edit("domain", "DOMAIN", options->add.domains, options->remove.domains, "the domains");
  edit("allow", "CIDR", options->add.allow, options->remove.allow, "the permitted senders");
  require_change(*command);
}

void add_mailbox(Commands& commands) {
  CLI::App& family = *commands.add_family("mailbox", "Manage mailboxes, their passwords and keys");
  add_mailbox_add(commands, family);
  add_mailbox_list(commands, family);
  add_mailbox_show(commands, family);
  add_mailbox_set(commands, family);
  add_mailbox_passwd(commands, family);
  add_mailbox_key(commands, family);
  add_mailbox_rotate(commands, family);
  add_mailbox_profile(commands, family);
  add_mailbox_sender(commands, family);
  add_mailbox_test(commands, family);
  add_mailbox_remove(commands, family);
}

}  // namespace gw::cmd
