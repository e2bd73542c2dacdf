// gw-store status and sweep: how the vault does, and its upkeep.
#include <CLI/CLI.hpp>

#include "base/text.h"
#include "cli/output.h"
#include "gate/openmetrics.h"
#include "store/commands.h"
#include "store/format.h"
#include "vault/overview.h"

namespace gw::cmd {
namespace {

// --- status

struct StatusOptions {
  bool json = false;
  bool openmetrics = false;
  bool check = false;
};

Result<int> status(const Commands& commands, const StatusOptions& options) {
  auto store = commands.connect();
  if (!store) return store.error();
  const auto health = (*store)->health();
  if (!health) return health.error();
  const auto rows = vault::mailbox_rows(**store);
  if (!rows) return rows.error();
  const vault::Totals total = vault::totals_of(*rows);
  const auto config = commands.config();
  if (!config) return config.error();

  cli::Output output;
  if (options.openmetrics) {
    const auto text = gate::openmetrics(**store, *config);
    if (!text) return text.error();
    output.octets(as_bytes(*text));
  } else if (options.json) {
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
    object["live"] = total.live;
    object["live_octets"] = total.live_octets;
    object["unconfirmed"] = total.unconfirmed;
    object["drained"] = total.drained;
    object["quarantined"] = total.quarantined;
    object["accepted"] = total.accepted;
    output.json(object);
  } else {
    output.line("vault        " + config->vault + " (" + health->vault.hex() + ")");
    output.line("state        " + (!health->writable ? "read-only: " + health->reason
                                   : health->full ? std::string("disk full: new mail is asked to come again")
                                                  : std::string("good")));
    output.line("free         " + format_size(health->free_octets) + ", " +
                std::to_string(health->free_inodes) + " inodes");
    output.line("mailboxes    " + std::to_string(health->mailboxes));
    output.line("waiting      " + std::to_string(total.live) + " messages, " +
                format_size(total.live_octets));
    output.line("in grace     " + std::to_string(total.drained) + " drained");
    if (total.unconfirmed > 0) output.line("unconfirmed  " + std::to_string(total.unconfirmed));
    if (total.quarantined > 0) output.line("quarantined  " + std::to_string(total.quarantined));
    output.line("ever         " + std::to_string(total.accepted) + " accepted, " +
                std::to_string(health->commits) + " commits");
  }
  return output.close(options.check && (!health->writable || health->full) ? 1 : 0);
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

void add_status(Commands& commands) {
  auto options = std::make_shared<StatusOptions>();
  CLI::App* command = commands.add(commands.root(), "status", "Print how the vault does",
                                   [&commands, options] { return status(commands, *options); });
  command->add_flag("--check", options->check, "Exit 1 where new mail cannot be taken");
  CLI::Option* json = command->add_flag("--json", options->json, "Print a JSON line");
  command->add_flag("--openmetrics", options->openmetrics, "Print numbers for Prometheus and its like")
      ->excludes(json);
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
