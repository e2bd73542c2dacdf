// gw-store verify and checkpoint: verify checks that the vault is complete and intact; checkpoint
// prints a signed tree head to be kept elsewhere.
#include <CLI/CLI.hpp>

#include "base/counted.h"
#include "base/file.h"
#include "cli/output.h"
#include "cli/password.h"
#include "cli/progress.h"
#include "store/commands.h"
#include "store/format.h"
#include "vault/checkpoint.h"
#include "vault/mailbox.h"
#include "vault/maintenance_log.h"
#include "vault/verify.h"

namespace gw::cmd {
namespace {

struct VerifyOptions {
  std::string mailbox;
  bool json = false;
  std::optional<std::string> against;
  std::optional<std::string> public_key;
  cli::PasswordOptions password;
};

// Returns the key that checks this vault's checkpoints, as its keeper reports it.
Result<std::string> own_verifier(store::Store& store) {
  const auto health = store.health();
  if (!health) return health.error();
  if (health->verifier.empty()) return Error(Code::Config, "the keeper has no history key");
  return health->verifier;
}

Result<vault::Checkpoint> read_checkpoint(store::Store& store, const VerifyOptions& options) {
  const auto note = read_file(*options.against);
  if (!note) return note.error().within("cannot read the checkpoint");
  // The vault's own key suffices against damage. Against an attacker who controls the vault, the
  // user has to name the key that was kept elsewhere.
  const auto verifier = options.public_key ? Result<std::string>(*options.public_key) : own_verifier(store);
  if (!verifier) return verifier.error();
  return vault::open_checkpoint(*note, *verifier);
}

Result<vault::VerifyReport> check(const Commands& commands, store::Store& store,
                                  const VerifyOptions& options) {
  std::optional<vault::Checkpoint> checkpoint;
  if (options.against) {
    auto read = read_checkpoint(store, options);
    if (!read) return read.error();
    checkpoint = std::move(*read);
  }
  // Before the verification, which may take hours, so that a wrong password is reported
  // immediately.
  std::optional<store::MailboxRecord> mailbox;
  seal::KeyRing ring;
  if (!options.mailbox.empty()) {
    auto found = mailbox_named(store, options.mailbox);
    if (!found) return found.error();
    const auto password = options.password.read(found->name);
    if (!password) return password.error();
    auto opened = vault::unlock(store, *found, *password);
    if (!opened) return opened.error();
    mailbox = std::move(*found);
    ring = std::move(*opened);
  }
  cli::Progress progress("verified", 0, commands.program().quiet());
  const auto show = [&progress](std::uint64_t done) { progress.at(done); };
  auto report = vault::verify(store, show, checkpoint ? &*checkpoint : nullptr);
  if (!report || !mailbox) return report;
  const auto deep = vault::verify_deep(store, *mailbox, ring, show);
  if (!deep) return deep.error();
  report->findings.add_all(deep->findings);
  return report;
}

// Records the verification in the vault, for status, doctor and the console. The verification is
// valid even if that fails, e.g. because the vault is read-only, so the error is only printed.
void note(const Commands& commands, store::Store& store, const vault::VerifyReport& report) {
  const vault::VerifyNote note{now(), report.mailboxes, report.messages, report.findings.count()};
  if (auto noted = vault::note_verify(store, note, kActor); !noted)
    commands.program().report(noted.error().within("cannot record this verification in the vault"));
}

Result<int> verify(const Commands& commands, const VerifyOptions& options) {
  if (options.public_key && !options.against) return Error(Code::Usage, "--public-key requires --against");
  if (options.password.given() && options.mailbox.empty()) {
    return Error(Code::Usage, "a password was given, but no mailbox");
  }
  auto store = commands.connect();
  if (!store) return store.error();
  const auto report = check(commands, **store, options);
  if (!report) return report.error();
  // With --against nothing is recorded: a vault that was put back to an earlier state must not grow
  // beyond the size of the checkpoint just because it was examined.
  if (!options.against) note(commands, **store, *report);

  cli::Output output;
  for (const vault::Finding& finding : report->findings) {
    if (options.json) {
      Json object;
      object["mailbox"] = finding.mailbox.zero() ? Json() : Json(finding.mailbox.hex());
      object["message"] = finding.message ? Json(finding.message->hex()) : Json();
      json::put_text(object, "finding", finding.what);
      output.json(object);
    } else {
      output.line((finding.mailbox.zero() ? "vault" : "mailbox " + finding.mailbox.hex()) +
                  (finding.message ? ", message " + finding.message->hex() : "") + ": " + finding.what);
    }
  }
  if (const std::uint64_t more = report->findings.omitted(); more > 0)
    commands.program().report(Error(Code::Corrupt, counted(more, "more finding") + ", which are not listed"));
  if (options.json) {
    Json object;
    object["mailboxes"] = report->mailboxes;
    object["messages"] = report->messages;
    object["leaves"] = report->leaves;
    object["receipts"] = report->receipts;
    object["gaps"] = report->gaps;
    object["findings"] = report->findings.count();
    output.json(object);
  } else {
    output.line(counted(report->mailboxes, "mailbox", "mailboxes") + ", " +
                counted(report->messages, "message") + " and " +
                counted(report->leaves, "history entry", "history entries") + " checked" +
                (report->receipts == 0 ? "" : ", and " + counted(report->receipts, "removal record")) + ": " +
                (report->findings.empty() ? "all intact" : counted(report->findings.count(), "finding")) +
                (report->gaps == 0 ? "" : ", " + counted(report->gaps, "accepted gap")));
  }
  return output.close(report->findings.empty() ? kExitSuccess : kExitBadData);
}

Result<int> checkpoint(const Commands& commands, bool public_key) {
  cli::Output output;
  auto store = commands.connect();
  if (!store) return store.error();
  if (!public_key) {
    const auto note = (*store)->checkpoint(kActor);
    if (!note) return note.error();
    // The bytes of the note, unchanged, since they are what is signed.
    output.data(as_bytes(*note));
    return output.close();
  }
  const auto verifier = own_verifier(**store);
  if (!verifier) return verifier.error();
  output.line(*verifier);
  return output.close();
}

}  // namespace

void add_verify(Commands& commands) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* command = commands.add(commands.root(), "verify", "Verify the history and every message",
                                   [&commands, options] { return verify(commands, *options); });
  command->add_option("MAILBOX", options->mailbox, "Also open every message of this mailbox");
  command->add_option("--against", options->against, "Compare with a checkpoint that was kept elsewhere")
      ->type_name("FILE");
  command
      ->add_option("--public-key", options->public_key,
                   "Check the checkpoint with this key (else the vault's own)")
      ->type_name("KEY");
  options->password.declare(*command);
  command->add_flag("--json", options->json, "Print JSON lines");
}

void add_checkpoint(Commands& commands) {
  auto public_key = std::make_shared<bool>(false);
  CLI::App* command = commands.add(commands.root(), "checkpoint", "Print a signed checkpoint of the history",
                                   [&commands, public_key] { return checkpoint(commands, *public_key); });
  command->add_flag("--public-key", *public_key, "Print the key that verifies the signature");
}

}  // namespace gw::cmd
