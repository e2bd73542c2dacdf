// gw-store mailbox passwd, key and rotate: the commands that need what opens a mailbox.
#include <CLI/CLI.hpp>

#include "cli/output.h"
#include "cli/password.h"
#include "store/format.h"
#include "store/mailbox.h"
#include "vault/mailbox.h"
#include "vault/recovery.h"

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
                  "Use the vault's recovery key instead of the password")
      ->type_name("FILE");
}

struct Opened {
  store::MailboxRecord record;
  Secret password;  // empty if the recovery key opened it
  seal::KeyRing ring;
};

Result<Opened> open(store::Store& store, const KeyOptions& options) {
  // Before the password is asked for, so that a wrong name is reported first.
  auto record = mailbox_named(store, options.name);
  if (!record) return record.error();
  if (!options.recovery_key.empty()) {
    // Two different keys could be meant to open it, and one may be wrong without being noticed.
    if (options.password.given())
      return Error(Code::Usage, "a password and a recovery key cannot be used together");
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

// Prints the new password and waits until it has been written (see after_showing()). A password
// that was given is not printed.
Result<void> show(cli::Output& output, const Secret& password, bool given, bool json) {
  if (json) {
    output.secret({}, json::with_secrets(Json::object(), {{"password", given ? nullptr : &password}}), "\n");
  } else if (!given) {
    output.secret("password  ", password, "\n");
    output.line("          Shown once: the vault does not store it.");
  }
  return output.sync();
}

Result<void> change(store::Store& store, const KeyOptions& options, const Secret& fresh, bool given,
                    cli::Output& output) {
  // The old password is checked before the new one is shown.
  const auto opened = open(store, options);
  if (!opened) return opened.error();
  if (auto shown = show(output, fresh, given, options.json); !shown) return shown;
  const auto changed = vault::change_password(store, opened->record, opened->ring, fresh, kActor);
  if (changed) return {};
  return after_showing(changed.error(), "the old password is still valid",
                       "either the old or the new password is valid",
                       "gw-store mailbox key " + opened->record.name + " --password-file FILE");
}

Result<void> reset(store::Store& store, const KeyOptions& options, const Secret& fresh, bool given,
                   cli::Output& output) {
  const auto record = mailbox_named(store, options.name);
  if (!record) return record.error();
  // A reset creates new keys: mail that is sealed to the old ones would be lost. So the mailbox
  // must be empty, and suspended so that nothing arrives in between. The store checks both again
  // when it makes the change.
  if (record->status != store::Status::Suspended)
    return Error(Code::Conflict, "the mailbox is not suspended")
        .with_hint("gw-store mailbox set " + record->name + " --status suspended");
  if (auto shown = show(output, fresh, given, options.json); !shown) return shown;
  const auto done = vault::reset_password(store, *record, fresh, kActor);
  if (done) return {};
  const Error error =
      after_showing(done.error(), "the password was not reset", "the password may have been reset",
                    "gw-store mailbox key " + record->name + " --password-file FILE");
  if (error.code() != Code::Conflict) return error;
  // With the recovery key, the password changes without new keys, and the mail stays readable.
  const auto recipients = vault::recovery_recipients(store);
  return error.with_hint(recipients && !recipients->empty()
                             ? "gw-store mailbox passwd " + record->name + " --recovery-key-file FILE"
                             : "gw-store message list " + record->name + " --state all");
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
  // A user who has a key does not need the reset, which loses the old keys.
  if (options.reset && (options.password.given() || !options.recovery_key.empty()))
    return Error(Code::Usage, "--reset cannot be used with a password or a recovery key");
  auto store = commands.connect();
  if (!store) return store.error();
  cli::Output output;
  const auto changed = options.reset ? reset(**store, options, *fresh, given, output)
                                     : change(**store, options, *fresh, given, output);
  if (!changed) return changed.error();
  if (!options.json) output.line("changed   the new password is now valid");
  const auto told = output.close();
  // The user must not take the error for a failure of the change.
  if (!told) return told.error().within("the new password is valid");
  // Last, since it can take minutes. Until then the old slot is still in the database's files, and
  // the old password opens it.
  if (options.purge)
    if (const auto purged = purge(**store); !purged)
      return purged.error().within("the new password is valid, but the purge failed");
  return 0;
}

// Prints the secret keys as age identities. The newest generation comes first, since age(1) tries
// them in this order and most mail is sealed to the newest.
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
      const Json object = json::generation_json(each->generation, each->public_half);
      output.secret({}, json::with_secrets(object, {{"identity", &identity}}), "\n");
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
  // The password is needed to seal the new password slot, which contains the keys of all
  // generations.
  const auto record =
      vault::rotate(**store, opened->record, std::move(opened->ring), opened->password, kActor);
  if (!record) return record.error();
  cli::Output output;
  const std::string recipient = seal::recipient(record->newest().public_key);
  if (options.json) {
    output.json(json::generation_json(record->newest().number, record->newest().public_key));
  } else {
    output.line("generation " + std::to_string(record->newest().number) + ", " + recipient);
  }
  return output.close();
}

}  // namespace

void add_mailbox_passwd(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<KeyOptions>();
  CLI::App* command = commands.add(family, "passwd", "Change the password; generate one unless given",
                                   [&commands, options] { return passwd(commands, *options); });
  declare(*command, *options);
  declare_recovery(*command, *options);
  command
      ->add_option("--new-password-file", options->fresh, "Read the new password from the first line of FILE")
      ->type_name("FILE");
  command->add_flag("--reset", options->reset, "Create new keys for a suspended and empty mailbox");
  command->add_flag("--purge", options->purge, "Also rewrite files so that the old slot is not in them");
  command->add_flag("--json", options->json, "Print a JSON line");
}

void add_mailbox_key(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<KeyOptions>();
  CLI::App* command = commands.add(family, "key", "Print the secret keys as age identities",
                                   [&commands, options] { return key(commands, *options); });
  declare(*command, *options);
  declare_recovery(*command, *options);
  command->add_flag("--json", options->json, "Print JSON lines");
}

void add_mailbox_rotate(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<KeyOptions>();
  CLI::App* command = commands.add(family, "rotate", "Create a new key, to which new mail is sealed",
                                   [&commands, options] { return rotate(commands, *options); });
  declare(*command, *options);
  command->add_flag("--json", options->json, "Print a JSON line");
}

}  // namespace gw::cmd
