// gw-store admin: accounts of the console, gw-webd.
//
// A person who lost a password or second factor also gets a new one here: every user of the admin
// socket may reset it, and the console applies the change immediately. All changes are recorded in
// the vault's history.
#include <CLI/CLI.hpp>

#include "cli/output.h"
#include "cli/password.h"
#include "cli/program.h"
#include "cli/values.h"
#include "store/commands.h"
#include "store/format.h"
#include "store/set.h"
#include "vault/account.h"
#include "vault/mailbox.h"
#include "vault/name_hint.h"

namespace gw::cmd {
namespace {

// The properties that the options name. nullopt: the option was not given, and the property stays
// unchanged.
struct AdminChange {
  std::optional<std::string> role, language, disabled;
  std::optional<std::vector<std::string>> only;
};

struct AdminOptions {
  std::string name;
  AdminChange said;
  cli::PasswordOptions password;
  bool no_totp = false;
  bool force = false;
  bool json = false;
};

vault::LastAdministrator last_ruler(bool force) {
  return force ? vault::LastAdministrator::MayGo : vault::LastAdministrator::Stays;
}

// Names --force in the error if the change would remove the last administrator, and sets the exit
// status, so that scripts see that it was refused. The vault reports that as a Conflict with a hint; a
// Conflict without a hint is a concurrent change.
Error refused_without_force(const vault::Account& before, const Error& error) {
  if (error.code() != Code::Conflict || error.hint().empty() || !before.rules()) return error;
  return Error(error.code(), error.text() + "; --force changes it anyway")
      .with_hint(error.hint())
      .with_exit_status(kExitDenied);
}

void declare(CLI::App& app, AdminChange& to, bool required) {
  app.add_option("--role", to.role, "Set the role")
      ->check(CLI::IsMember({"viewer", "operator", "administrator"}))
      ->required(required);
  cli::list_option(app, "--only", to.only, "PATTERN",
                   "Limit to mailboxes and routes like sales-* (repeatable)");
  app.add_option("--language", to.language, "Set the language (default: the browser's)")
      // The empty word stands for the language of the browser.
      ->check(CLI::IsMember({"", "en", "it", "de"}));
}

Result<vault::Account> account_named(store::Store& store, const std::string& name) {
  auto found = vault::find_account(store, name);
  if (found || found.error().code() != Code::NotFound) return found;
  std::vector<std::string> names;
  if (const auto all = vault::accounts(store))
    for (const vault::Account& account : *all) names.push_back(account.name);
  return found.error().with_hint(vault::name_hint(name, names, "gw-store admin list"));
}

void apply(const AdminChange& said, vault::Account& account) {
  if (said.role) account.role = *vault::parse_role(*said.role);
  if (said.only) account.only = *said.only;
  if (said.language) account.language = *said.language;
  if (said.disabled) account.disabled = *said.disabled == "on";
}

Result<void> usage_unless_valid(const vault::Account& account) {
  const Result<void> valid = vault::check_account(account);
  // check_account() complains about something that was given on the command line.
  if (!valid) return Error(Code::Usage, valid.error().text());
  return {};
}

// Prints the password, unless it was given, and waits until it has been written (see
// after_showing()).
Result<void> show(cli::Output& output, const vault::Account& account, const Secret& password, bool given,
                  bool json) {
  if (json) {
    const Json object{{"name", account.name}, {"role", vault::name(account.role)}};
    output.secret({}, json::with_secrets(object, {{"password", given ? nullptr : &password}}), "\n");
    return output.sync();
  }
  output.line("name      " + account.name);
  output.line("role      " + std::string(vault::name(account.role)));
  if (given) {
    output.line("password  as given");
  } else {
    output.secret("password  ", password, "\n");
    output.line("          Shown once: the vault does not store it.");
  }
  return output.sync();
}

// Returns the password that was given, or a new one. A given password is checked, because people
// choose weak ones.
struct Password {
  Secret text;
  bool given = false;
};
Result<Password> password_of(const AdminOptions& options) {
  auto given = options.password.read_given();
  if (!given) return given.error();
  if (!*given) return Password{vault::generate_password(), false};
  if (auto good = vault::check_password(**given); !good) return good.error();
  return Password{std::move(**given), true};
}

Result<int> add(const Commands& commands, const AdminOptions& options) {
  vault::Account wanted;
  wanted.name = options.name;
  apply(options.said, wanted);
  if (auto valid = usage_unless_valid(wanted); !valid) return valid.error();
  // Before the connection: the user may take long to type it, and a bad password needs no keeper.
  auto password = password_of(options);
  if (!password) return password.error();
  auto store = commands.connect();
  if (!store) return store.error();
  // Before the password is shown: add_account() would notice too, but then the user would already
  // have a useless password on the screen.
  if (const auto found = vault::find_account(**store, wanted.name); found)
    return Error(Code::Exists, "account `" + wanted.name + "` already exists");
  cli::Output output;
  if (auto shown = show(output, wanted, password->text, password->given, options.json); !shown)
    return shown.error();
  const auto made = vault::add_account(**store, wanted, std::move(password->text), kActor);
  if (!made)
    return after_showing(made.error(), "the account was not created", "the account may have been created",
                         "gw-store admin list");
  return output.close();
}

struct AdminListOptions {
  bool json = false;
  bool names = false;
};

Result<int> list(const Commands& commands, const AdminListOptions& options) {
  auto store = commands.connect();
  if (!store) return store.error();
  const auto all = vault::accounts(**store);
  if (!all) return all.error();
  cli::Output output;
  cli::Table table({{"NAME"}, {"ROLE"}, {"ONLY"}, {"SECOND FACTOR"}, {"STATUS"}, {"PASSWORD SINCE"}});
  for (const vault::Account& account : *all) {
    if (options.names) {
      output.data(as_bytes(account.name + std::string(1, '\0')));
      continue;
    }
    if (options.json) {
      output.json(json::account_json(account));
      continue;
    }
    table.row({account.name, std::string(vault::name(account.role)),
               account.only.empty() ? "everything" : joined(account.only, ""),
               account.has_totp() ? "yes" : "no", account.disabled ? "disabled" : "active",
               rfc3339(account.password_since)});
  }
  if (!options.json && !options.names) table.print(output);
  return output.close();
}

Result<int> set(const Commands& commands, const AdminOptions& options) {
  auto store = commands.connect();
  if (!store) return store.error();
  auto account = account_named(**store, options.name);
  if (!account) return account.error();
  const vault::Account before = *account;
  apply(options.said, *account);
  if (auto valid = usage_unless_valid(*account); !valid) return valid.error();
  // Without a change there is no entry in the history, so a script may repeat the command.
  const bool changed = account->role != before.role || account->only != before.only ||
                       account->language != before.language || account->disabled != before.disabled;
  if (changed) {
    // For the history: disabling is the more important message if both changed.
    const std::string what = account->disabled != before.disabled
                                 ? (account->disabled ? "disabled" : "enabled")
                                 : "role " + std::string(vault::name(account->role)) +
                                       (account->only.empty() ? "" : ", only " + joined(account->only, ""));
    account = vault::change_account(**store, std::move(*account), what, kActor, last_ruler(options.force));
    if (!account) return refused_without_force(before, account.error());
  }
  // A change of its own: removing a second factor has its own history entry.
  if (options.no_totp && account->has_totp())
    if (auto done = vault::set_totp(**store, std::move(*account), std::nullopt, kActor); !done)
      return done.error();
  return 0;
}

Result<int> passwd(const Commands& commands, const AdminOptions& options) {
  auto password = password_of(options);
  if (!password) return password.error();
  auto store = commands.connect();
  if (!store) return store.error();
  auto account = account_named(**store, options.name);
  if (!account) return account.error();
  // The second factor's secret is sealed with keys of the password (vault/account.h), and cannot be
  // opened without the old one.
  if (account->has_totp() && !options.no_totp)
    return Error(Code::Conflict,
                 "the second factor of `" + account->name + "` cannot be kept with a new password")
        .with_hint("gw-store admin passwd " + account->name + " --no-totp");
  cli::Output output;
  if (auto shown = show(output, *account, password->text, password->given, options.json); !shown)
    return shown.error();
  const auto made =
      vault::reset_password(**store, std::move(*account), std::move(password->text), options.no_totp, kActor);
  if (!made)
    return after_showing(made.error(), "the old password is still valid",
                         "either the old or the new password is valid",
                         "gw-store admin passwd " + options.name);
  if (!options.json) output.line("changed   the new password is now valid");
  const auto told = output.close();
  // The password is in force even if the confirmation could not be written; the error has to say
  // so.
  return told ? told : Result<int>(told.error().within("the new password is valid"));
}

Result<int> remove(const Commands& commands, const AdminOptions& options) {
  auto store = commands.connect();
  if (!store) return store.error();
  const auto account = account_named(**store, options.name);
  if (!account) return account.error();
  if (auto gone = vault::remove_account(**store, *account, kActor, last_ruler(options.force)); !gone)
    return refused_without_force(*account, gone.error());
  return 0;
}

void declare_add(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<AdminOptions>();
  CLI::App* command = commands.add(family, "add", "Create an account, print its password once",
                                   [&commands, options] { return add(commands, *options); });
  command->add_option("NAME", options->name, "a-z 0-9 . _ -, at most 64")->required();
  declare(*command, options->said, true);
  options->password.declare(*command);
  command->add_flag("--json", options->json, "Print JSON lines");
}

void declare_set(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<AdminOptions>();
  CLI::App* command = commands.add(family, "set", "Change an account, effective immediately",
                                   [&commands, options] { return set(commands, *options); });
  command->add_option("NAME", options->name, "Name of the account")->required();
  declare(*command, options->said, false);
  command->add_option("--disabled", options->said.disabled, "Disable or enable signing in")
      ->check(CLI::IsMember({"on", "off"}));
  command->add_flag("--no-totp", options->no_totp, "Remove the second factor");
  // Before --force, which alone changes nothing.
  require_change(*command);
  command->add_flag("--force", options->force, "Also change the last administrator");
}

void declare_passwd(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<AdminOptions>();
  CLI::App* command = commands.add(family, "passwd", "Set a new password; the old one is not needed",
                                   [&commands, options] { return passwd(commands, *options); });
  command->add_option("NAME", options->name, "Name of the account")->required();
  options->password.declare(*command);
  command->add_flag("--no-totp", options->no_totp, "Remove the second factor, which needs the old password");
  command->add_flag("--json", options->json, "Print JSON lines");
}

void declare_rest(Commands& commands, CLI::App& family) {
  auto listed = std::make_shared<AdminListOptions>();
  CLI::App* listing = commands.add(family, "list", "List the accounts",
                                   [&commands, listed] { return list(commands, *listed); });
  CLI::Option* json = listing->add_flag("--json", listed->json, "Print JSON lines");
  listing->add_flag("-0,--null", listed->names, "Print only the names, each followed by NUL")->excludes(json);
  auto options = std::make_shared<AdminOptions>();
  CLI::App* removing = commands.add(family, "remove", "Remove an account and end its sessions",
                                    [&commands, options] { return remove(commands, *options); });
  removing->add_option("NAME", options->name, "Name of the account")->required();
  removing->add_flag("--force", options->force, "Also remove the last administrator");
}

}  // namespace

void add_admin(Commands& commands) {
  CLI::App& family = *commands.add_family("admin", "Manage the accounts of the console (gw-webd)");
  declare_add(commands, family);
  declare_set(commands, family);
  declare_passwd(commands, family);
  declare_rest(commands, family);
}

}  // namespace gw::cmd
