// gw-store verify, checkpoint, status, sweep: whether the vault is whole, and keeping it so.
#include <CLI/CLI.hpp>

#include "base/text.h"
#include "cli/output.h"
#include "cli/password.h"
#include "cli/progress.h"
#include "store/commands.h"
#include "store/format.h"
#include "vault/checkpoint.h"
#include "vault/mailbox.h"
#include "vault/verify.h"

namespace gw::cmd {
namespace {

// --- verify

struct VerifyOptions {
  std::string mailbox;
  bool deep = false;
  bool json = false;
  cli::PasswordOptions password;
};

Result<vault::VerifyReport> check(store::Store& store, const VerifyOptions& options,
                                  cli::Progress& progress) {
  const auto show = [&progress](std::uint64_t done) { progress.at(done); };
  if (!options.deep) return vault::verify(store, show);
  const auto mailbox = mailbox_named(store, options.mailbox);
  if (!mailbox) return mailbox.error();
  const auto password = options.password.read(mailbox->name);
  if (!password) return password.error();
  const auto ring = vault::unlock(store, *mailbox, *password);
  if (!ring) return ring.error();
  return vault::verify_deep(store, *mailbox, *ring, show);
}

Result<int> verify(const Commands& commands, const VerifyOptions& options) {
  if (options.deep == options.mailbox.empty()) {
    return Error(Code::Usage, options.deep ? "--deep needs a mailbox" : "a mailbox is only for --deep");
  }
  auto store = commands.connect();
  if (!store) return store.error();
  const auto report = [&] {
    cli::Progress progress("verifying", 0, commands.program().quiet());
    return check(**store, options, progress);
  }();
  if (!report) return report.error();

  cli::Output output;
  for (const vault::Finding& finding : report->findings) {
    if (options.json) {
      Json object;
      object["mailbox"] = finding.mailbox.zero() ? Json() : Json(finding.mailbox.hex());
      object["message"] = finding.message ? Json(finding.message->hex()) : Json();
      cli::put_text(object, "finding", finding.what);
      output.json(object);
    } else {
      output.line((finding.mailbox.zero() ? "vault" : "mailbox " + finding.mailbox.hex()) +
                  (finding.message ? ", message " + finding.message->hex() : "") + ": " + finding.what);
    }
  }
  if (options.json) {
    Json object;
    object["mailboxes"] = report->mailboxes;
    object["messages"] = report->messages;
    object["leaves"] = report->leaves;
    object["gaps"] = report->gaps;
    object["findings"] = report->findings.size();
    output.json(object);
  } else {
    output.line(
        std::to_string(report->mailboxes) + " mailboxes, " + std::to_string(report->messages) +
        " messages and " + std::to_string(report->leaves) + " history entries checked: " +
        (report->findings.empty() ? "all whole" : std::to_string(report->findings.size()) + " findings") +
        (report->gaps == 0 ? "" : ", " + std::to_string(report->gaps) + " accepted gaps"));
  }
  return output.close(report->findings.empty() ? 0 : kFindings);
}

// --- checkpoint

Result<int> checkpoint(const Commands& commands, bool public_key) {
  cli::Output output;
  auto store = commands.connect();
  if (!store) return store.error();
  if (!public_key) {
    const auto note = (*store)->checkpoint(kActor);
    if (!note) return note.error();
    output.octets(as_bytes(*note));
    return output.close();
  }
  const auto config = commands.config();
  if (!config) return config.error();
  const auto health = (*store)->health();
  if (!health) return health.error();
  const auto key = cli::read_secret_file(config->vault + "/history.key");
  if (!key) return key.error().within("cannot read the history key");
  output.line(vault::verifier_key(*key, health->vault));
  return output.close();
}

// --- status

struct Total {
  std::uint64_t live = 0, octets = 0, drained = 0, unconfirmed = 0, quarantined = 0, accepted = 0;
};

Result<Total> total_of(store::Store& store) {
  Total total;
  const auto mailboxes = store.mailboxes();
  if (!mailboxes) return mailboxes.error();
  for (const store::MailboxRecord& mailbox : *mailboxes) {
    const auto stat = store.stat(mailbox.id);
    if (!stat) return stat.error();
    total.live += stat->live;
    total.octets += stat->live_octets;
    total.drained += stat->drained;
    total.unconfirmed += stat->unconfirmed;
    total.quarantined += stat->quarantined;
    total.accepted += stat->accepted;
  }
  return total;
}

Result<int> status(const Commands& commands, bool json, bool check) {
  auto store = commands.connect();
  if (!store) return store.error();
  const auto health = (*store)->health();
  if (!health) return health.error();
  const auto total = total_of(**store);
  if (!total) return total.error();
  const auto config = commands.config();
  if (!config) return config.error();

  cli::Output output;
  if (json) {
    Json object;
    object["vault"] = health->vault.hex();
    object["path"] = config->vault;
    object["writable"] = health->writable;
    object["full"] = health->full;
    object["reason"] = health->reason.empty() ? Json() : Json(valid_text(health->reason));
    object["free_octets"] = health->free_octets;
    object["free_inodes"] = health->free_inodes;
    object["commits"] = health->commits;
    object["mailboxes"] = health->mailboxes;
    object["live"] = total->live;
    object["live_octets"] = total->octets;
    object["unconfirmed"] = total->unconfirmed;
    object["drained"] = total->drained;
    object["quarantined"] = total->quarantined;
    object["accepted"] = total->accepted;
    output.json(object);
  } else {
    output.line("vault        " + config->vault + " (" + health->vault.hex() + ")");
    output.line("state        " + (!health->writable ? "read-only: " + health->reason
                                   : health->full ? std::string("disk full: new mail is asked to come again")
                                                  : std::string("good")));
    output.line("free         " + format_size(health->free_octets) + ", " +
                std::to_string(health->free_inodes) + " inodes");
    output.line("mailboxes    " + std::to_string(health->mailboxes));
    output.line("waiting      " + std::to_string(total->live) + " messages, " + format_size(total->octets));
    output.line("in grace     " + std::to_string(total->drained) + " drained");
    if (total->unconfirmed > 0) output.line("unconfirmed  " + std::to_string(total->unconfirmed));
    if (total->quarantined > 0) output.line("quarantined  " + std::to_string(total->quarantined));
    output.line("ever         " + std::to_string(total->accepted) + " accepted, " +
                std::to_string(health->commits) + " commits");
  }
  return output.close(check && (!health->writable || health->full) ? 1 : 0);
}

// --- sweep

struct SweepOptions {
  bool now = false;
  bool dry_run = false;
  bool json = false;
};

constexpr std::size_t kSweepBudget = 10'000;

// What a sweep would remove: drained messages whose grace is over.
Result<store::SweepReport> would_sweep(store::Store& store) {
  store::SweepReport report;
  const auto mailboxes = store.mailboxes();
  if (!mailboxes) return mailboxes.error();
  const Micros time = gw::now();
  for (const store::MailboxRecord& mailbox : *mailboxes) {
    if (mailbox.hold) continue;
    auto looked =
        for_each_message(store, mailbox.id, [&](const store::MessageRecord& record) -> Result<void> {
          if (record.state == store::State::Drained && record.changed + mailbox.grace * 1'000'000 <= time) {
            ++report.expired;
            report.octets += record.octets;
          }
          return {};
        });
    if (!looked) return looked.error();
  }
  return report;
}

Result<int> sweep(const Commands& commands, const SweepOptions& options) {
  auto store = commands.connect();
  if (!store) return store.error();
  store::SweepReport all;
  if (options.dry_run) {
    const auto would = would_sweep(**store);
    if (!would) return would.error();
    all = *would;
  } else {
    do {
      const auto part = (*store)->sweep(kSweepBudget, options.now);
      if (!part) return part.error();
      all.expired += part->expired;
      all.octets += part->octets;
      all.more = part->more && part->expired > 0;
      all.held_back = part->held_back;
    } while (all.more);
  }
  cli::Output output;
  if (options.json) {
    Json object;
    object["removed"] = all.expired;
    object["octets"] = all.octets;
    object["held_back"] = all.held_back;
    object["dry_run"] = options.dry_run;
    output.json(object);
  } else {
    output.line(std::to_string(all.expired) + (options.dry_run ? " would be removed, " : " removed, ") +
                format_size(all.octets));
    if (all.held_back) output.line("the clock has jumped: nothing is swept for an hour, unless with --now");
  }
  return output.close();
}

}  // namespace

void add_verify(Commands& commands) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* command = commands.add(commands.root(), "verify", "Recompute the history and check every message",
                                   [&commands, options] { return verify(commands, *options); });
  command->add_option("MAILBOX", options->mailbox, "With --deep: the mailbox to open");
  command->add_flag("--deep", options->deep, "Also open every message of MAILBOX");
  options->password.declare(*command);
  command->add_flag("--json", options->json, "Print JSON lines");
}

void add_checkpoint(Commands& commands) {
  auto public_key = std::make_shared<bool>(false);
  CLI::App* command = commands.add(commands.root(), "checkpoint", "Print a signed head of the history",
                                   [&commands, public_key] { return checkpoint(commands, *public_key); });
  command->add_flag("--public-key", *public_key, "Print what the signature is checked with");
}

void add_status(Commands& commands) {
  auto json = std::make_shared<bool>(false);
  auto check = std::make_shared<bool>(false);
  CLI::App* command = commands.add(commands.root(), "status", "Print how the vault does",
                                   [&commands, json, check] { return status(commands, *json, *check); });
  command->add_flag("--check", *check, "Exit 1 where new mail cannot be taken");
  command->add_flag("--json", *json, "Print a JSON line");
}

void add_sweep(Commands& commands) {
  auto options = std::make_shared<SweepOptions>();
  CLI::App* command = commands.add(commands.root(), "sweep", "Remove drained mail whose grace time is over",
                                   [&commands, options] { return sweep(commands, *options); });
  command->add_flag("--now", options->now, "Also where the clock has jumped");
  command->add_flag("-n,--dry-run", options->dry_run, "Only count");
  command->add_flag("--json", options->json, "Print a JSON line");
}

}  // namespace gw::cmd
