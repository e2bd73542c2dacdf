// gw-store migrate: moves the whole vault to another directory.
//
// The steps: copy the vault while the keeper serves it, and verify the copy; copy what has changed
// since, until that is little; suspend all changes, copy the rest, and compare the copy with the
// vault; publish the copy; let the keeper write into the old vault's format that it has moved. This
// last step, one replaced file, is the switch. Before it the old directory is the vault, after it
// the new one, and never both or none (store/vault_format.h). An interruption at any point is
// continued by --resume.
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <thread>

#include "backup/backup.h"
#include "backup/migration_target.h"
#include "base/clock.h"
#include "base/counted.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "net/serve.h"
#include "store/commands.h"
#include "store/format.h"
#include "store/iterate.h"
#include "store/local/local_store.h"
#include "store/migration_paths.h"
#include "store/open/open_store.h"
#include "store/vault_format.h"
#include "vault/verify.h"

namespace gw::cmd {
namespace {

namespace fs = std::filesystem;

struct MigrateOptions {
  std::string to;
  bool resume = false;
  bool abort = false;
  bool json = false;
};

// Another pass is made while the last one had to write more than kLittle bytes, and at most
// kMaxPasses: a busy vault may always have more. What is left is copied while the vault is
// suspended, so it determines how long mail has to wait.
constexpr std::uint64_t kLittle = 8 << 20;
constexpr int kMaxPasses = 8;
// How long the keeper may take to end the connection of a run that was killed.
constexpr std::chrono::seconds kSettle{10};

class Migration {
 public:
  Migration(const Commands& commands, const MigrateOptions& options, std::string from, std::string to)
      : options_(options),
        from_(std::move(from)),
        to_(std::move(to)),
        copied_("bytes", 0, commands.program().quiet()),
        verified_("verified", 0, commands.program().quiet()) {}

  Result<int> run(const Commands& commands) {
    // First of all, and from the format file, not from the keeper: after the switch no keeper opens
    // the old vault, and open() below would take the published vault apart.
    if (const auto moved = finished(); !moved || *moved) {
      if (!moved) return moved.error();
      if (options_.abort)
        return Error(Code::Conflict,
                     from_ + ": the vault has moved to " + to_ + ", and this cannot be undone");
      // The switch is done, and only the cleaning up is left, which an interrupted run may have
      // missed. Repeating it does no harm.
      if (auto became = become_owner(from_); !became) return became.error();
      if (auto completed = backup::MigrationTarget::complete(to_); !completed) return completed.error();
      return print();
    }
    // Before the keeper may be started, so that it is started by its owner and not by root.
    if (auto owned = become_owner_of_both(); !owned) return owned.error();
    if (options_.abort) return abandon(commands);
    auto store = commands.connect();
    if (!store) return store.error();
    store_ = store->get();
    const auto vault = store_->vault_id();
    if (!vault) return vault.error();
    vault_ = *vault;
    auto target = backup::MigrationTarget::open(to_, vault_, from_, options_.resume,
                                                [this] { return not_moved(*store_); });
    if (!target) return target.error();
    arrival_.emplace(std::move(*target));
    auto moved = move();
    if (!moved) return give_up(moved.error());
    // The suspension has ended by now, as a local of move(), and the keeper accepts changes again.
    if (findings_ != 0)
      return give_up(
          Error(Code::Corrupt, "the copy is damaged; the vault has not moved").with_hint("gw-store verify"));
    return print();
  }

 private:
  // Returns whether the vault has moved to this directory. Fails with Config if it has moved to
  // another one.
  Result<bool> finished() {
    const auto format = store::read_format(from_);
    if (!format) return format.error();
    vault_ = format->vault;
    if (!format->moved) return false;
    if (format->moved->place != to_) return store::moved_error(from_, format->moved->place);
    return true;
  }

  // Creates the new directory for the owner of the old one if root runs this, and continues as that
  // user, so that each file in the new vault belongs to the user whose keeper will open it.
  Result<void> become_owner_of_both() const {
    struct stat old {};
    if (::stat(from_.c_str(), &old) != 0) return Error::from_errno(from_);
    if (::geteuid() != 0 && ::geteuid() != old.st_uid)
      return Error(Code::Denied, from_ + ": only its owner, or root, can move the vault");
    const bool wanted = !options_.abort;
    if (wanted && ::geteuid() == 0 && old.st_uid != 0 && ::mkdir(to_.c_str(), 0700) == 0 &&
        ::lchown(to_.c_str(), old.st_uid, old.st_gid) != 0)
      return Error::from_errno(to_);
    struct stat fresh {};
    // The keeper would refuse a vault of another user, or serve it as that user.
    if (::stat(to_.c_str(), &fresh) == 0 && fresh.st_uid != old.st_uid)
      return Error(Code::Denied, to_ + ": does not belong to the owner of " + from_);
    return become_owner(from_);
  }

  // Makes sure that the vault has not moved and that no earlier run makes it move later. The keeper
  // may still have that run's request in its socket although the run was killed. It obeys only the
  // connection that has suspended the vault, and there is only one suspension at a time, so after
  // this one began the format is final.
  Result<void> not_moved(store::Store& store) const {
    auto suspension = store.suspend();
    // Busy: the killed run's connection has not ended yet, or the vault has just moved.
    for (const auto until = BootClock::now() + kSettle;
         !suspension && suspension.error().code() == Code::Busy && BootClock::now() < until;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      suspension = store.suspend();
    }
    if (!suspension) return suspension.error().with_hint(again(chosen()));
    const auto format = store::read_format(from_);
    if (!format) return format.error();
    if (!format->moved) return {};
    return Error(Code::Busy, from_ + ": the vault has just moved to " + format->moved->place)
        .with_hint(again(chosen()));
  }

  Result<int> abandon(const Commands& commands) {
    const auto format = store::read_format(from_);
    if (!format) return format.error();
    // The keeper is needed only if something was published.
    const auto stays = [&]() -> Result<void> {
      auto store = commands.connect();
      return store ? not_moved(**store) : store.error();
    };
    if (auto gone = backup::MigrationTarget::abandon(to_, format->vault, from_, stays); !gone)
      return gone.error();
    if (!options_.json) {
      output_.line("removed      the copy in " + to_ + "; the vault is still " + from_);
      return output_.close();
    }
    Json object;
    object["vault"] = format->vault.hex();
    object["from"] = from_;
    object["to"] = to_;
    object["moved"] = false;
    output_.json(object);
    return output_.close();
  }

  Result<void> move() {
    // Checked first, because copying may take hours.
    if (auto room = look_for_room(); !room) return room;
    // While the keeper serves: copy everything and verify all of it, which takes the longest, then
    // copy the changes.
    auto copy = pass(false);
    if (!copy) return copy.error();
    if (auto good = verify(*copy, false); !good || findings_ != 0) return good;
    while (copy->written_bytes > kLittle && passes_ < kMaxPasses) {
      copy = pass(true);
      if (!copy) return copy.error();
    }
    // From here on, senders get 451 and POP3 clients cannot delete. So the vault is suspended only
    // for a last pass over little data. If anything below fails, the suspension ends with this
    // function, and the vault continues where it is.
    const auto begun = std::chrono::steady_clock::now();
    auto suspension = store_->suspend();
    if (!suspension) return suspension.error();
    copy = pass(true);
    if (!copy) return copy.error();
    // Only now can the copy be equal to the vault. Checking it earlier would find differences that
    // are just new mail.
    const auto checked = compare(*copy);
    if (!checked || findings_ != 0) return checked;
    auto switched = switch_over(*copy, **suspension);
    stood_still_ = std::chrono::steady_clock::now() - begun;
    return switched;
  }

  Result<void> look_for_room() const {
    // The locks and syncs that the files of a local store need do not work reliably on network file
    // systems.
    if (auto local = store::refuse_network(to_); !local) return local;
    // An unknown part of it is there already.
    if (arrival_->resumed()) return {};
    struct statvfs found {};
    if (::statvfs(to_.c_str(), &found) != 0) return Error::from_errno(to_);
    const std::uint64_t room = static_cast<std::uint64_t>(found.f_bavail) * found.f_frsize;
    std::uint64_t needed = 0;
    for (const char* each : {"/db", "/large", "/lost"}) needed += bytes_in(from_ + each);
    if (needed <= room) return {};
    return Error(Code::Full, to_ + ": " + format_size(needed) + " are needed, but only " + format_size(room) +
                                 " are free")
        .with_exit_status(kExitInputOutput);
  }

  // Copies the vault once, linking what the last pass copied. Without `quick` the linked files are
  // read again: those of an earlier run may have been damaged since, those of this run were read
  // back when they were written.
  Result<backup::Report> pass(bool quick) {
    backup::Options wanted;
    wanted.incremental = true;
    wanted.quick = quick;
    wanted.actor = kActor;
    // A checkpoint would be a change, which a suspended vault refuses.
    wanted.sign = false;
    const auto pulse = [this](std::uint64_t more) {
      copied_.at(copied_bytes_ += more);
      return !net::stop::requested();
    };
    auto copy = backup::copy_into(arrival_->copies(), *store_, wanted, pulse);
    if (!copy) return copy;
    ++passes_;
    files_ = copy->files;
    size_ = copy->size;
    // Only the newest copy is of use, and MigrationTarget relies on there being one.
    if (auto removed = arrival_->copies().remove_older({.last = 1}); !removed) return removed.error();
    return copy;
  }

  Result<std::unique_ptr<store::Store>> look_at(const backup::Report& copy) const {
    store::OpenOptions opening;
    opening.path = arrival_->path_of(copy.name);
    // The copy must stay exactly what was copied: opened for writing, the store would append to it.
    opening.look_only = true;
    return store::open_store(opening);
  }

  Result<void> verify(const backup::Report& copy, bool again) {
    const auto looked = look_at(copy);
    if (!looked) return looked.error();
    return verify(**looked, again);
  }

  // With `again`, containers of messages that the first verification has read are not read again:
  // their files never change. This is what keeps the suspension short.
  Result<void> verify(store::Store& looked, bool again) {
    const auto report = vault::verify(
        looked, [this](std::uint64_t done) { verified_.at(done); }, nullptr, again ? &read_ : nullptr);
    if (!report) return report.error();
    for (const vault::Finding& each : report->findings) {
      finding((each.mailbox.zero() ? "vault" : "mailbox " + each.mailbox.hex()) +
                  (each.message ? ", message " + each.message->hex() : ""),
              each.what);
    }
    report_ = *report;
    const auto mailboxes = looked.mailboxes();
    if (!mailboxes) return mailboxes.error();
    for (const store::MailboxRecord& mailbox : *mailboxes) {
      const auto head = looked.history_head(mailbox.id);
      if (!head) return head.error();
      // Sequence numbers are indexes of leaves, so all messages below this size have been read.
      read_[mailbox.id] = head->size;
    }
    return {};
  }

  // Compares the copy with the suspended vault: both have the same last commit and the same heads of
  // all histories. A head covers all leaves and so the digests of all messages, which verify()
  // compares with the files.
  Result<void> compare(const backup::Report& copy) {
    const auto looked = look_at(copy);
    if (!looked) return looked.error();
    const auto here = (*looked)->health();
    const auto there = store_->health();
    if (!here || !there) return (here ? there : here).error();
    if (here->vault != vault_) finding("vault", "the copy is of another vault");
    // The snapshot was made after the suspension began, so nothing may be missing. It is checked,
    // because the old vault is abandoned if the copy passes. Some changes, such as the end of a
    // removal record, add no leaf: of stores of one kind the numbers of commits are compared too.
    if (here->kind == there->kind && here->commits != there->commits)
      finding("vault", "the copy ends at commit " + std::to_string(here->commits) + ", not " +
                           std::to_string(there->commits));
    // The vault says which histories there must be, so that one that the copy lacks is found.
    const auto logs = store::all_histories(*store_);
    if (!logs) return logs.error();
    const auto differing = store::differing_heads(**looked, *store_, *logs);
    if (!differing) return differing.error();
    for (const MailboxId& log : *differing)
      finding(log.zero() ? "vault" : "mailbox " + log.hex(), "the copy's history differs");
    if (findings_ != 0) return {};
    return verify(**looked, true);
  }

  Result<void> switch_over(const backup::Report& copy, store::Suspension& suspension) {
    // The order of the switch. First the secrets, so that the new vault is complete. Then publish()
    // with a fresh token: the new directory is in place, but marked as arriving, so that no keeper
    // opens it. Then moved(): the keeper records place and token in the old format and never opens
    // it again. From then on the token in both files proves that the new directory is the vault.
    // The other way round, a power failure between the two steps would leave no vault that can be
    // opened.
    for (const std::string& name : secrets_of(from_)) {
      const std::string path = from_ + "/" + name;
      auto file = open_for_reading(path);
      if (!file) return file.error();
      const auto secret = read_secret(file->get(), path, 64 << 10, true);
      if (!secret) return secret.error();
      if (auto added = arrival_->add(copy.name, name, *secret); !added) return added;
    }
    const std::string token = store::new_move_token();
    if (auto published = arrival_->publish(copy.name, vault_, {token, from_}); !published) return published;
    if (auto moved = suspension.moved(to_, token); !moved) return moved;
    // A failure from here on is only one of cleaning up; see give_up().
    switched_ = true;
    return backup::MigrationTarget::complete(to_);
  }

  void finding(const std::string& about, std::string_view what) {
    ++findings_;
    if (options_.json) {
      Json object;
      json::put_text(object, "about", about);
      json::put_text(object, "finding", what);
      output_.json(object);
    } else {
      output_.line(about + ": " + std::string(what));
    }
  }

  // Returns the command for another run, with ` --resume`, ` --abort` or neither.
  std::string again(std::string_view option) const {
    return "gw-store --vault " + from_ + " migrate --to " + to_ + std::string(option);
  }

  // Returns the option that this run was started with: a run that --abort began must not lead to one
  // that moves the vault.
  std::string_view chosen() const { return options_.abort ? " --abort" : options_.resume ? " --resume" : ""; }

  Result<int> give_up(const Error& error) {
    // Findings are printed before the error that ends the run.
    if (auto told = output_.flush(); !told) return told.error();
    if (!error.hint().empty()) return error;
    // Unknown: the keeper may have switched. The next run finds out from the format file.
    const bool moved = switched_ || error.code() == Code::Unknown;
    return (moved ? error : error.within("the vault has not moved")).with_hint(again(" --resume"));
  }

  Result<int> print() {
    const double still = std::chrono::duration<double>(stood_still_).count();
    if (options_.json) {
      Json object;
      object["vault"] = vault_.hex();
      object["from"] = from_;
      object["to"] = to_;
      object["moved"] = true;
      object["passes"] = passes_;
      object["files"] = files_;
      object["octets"] = size_;
      object["mailboxes"] = report_.mailboxes;
      object["messages"] = report_.messages;
      object["leaves"] = report_.leaves;
      object["gaps"] = report_.gaps;
      object["suspended_seconds"] = still;
      output_.json(object);
      return output_.close();
    }
    output_.line("moved        " + from_ + " to " + to_);
    output_.line("vault        " + vault_.hex());
    // 0 passes: this run only finished an earlier one.
    if (passes_ != 0) {
      std::string seconds = std::to_string(still);
      seconds.resize(seconds.find('.') + 3);
      output_.line("files        " + std::to_string(files_) + ", " + format_size(size_));
      output_.line("verified     " + counted(report_.mailboxes, "mailbox", "mailboxes") + ", " +
                   counted(report_.messages, "message") + ", " +
                   counted(report_.leaves, "history entry", "history entries") + ": all intact");
      output_.line("suspended    " + seconds + " s, during the last of " +
                   counted(passes_, "pass", "passes"));
    }
    output_.line("next         set `vault` in gw.toml, or $GW_VAULT, to " + to_ +
                 ", and restart the servers");
    return output_.close();
  }

  const MigrateOptions& options_;
  const std::string from_;
  const std::string to_;
  store::Store* store_ = nullptr;
  VaultId vault_;
  std::optional<backup::MigrationTarget> arrival_;
  cli::Output output_;
  cli::Progress copied_;
  cli::Progress verified_;
  std::uint64_t copied_bytes_ = 0;
  std::uint64_t files_ = 0;
  std::uint64_t size_ = 0;
  int passes_ = 0;
  std::uint64_t findings_ = 0;
  vault::VerifyReport report_;
  vault::ReadBefore read_;
  std::chrono::steady_clock::duration stood_still_{};
  bool switched_ = false;
};

Result<int> migrate(const Commands& commands, const MigrateOptions& options) {
  if (options.resume && options.abort)
    return Error(Code::Usage, "--resume and --abort cannot be used together");
  const auto config = commands.config();
  if (!config) return config.error();
  const auto to = folder_named(options.to);
  if (!to) return to.error();
  std::error_code error;
  // Canonical, because it is compared with the path that an earlier run has stored.
  const fs::path from = fs::canonical(config->vault, error);
  if (error) return Error::from_errno(config->vault, error.value()).within("cannot open the vault");
  // The path becomes a line of the format file.
  if (has_control(from.string())) return Error(Code::Usage, "the vault's path has control characters");
  // One inside the other: the copy would contain itself, or .migrate would be in the vault.
  if (is_within(*to, from)) return Error(Code::Usage, *to + ": is the vault or inside it");
  if (is_within(from, *to)) return Error(Code::Usage, *to + ": contains the vault");
  // SIGTERM and SIGINT make the pulse end the pass.
  net::stop::install();
  return Migration(commands, options, from.string(), *to).run(commands);
}

}  // namespace

void add_migrate(Commands& commands) {
  auto options = std::make_shared<MigrateOptions>();
  CLI::App* command =
      commands.add(commands.root(), "migrate", "Move the vault to another directory while it is in use",
                   [&commands, options] { return migrate(commands, *options); });
  command->add_option("--to", options->to, "Move the vault to this absent or empty directory")
      ->required()
      ->type_name("DIR");
  command->add_flag("--resume", options->resume, "Continue an interrupted migration");
  command->add_flag("--abort", options->abort, "Remove what an interrupted migration left there");
  command->add_flag("--json", options->json, "Print JSON lines");
}

}  // namespace gw::cmd
