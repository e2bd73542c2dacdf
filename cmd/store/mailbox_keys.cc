// gw-store mailbox passwd, key and rotate: what opens a mailbox.
#include <CLI/CLI.hpp>

#include "cli/output.h"
#include "cli/password.h"
#include "store/format.h"
#include "store/mailbox.h"
#include "vault/mailbox.h"

namespace gw::cmd {
namespace {

struct KeyOptions {
  std::string name;
  cli::PasswordOptions password;
  std::string recovery_key;  // passwd and key only
  std::string fresh;         // passwd only
  bool reset = false;        // passwd only
  bool purge = false;        // passwd only
  bool json = false;
};

void declare(CLI::App& app, KeyOptions& options) {
  app.add_option("NAME", options.name, "Name, id or address")->required();
  options.password.declare(app);
}

CLI::Option* declare_recovery(CLI::App& app, KeyOptions& options) {
  return app
      .add_option("--recovery-key-file", options.recovery_key,
                  "Open it with the vault's recovery key instead")
      ->type_name("FILE");
}

struct Opened {
  store::MailboxRecord record;
  Secret password;  // empty where the recovery key opened it
  seal::KeyRing ring;
};

Result<Opened> open(store::Store& store, const KeyOptions& options) {
  auto record = mailbox_named(store, options.name);
  if (!record) return record.error();
  if (!options.recovery_key.empty()) {
    if (options.password.given())
      return Error(Code::Usage, "either the password or the recovery key opens it");
    const auto text = cli::read_secret_file(options.recovery_key, true);
    if (!text) return text.error().within("cannot read the recovery key");
    const auto key = seal::read_identity_file(text->text());
    if (!key) return key.error().within(options.recovery_key);
    auto ring = vault::unlock_with_recovery(store, *record, *key);
    if (!ring) return ring.error();
    return Opened{std::move(*record), Secret(), std::move(*ring)};
  }
  auto password = options.password.read(record->name);
  if (!password) return password.error();
  auto ring = vault::unlock(store, *record, *password);
  if (!ring) return ring.error();
  return Opened{std::move(*record), std::move(*password), std::move(*ring)};
}

// Prints the new password and waits until it has arrived. One that was given is known already.
Result<void> show(cli::Output& output, const Secret& password, bool given, bool json) {
  if (json && given) {
    output.octets(as_bytes(std::string_view("{\"password\":null}\n")));
  } else if (json) {
    output.secret("{\"password\":\"", password, "\"}\n");
  } else if (!given) {
    output.secret("password  ", password, "\n");
    output.line("          Shown once: the vault does not know it.");
  }
  return output.sync();
}

Result<void> change(store::Store& store, const KeyOptions& options, const Secret& fresh, bool given,
                    cli::Output& output) {
  const auto opened = open(store, options);
  if (!opened) return opened.error();
  if (auto shown = show(output, fresh, given, options.json); !shown) return shown;
  const auto changed = vault::change_password(store, opened->record, opened->ring, fresh, kActor);
  if (changed) return {};
  return after_showing(
      changed.error(), "the old password stays in force",
      "either the new password is in force or the old one",
      "gw-store mailbox key " + opened->record.name + " --password-file FILE succeeds with the one in force");
}

Result<void> reset(store::Store& store, const KeyOptions& options, const Secret& fresh, bool given,
                   cli::Output& output) {
  const auto record = mailbox_named(store, options.name);
  if (!record) return record.error();
  if (record->status != store::Status::Suspended)
    return Error(Code::Conflict, "the mailbox is not suspended")
        .with_hint("gw-store mailbox set " + record->name + " --status suspended");
  if (auto shown = show(output, fresh, given, options.json); !shown) return shown;
  const auto done = vault::reset_password(store, *record, fresh, kActor);
  if (done) return {};
  const Error error = after_showing(
      done.error(), "the password was not reset", "perhaps the password was reset",
      "gw-store mailbox key " + record->name + " --password-file FILE succeeds with the one in force");
  if (error.code() != Code::Conflict) return error;
  return error.with_hint(
      "only a suspended mailbox that holds no message is reset; otherwise the old password or "
      "--recovery-key-file opens it");
}

Result<int> passwd(const Commands& commands, const KeyOptions& options) {
  std::optional<Secret> fresh;
  if (!options.fresh.empty()) {
    auto read = cli::read_secret_file(options.fresh);
    if (!read) return read.error().within("cannot read the new password");
    if (auto good = vault::check_password(*read); !good) return good.error();
    fresh = std::move(*read);
  }
  const bool given = fresh.has_value();
  if (!given) fresh = vault::generate_password();
  if (options.reset && (options.password.given() || !options.recovery_key.empty()))
    return Error(Code::Usage, "--reset is for a mailbox that nothing opens any more");
  auto store = commands.connect();
  if (!store) return store.error();
  cli::Output output;
  const auto changed = options.reset ? reset(**store, options, *fresh, given, output)
                                     : change(**store, options, *fresh, given, output);
  if (!changed) return changed.error();
  if (!options.json) output.line("in force  the new password");
  const auto told = output.close();
  if (!told) return told.error().within("the new password is in force");
  if (options.purge)
    if (const auto purged = purge(**store); !purged)
      return purged.error().within("the new password is in force; the purge");
  return 0;
}

// Identities as age reads them: the newest generation first, since most mail is sealed to it.
Result<int> key(const Commands& commands, const KeyOptions& options) {
  auto store = commands.connect();
  if (!store) return store.error();
  const auto opened = open(**store, options);
  if (!opened) return opened.error();
  cli::Output output;
  for (auto each = opened->ring.keys.rbegin(); each != opened->ring.keys.rend(); ++each) {
    const std::string recipient = seal::recipient(each->public_half);
    const Secret identity = seal::identity(each->secret);
    if (options.json) {
      output.secret("{\"generation\":" + std::to_string(each->generation) + ",\"recipient\":\"" + recipient +
                        "\",\"identity\":\"",
                    identity, "\"}\n");
    } else {
      output.line("# " + opened->record.name + ", generation " + std::to_string(each->generation) +
                  ", public key: " + recipient);
      output.secret("", identity, "\n");
    }
  }
  return output.close();
}

Result<int> rotate(const Commands& commands, const KeyOptions& options) {
  auto store = commands.connect();
  if (!store) return store.error();
  auto opened = open(**store, options);
  if (!opened) return opened.error();
  const auto record =
      vault::rotate(**store, opened->record, std::move(opened->ring), opened->password, kActor);
  if (!record) return record.error();
  cli::Output output;
  const std::string recipient = seal::recipient(record->newest().public_key);
  if (options.json) {
    output.json({{"generation", record->newest().number}, {"recipient", recipient}});
  } else {
    output.line("generation " + std::to_string(record->newest().number) + ", " + recipient);
  }
  return output.close();
}

}  // namespace

void add_mailbox_passwd(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<KeyOptions>();
  CLI::App* command = commands.add(family, "passwd", "Change the password; a new one is made unless given",
                                   [&commands, options] { return passwd(commands, *options); });
  declare(*command, *options);
  declare_recovery(*command, *options);
  command->add_option("--new-password-file", options->fresh, "The new password is the first line of FILE")
      ->type_name("FILE");
  command->add_flag("--reset", options->reset,
                    "New keys for a suspended and empty one, without the old password");
  command->add_flag("--purge", options->purge, "And rewrite files until the old slot is not in them");
  command->add_flag("--json", options->json, "Print a JSON line");
}

void add_mailbox_key(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<KeyOptions>();
  CLI::App* command = commands.add(family, "key", "Print the secret keys as age identities, for rescue",
                                   [&commands, options] { return key(commands, *options); });
  declare(*command, *options);
  declare_recovery(*command, *options);
  command->add_flag("--json", options->json, "Print JSON lines");
}

void add_mailbox_rotate(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<KeyOptions>();
  CLI::App* command = commands.add(family, "rotate", "Make a new key; new mail is sealed to it",
                                   [&commands, options] { return rotate(commands, *options); });
  declare(*command, *options);
  command->add_flag("--json", options->json, "Print a JSON line");
}

}  // namespace gw::cmd
