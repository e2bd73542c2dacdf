// gw-store restore: makes a vault from a backup. Every file is checked, and the vault is opened and
// verified, before it gets its name.
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "backup/restore.h"
#include "base/counted.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/password.h"
#include "cli/progress.h"
#include "net/serve.h"
#include "seal/keypair.h"
#include "store/backup_list.h"
#include "store/commands.h"
#include "store/format.h"
#include "store/open/open_store.h"
#include "vault/checkpoint.h"
#include "vault/mailbox.h"
#include "vault/maintenance_log.h"
#include "vault/verify.h"

namespace gw::cmd {
namespace {

struct RestoreOptions {
  std::string from;
  std::string to;
  bool check = false;
  bool list = false;
  std::string history_key;
  std::string recovery_key;
  bool json = false;
};

// The content of the restored vault.
struct Restored {
  vault::VerifyReport report;
  std::uint64_t commits = 0;
  Micros last = 0;  // time of the newest leaf in any history, microseconds
};

class Restore {
 public:
  Restore(const Commands& commands, const RestoreOptions& options, backup::Source source)
      : commands_(commands),
        options_(options),
        source_(std::move(source)),
        against_{source_.heading().vault, source_.heading().history},
        copied_("bytes", source_.size(), commands.program().quiet()),
        verified_("verified", 0, commands.program().quiet()) {}

  Result<int> run() {
    // Keys are checked before anything is copied, which may take hours.
    if (auto read = read_keys(); !read) return read.error();
    if (options_.check) return check();
    // The newest backup of the directory was wanted, and an older one is restored.
    for (const std::string& name : source_.incomplete())
      if (options_.from + "/" + name > source_.path())
        commands_.program().report(Error(
            Code::NotFound, options_.from + "/" + name + ": has no manifest; an older backup is restored"));
    auto target = backup::Target::open(options_.to);
    if (!target) return target.error();
    if (auto room = target->room_for(source_.size()); !room) return room.error();
    const auto bad = source_.copy(&target->tree(), damaged(), pulse());
    if (!bad) return bad.error();
    // A partial restore is of no use: RocksDB refuses a database with a damaged file. gw-store
    // salvage reads what can be read.
    if (*bad > 0) {
      const Error error(Code::Corrupt, source_.path() + ": " + counted(*bad, "damaged file") +
                                           "; nothing was restored; an older backup may be intact");
      return give_up(error.with_hint("gw-store salvage " + source_.path() + " --to " + options_.to));
    }
    if (auto completed = complete(target->tree()); !completed) return completed.error();
    // From here on as the owner of the directory: opening the store creates files that the keeper
    // must be able to write.
    if (auto became = become_owner(target->folder()); !became) return became.error();
    const auto restored = open_and_verify(target->folder());
    if (!restored) return give_up(restored.error().within("the restored vault"));
    // Only a vault that was opened and verified gets its name. Findings do not prevent that: they
    // may have been in the vault when it was backed up. They are printed and determine the exit
    // status.
    if (auto published = target->publish(); !published) return published.error();
    return print(*restored);
  }

 private:
  // Reads the keys that were given, and checks them. A history key that did not sign the backup's
  // checkpoint belongs to another vault, or to an attacker who wants to sign a forged history.
  Result<void> read_keys() {
    if (!options_.history_key.empty()) {
      auto key = cli::read_secret_file(options_.history_key);
      if (!key) return key.error().within("cannot read the history key");
      if (auto signer = vault::make_signer(*key); !signer) return signer.error().within(options_.history_key);
      const backup::Heading& heading = source_.heading();
      // Then nothing proves that the key is the vault's own.
      if (heading.checkpoint.empty())
        return Error(Code::BadInput, "the backup has no checkpoint to check the history key with");
      const auto note = vault::open_checkpoint(heading.checkpoint, vault::verifier_key(*key, heading.vault));
      if (!note) return note.error().within(options_.history_key + ": does not match the backup");
      // The checkpoint is signed, so it counts for more than the tree head in the manifest.
      against_ = *note;
      history_key_ = std::move(*key);
    }
    if (options_.recovery_key.empty()) return {};
    const auto text = cli::read_secret_file(options_.recovery_key, true);
    if (!text) return text.error().within("cannot read the recovery key");
    auto key = seal::read_identity_file(text->text());
    if (!key) return key.error().within(options_.recovery_key);
    recovery_key_ = std::move(*key);
    return {};
  }

  backup::Pulse pulse() {
    return [this](std::uint64_t more) {
      copied_.at(size_ += more);
      return !net::stop::requested();
    };
  }

  backup::Source::Damaged damaged() {
    return [this](const std::string& name, std::string_view what) {
      finding(source_.path() + "/" + name, what);
    };
  }

  void finding(const std::string& about, std::string_view what) {
    if (options_.json) {
      Json object;
      json::put_text(object, "about", about);
      json::put_text(object, "finding", what);
      output_.json(object);
    } else {
      output_.line(about + ": " + std::string(what));
    }
  }

  // Prints what was found before the error.
  Result<int> give_up(const Error& error) {
    if (auto told = output_.flush(); !told) return told.error();
    return error;
  }

  Result<int> check() {
    const auto bad = source_.copy(nullptr, damaged(), pulse());
    if (!bad) return bad.error();
    // The newest backup may be one of these.
    for (const std::string& name : source_.incomplete())
      finding(options_.from + "/" + name, "has no manifest: this backup is incomplete");
    if (options_.json) {
      Json object = heading();
      object["damaged"] = *bad;
      output_.json(object);
    } else {
      output_.line("backup       " + source_.path());
      print_heading();
      output_.line(*bad == 0 ? std::string("state        intact") : "damaged      " + counted(*bad, "file"));
    }
    return output_.close(*bad > 0                       ? kExitBadData
                         : source_.incomplete().empty() ? kExitSuccess
                                                        : kExitSomeFailed);
  }

  // Adds what a backup does not contain: empty directories, and the history key if it was given.
  Result<void> complete(backup::Tree& tree) const {
    if (auto made = tree.make_folder("large/tmp"); !made) return made;
    if (history_key_.empty()) return {};
    // Composed in a Secret, which is wiped.
    Secret line(history_key_.size() + 1);
    std::copy(history_key_.view().begin(), history_key_.view().end(), line.span().begin());
    line.span().back() = std::byte{'\n'};
    if (auto written = tree.write("history.key", line.view()); !written) return written.error();
    return {};
  }

  Result<Restored> open_and_verify(const std::string& folder) {
    store::OpenOptions opening;
    opening.path = folder;
    auto store = store::open_store(opening);
    if (!store) return store.error();
    const auto health = (*store)->health();
    if (!health) return health.error();
    const backup::Heading& heading = source_.heading();
    // The store found on opening that commits are missing or that the database is damaged.
    if (!health->writable) return Error(Code::Corrupt, health->reason);
    if (health->vault != heading.vault)
      return Error(Code::Corrupt, "is not the vault that the manifest names");
    // More is possible: the write-ahead log of a snapshot may contain later commits.
    if (health->commits < heading.commits)
      return Error(Code::Corrupt, "ends at commit " + std::to_string(health->commits) +
                                      ", the manifest has " + std::to_string(heading.commits));
    Restored restored;
    restored.commits = health->commits;
    if (auto keys = check_keys(**store, restored.last); !keys) return keys.error();
    const vault::BackupNote note{heading.time, heading.commits, source_.files(), source_.size()};
    // Recorded before verification, so that the restore is part of the verified history, and so
    // that histories of the restored and the original vault differ from here on.
    if (auto noted = vault::note_restore(**store, note, kActor); !noted) return noted.error();
    auto report = vault::verify(
        **store, [this](std::uint64_t done) { verified_.at(done); }, &against_);
    if (!report) return report.error();
    for (const vault::Finding& each : report->findings) {
      finding((each.mailbox.zero() ? "vault" : "mailbox " + each.mailbox.hex()) +
                  (each.message ? ", message " + each.message->hex() : ""),
              each.what);
    }
    restored.report = std::move(*report);
    return restored;
  }

  // Checks that the recovery recipients are those in the vault's history, and that the recovery key,
  // if given, opens each mailbox. Sets `last` to the time of the newest leaf.
  Result<void> check_keys(store::Store& store, Micros& last) const {
    if (auto good = vault::check_recovery_recipient(store); !good) return good;
    const auto mailboxes = store.mailboxes();
    if (!mailboxes) return mailboxes.error();
    const auto head = store.history_head({});
    if (!head) return head.error();
    last = head->time;
    for (const store::MailboxRecord& mailbox : *mailboxes) {
      const auto its = store.history_head(mailbox.id);
      if (!its) return its.error();
      last = std::max(last, its->time);
      if (!recovery_key_) continue;
      const auto ring = vault::unlock_with_recovery(store, mailbox, *recovery_key_);
      // NotFound: a mailbox without a recovery slot, which was made with --no-recovery.
      if (!ring && ring.error().code() != Code::NotFound)
        return ring.error().within("the recovery key does not open mailbox " + mailbox.name);
    }
    return {};
  }

  Json heading() const {
    Json object;
    object["from"] = source_.path();
    object["vault"] = source_.heading().vault.hex();
    object["time"] = rfc3339(source_.heading().time);
    object["files"] = source_.files();
    object["octets"] = source_.size();
    return object;
  }

  void print_heading() {
    output_.line("vault        " + source_.heading().vault.hex());
    output_.line("created      " + shown_time(source_.heading().time));
    output_.line("files        " + std::to_string(source_.files()) + ", " + format_size(source_.size()));
  }

  Result<int> print(const Restored& restored) {
    const vault::VerifyReport& report = restored.report;
    if (options_.json) {
      Json object = heading();
      object["path"] = options_.to;
      object["commits"] = restored.commits;
      object["last_entry"] = json_time(restored.last);
      object["mailboxes"] = report.mailboxes;
      object["messages"] = report.messages;
      object["leaves"] = report.leaves;
      object["gaps"] = report.gaps;
      object["history_key"] = !history_key_.empty();
      object["findings"] = report.findings.count();
      output_.json(object);
    } else {
      output_.line("restored     " + options_.to);
      output_.line("from         " + source_.path());
      print_heading();
      output_.line("as of        commit " + std::to_string(restored.commits) +
                   ", last entry of the history " + shown_time(restored.last));
      output_.line("verified     " + counted(report.mailboxes, "mailbox", "mailboxes") + ", " +
                   counted(report.messages, "message") + ", " +
                   counted(report.leaves, "history entry", "history entries") + ": " +
                   (report.findings.empty() ? "all intact" : counted(report.findings.count(), "finding")));
      // Nothing says that the key is elsewhere, so remind the user.
      if (history_key_.empty())
        output_.line("next         copy the history key to " + options_.to +
                     "/history.key: checkpoints are signed with it");
    }
    return output_.close(report.findings.empty() ? kExitSuccess : kExitBadData);
  }

  const Commands& commands_;
  const RestoreOptions& options_;
  backup::Source source_;
  vault::Checkpoint against_;  // the restored history must contain this tree head
  cli::Output output_;
  cli::Progress copied_;
  cli::Progress verified_;
  std::uint64_t size_ = 0;
  Secret history_key_;
  std::optional<seal::SecretKey> recovery_key_;
};

Result<int> restore(const Commands& commands, const RestoreOptions& options) {
  if (options.list) return list_backups(options.from, options.json);
  // Exactly one of the two.
  if (options.to.empty() != options.check)
    return Error(Code::Usage,
                 options.check ? "--check cannot be used with --to" : "--to, --check or --list is required");
  net::stop::install();
  auto source = backup::Source::open(options.from);
  if (!source) return source.error();
  return Restore(commands, options, std::move(*source)).run();
}

}  // namespace

void add_restore(Commands& commands) {
  auto options = std::make_shared<RestoreOptions>();
  CLI::App* command = commands.add(commands.root(), "restore", "Restore a vault from a backup and verify it",
                                   [&commands, options] { return restore(commands, *options); });
  command->add_option("SRC", options->from, "Backup, or directory of backups: then the newest")->required();
  command->add_option("--to", options->to, "Create the vault in this absent or empty directory")
      ->type_name("DIR");
  command->add_flag("--check", options->check, "Only compare the backup with its manifest");
  command
      ->add_option("--history-key", options->history_key,
                   "Also restore this history key, if it is the vault's own")
      ->type_name("FILE");
  command
      ->add_option("--recovery-key-file", options->recovery_key,
                   "Check that this recovery key opens every mailbox")
      ->type_name("FILE");
  CLI::Option* list = command->add_flag("--list", options->list, "Only list the backups in SRC");
  for (CLI::Option* other : command->get_options())
    if (other != list && !other->get_positional() && other != command->get_help_ptr()) list->excludes(other);
  command->add_flag("--json", options->json, "Print JSON lines");
}

}  // namespace gw::cmd
