// gw-store recovery: the recipients that can open mailboxes whose password is lost.
#include "store/recovery.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/counted.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/password.h"
#include "store/format.h"
#include "vault/mailbox.h"
#include "vault/recovery.h"

namespace gw::cmd {
namespace {

struct RecoveryOptions {
  std::string recipient;  // add and remove
  std::string name;       // apply
  cli::PasswordOptions password;
  std::string recovery_key;
  bool json = false;
};

Result<seal::SecretKey> read_key(const std::string& file) {
  const auto text = cli::read_secret_file(file, true);
  if (!text) return text.error().within("cannot read the recovery key");
  auto key = seal::read_identity_file(text->text());
  if (!key) return key.error().within(file);
  return key;
}

Result<seal::PublicKey> read_recipient(const std::string& text) {
  const auto key = seal::parse_recipient(text);
  if (key) return *key;
  // Not repeated in the message, which may be logged.
  if (text.starts_with("AGE-SECRET-KEY-"))
    return Error(Code::Usage, "this is a secret key, not a recipient").with_hint("age-keygen -y FILE");
  if (text.starts_with("ssh-") || (text.starts_with("age1") && text.find('1', 4) != std::string::npos))
    return Error(Code::Usage, "`" + printable(text) + "`: only X25519 recipients of age are supported")
        .with_hint("age-keygen -o recovery.key");
  return Error(Code::Usage, "`" + printable(text) + "`: " + key.error().text())
      .with_hint("age-keygen -y FILE");
}

// A mailbox, and which recipients its recovery slot is sealed to.
struct Sealed {
  store::MailboxRecord mailbox;
  std::vector<Digest> to;
  std::optional<Error> damaged;  // why the slot cannot be read; `to` is empty then
};

bool opens(const vault::RecoveryRecipient& recipient, const Sealed& sealed) {
  return std::ranges::find(sealed.to, sha256(as_bytes(recipient.text))) != sealed.to.end();
}

// Checks whether the slot is sealed to exactly the recipients that are not removed.
bool up_to_date(const std::vector<vault::RecoveryRecipient>& recipients, const Sealed& sealed) {
  return std::ranges::all_of(
      recipients, [&](const vault::RecoveryRecipient& each) { return opens(each, sealed) != each.removed; });
}

struct RecoveryState {
  std::vector<vault::RecoveryRecipient> recipients;
  std::vector<Sealed> mailboxes;
};

Result<RecoveryState> read_state(store::Store& store) {
  RecoveryState state;
  auto recipients = vault::recovery_recipients(store);
  if (!recipients) return recipients.error();
  state.recipients = std::move(*recipients);
  const auto mailboxes = store.mailboxes();
  if (!mailboxes) return mailboxes.error();
  for (const store::MailboxRecord& mailbox : *mailboxes) {
    auto to = vault::recovery_slot_of(store, mailbox.id, state.recipients);
    // A damaged slot must not keep the other mailboxes from being sealed again.
    if (!to && to.error().code() == Code::Corrupt) {
      state.mailboxes.push_back({mailbox, {}, to.error()});
      continue;
    }
    if (!to) return to.error().within("mailbox " + mailbox.name);
    state.mailboxes.push_back({mailbox, std::move(*to), {}});
  }
  return state;
}

// Says which mailboxes are not sealed to the present recipients, and what to do.
void print_outdated(const RecoveryState& state, cli::Output& output) {
  for (const Sealed& sealed : state.mailboxes) {
    if (sealed.damaged) {
      output.line("damaged recovery slot: " + printable(sealed.mailbox.name));
    } else if (sealed.to.empty()) {
      output.line("no recovery: " + printable(sealed.mailbox.name));
    } else if (!up_to_date(state.recipients, sealed)) {
      output.line("still sealed to earlier recipients: " + printable(sealed.mailbox.name));
    } else {
      continue;
    }
    output.line("  gw-store recovery apply " + printable(sealed.mailbox.name));
  }
}

// Seals each mailbox that `key` opens to the present recipients. Returns how many it does not open,
// or have a damaged slot.
Result<std::size_t> reseal_all(const Commands& commands, store::Store& store, const seal::SecretKey& key) {
  const auto state = read_state(store);
  if (!state) return state.error();
  std::size_t failed = 0;
  for (const Sealed& sealed : state->mailboxes) {
    if (sealed.damaged) {
      ++failed;
      commands.program().report(sealed.damaged->within("mailbox " + sealed.mailbox.name));
      continue;
    }
    // A mailbox that was created without recovery stays without it.
    if (sealed.to.empty() || up_to_date(state->recipients, sealed)) continue;
    const auto ring = vault::unlock_with_recovery(store, sealed.mailbox, key);
    const auto done =
        ring ? vault::reseal_recovery(store, sealed.mailbox, *ring, kActor) : Result<void>(ring.error());
    if (done) continue;
    ++failed;
    commands.program().report(done.error().within("mailbox " + sealed.mailbox.name));
  }
  return failed;
}

Result<int> change(const Commands& commands, const RecoveryOptions& options, bool add) {
  const auto recipient = read_recipient(options.recipient);
  if (!recipient) return recipient.error();
  // The key is read before anything is changed.
  std::optional<seal::SecretKey> key;
  if (!options.recovery_key.empty()) {
    auto read = read_key(options.recovery_key);
    if (!read) return read.error();
    key = std::move(*read);
  }
  auto store = commands.connect();
  if (!store) return store.error();
  const auto changed = add ? vault::add_recovery_recipient(**store, *recipient, kActor)
                           : vault::remove_recovery_recipient(**store, *recipient, kActor);
  // The list may have been changed by a run that was interrupted before it sealed the mailboxes: with
  // a key, this one completes that.
  if (!changed && !(key && changed.error().code() == Code::Exists)) return changed.error();
  std::size_t failed = 0;
  if (key) {
    const auto resealed = reseal_all(commands, **store, *key);
    if (!resealed)
      return resealed.error().within("the recipient is " + std::string(add ? "added" : "removed"));
    failed = *resealed;
  }
  const auto state = read_state(**store);
  if (!state) return state.error();
  cli::Output output;
  output.line((add ? "added    " : "removed  ") + options.recipient);
  print_outdated(*state, output);
  if (!add)
    output.line(
        "Its owner can still open copies made before. gw-store mailbox rotate keeps new mail from them.");
  return output.close(failed == 0 ? kExitSuccess : kExitSomeFailed);
}

Result<int> list(const Commands& commands, const RecoveryOptions& options) {
  auto store = commands.connect();
  if (!store) return store.error();
  const auto state = read_state(**store);
  if (!state) return state.error();
  cli::Output output;
  cli::Table table({{"RECIPIENT"}, {"STATE"}, {"ADDED"}, {"OPENS"}});
  for (const vault::RecoveryRecipient& each : state->recipients) {
    Json names = Json::array();
    std::string shown;
    for (const Sealed& sealed : state->mailboxes) {
      if (!opens(each, sealed)) continue;
      names.push_back(valid_text(sealed.mailbox.name));
      shown += (shown.empty() ? "" : ", ") + sealed.mailbox.name;
    }
    const std::string present = each.removed ? "removed" : "present";
    if (options.json) {
      Json object;
      object["recipient"] = each.text;
      object["state"] = present;
      object["added_at"] = json_time(each.added);
      object["mailboxes"] = names;
      output.json(object);
    } else {
      table.row({each.text, present, each.added == 0 ? "with the vault" : shown_time(each.added),
                 shown.empty() ? "no mailbox" : shown});
    }
  }
  if (!options.json) {
    if (state->recipients.empty())
      output.line("none: if a password is lost, its mail is lost");
    else
      table.print(output);
    print_outdated(*state, output);
  }
  return output.close();
}

Result<int> apply(const Commands& commands, const RecoveryOptions& options) {
  std::optional<seal::SecretKey> key;
  if (!options.recovery_key.empty()) {
    if (options.password.given())
      return Error(Code::Usage, "a password and a recovery key cannot be used together");
    auto read = read_key(options.recovery_key);
    if (!read) return read.error();
    key = std::move(*read);
  }
  auto store = commands.connect();
  if (!store) return store.error();
  const auto mailbox = mailbox_named(**store, options.name);
  if (!mailbox) return mailbox.error();
  Result<seal::KeyRing> ring = seal::KeyRing();
  if (key) {
    ring = vault::unlock_with_recovery(**store, *mailbox, *key);
  } else {
    const auto password = options.password.read(mailbox->name);
    if (!password) return password.error();
    ring = vault::unlock(**store, *mailbox, *password);
  }
  if (!ring) return ring.error();
  if (auto done = vault::reseal_recovery(**store, *mailbox, *ring, kActor); !done) return done.error();
  cli::Output output;
  return output.close();
}

void declare_key(CLI::App& command, RecoveryOptions& options, const std::string& help) {
  command.add_option("--recovery-key-file", options.recovery_key, help)->type_name("FILE");
}

}  // namespace

void add_recovery(Commands& commands) {
  CLI::App* family = commands.add_family("recovery", "Manage the recovery recipients of the vault");
  {
    auto options = std::make_shared<RecoveryOptions>();
    CLI::App* command = commands.add(*family, "add", "Add a recovery recipient",
                                     [&commands, options] { return change(commands, *options, true); });
    command->add_option("RECIPIENT", options->recipient, "Recipient of age, age1…")->required();
    declare_key(*command, *options, "Seal mailboxes to it now, with this recovery key");
  }
  {
    auto options = std::make_shared<RecoveryOptions>();
    CLI::App* command = commands.add(*family, "remove", "Remove a recovery recipient",
                                     [&commands, options] { return change(commands, *options, false); });
    command->add_option("RECIPIENT", options->recipient, "Recipient of age, age1…")->required();
    declare_key(*command, *options, "Seal mailboxes to the others now, with this key");
  }
  {
    auto options = std::make_shared<RecoveryOptions>();
    CLI::App* command = commands.add(*family, "list", "List the recipients and what they can open",
                                     [&commands, options] { return list(commands, *options); });
    command->add_flag("--json", options->json, "Print JSON lines");
  }
  {
    auto options = std::make_shared<RecoveryOptions>();
    CLI::App* command = commands.add(*family, "apply", "Seal a mailbox to the present recipients",
                                     [&commands, options] { return apply(commands, *options); });
    command->add_option("MAILBOX", options->name, "Name, id or address")->required();
    options->password.declare(*command);
    declare_key(*command, *options, "Use a recovery key instead of the password");
  }
}

}  // namespace gw::cmd
