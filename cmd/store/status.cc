// gw-store status and sweep: shows the state of the vault; removes what is due.
#include <sys/stat.h>

#include <CLI/CLI.hpp>

#include "base/counted.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/output.h"
#include "daemon/openmetrics.h"
#include "store/commands.h"
#include "store/format.h"
#include "vault/vault_status.h"

namespace gw::cmd {
namespace {

struct StatusOptions {
  bool json = false;
  bool openmetrics = false;
  bool prometheus = false;
  std::string to;
  bool check = false;
};

void print(const vault::VaultStatus& status, cli::Output& output) {
  using cli::Table;
  if (status.servers.empty() && status.routes.empty()) return;
  Table table({{"SERVER"},
               {"SESSIONS", Table::Right},
               {"MESSAGES", Table::Right},
               {"SIZE", Table::Right},
               {"COPIES", Table::Right},
               {"UNCOPIED", Table::Right},
               {"DEFERRED", Table::Right},
               {"REFUSED", Table::Right},
               {"BAD LOGINS", Table::Right}});
  std::vector<std::string> troubles;
  const auto add = [&](const store::ServerStats& stats, bool route) {
    const auto number = [](std::uint64_t value) { return std::to_string(value); };
    const std::string name = route ? "route " + stats.of : stats.of;
    table.row({name, number(stats.sessions), number(stats.messages), format_size(stats.size),
               route ? number(stats.copies) : "-", route ? number(stats.uncopied) : "-",
               number(stats.deferred), number(stats.refused), number(stats.failed_logins)});
    if (!stats.trouble.empty())
      troubles.push_back(name + " at " + shown_time(stats.trouble_time) + ": " + stats.trouble);
  };
  for (const store::ServerStats& server : status.servers) add(server, false);
  for (const store::ServerStats& route : status.routes) add(route, true);
  output.line("");
  table.print(output);
  for (const std::string& trouble : troubles) output.line("last error of " + trouble);
}

std::string shown(const std::optional<vault::VerifyNote>& verified) {
  if (!verified) return "never";
  std::string found = "all intact";
  if (verified->findings > 0) found = counted(verified->findings, "finding");
  return shown_time(verified->time) + ", " + found;
}

// Writes the metrics for a collector that reads files. The file is replaced as a whole, so a reader
// sees the old or the new numbers, and is readable for all users, because the collector runs as
// another one. The umask of gw is 077.
Result<void> publish(const std::string& file, const std::string& text) {
  const mode_t mask = ::umask(022);
  auto written = replace_file(file, as_bytes(text), 0644);
  ::umask(mask);
  return written;
}

Result<int> status(const Commands& commands, const StatusOptions& options) {
  if (!options.to.empty() && !options.openmetrics && !options.prometheus)
    return Error(Code::Usage, "--to requires --prometheus or --openmetrics");
  auto store = commands.connect();
  if (!store) return store.error();
  const auto status = vault::read_status(**store);
  if (!status) return status.error();
  const auto config = commands.config();
  if (!config) return config.error();

  cli::Output output;
  if (options.openmetrics || options.prometheus) {
    using daemon::MetricsFormat;
    const auto text = daemon::metrics_text(
        **store, *config, options.prometheus ? MetricsFormat::Prometheus : MetricsFormat::OpenMetrics);
    if (!text) return text.error();
    if (options.to.empty())
      output.data(as_bytes(*text));
    else if (auto written = publish(options.to, *text); !written)
      return written.error();
  } else if (options.json) {
    output.json(json::status_json(*status, config->vault));
  } else {
    const store::Health& health = status->health;
    const vault::Totals& total = status->total;
    output.line("vault        " + config->vault + " (" + health.vault.hex() + ")");
    // Damage is reported until a later verification finds none.
    const bool damaged = status->verify && status->verify->findings > 0;
    output.line("state        " + (!health.writable ? "read-only: " + health.reason
                                   : health.full    ? std::string("disk full: new mail is deferred")
                                   : damaged        ? "damaged: the last verification had " +
                                                   counted(status->verify->findings, "finding")
                                             : std::string("ok")));
    output.line("free         " + format_size(health.free_bytes) + ", " +
                counted(health.free_inodes, "inode"));
    output.line("mailboxes    " + std::to_string(health.mailboxes));
    output.line("waiting      " + counted(total.live, "message") + ", " + format_size(total.live_bytes));
    output.line("drained      " + std::to_string(total.drained) + ", in the grace period");
    if (total.unconfirmed > 0) output.line("unconfirmed  " + std::to_string(total.unconfirmed));
    if (total.quarantined > 0) output.line("quarantined  " + std::to_string(total.quarantined));
    output.line("in total     " + std::to_string(total.accepted) + " accepted, " +
                counted(health.commits, "commit"));
    output.line("last backup  " + (status->backup ? shown_time(status->backup->time) : std::string("never")));
    output.line("last verify  " + shown(status->verify));
    print(*status, output);
  }
  // --check is about receiving mail only; gw-store check and doctor examine more.
  return output.close(options.check && (!status->health.writable || status->health.full) ? kExitNo
                                                                                         : kExitSuccess);
}

struct SweepOptions {
  std::string mailbox;
  bool now = false;
  bool purge = false;
  bool dry_run = false;
  bool json = false;
};

// Messages of one request. Each request delays other changes, so it is bounded.
constexpr std::size_t kSweepBudget = 10'000;

Result<int> sweep(const Commands& commands, const SweepOptions& options) {
  if (options.dry_run && options.purge) return Error(Code::Usage, "--dry-run cannot be used with --purge");
  auto store = commands.connect();
  if (!store) return store.error();
  MailboxId only;
  if (!options.mailbox.empty()) {
    const auto mailbox = mailbox_named(**store, options.mailbox);
    if (!mailbox) return mailbox.error();
    only = mailbox->id;
  }
  store::SweepReport all;
  if (options.dry_run) {
    // A budget of 0 removes nothing and counts.
    const auto would = (*store)->sweep(0, options.now, only);
    if (!would) return would.error();
    all = *would;
  } else {
    do {
      const auto part = (*store)->sweep(kSweepBudget, options.now, only);
      if (!part) return part.error();
      all.expired += part->expired;
      all.size += part->size;
      all.receipts += part->receipts;
      // A budget that was used up without a result would repeat forever.
      all.more = part->more && part->expired + part->receipts > 0;
    } while (all.more);
  }
  if (options.purge) {
    if (auto purged = purge(**store); !purged) return purged.error();
  }
  cli::Output output;
  if (options.json) {
    Json object;
    object["removed"] = all.expired;
    object["octets"] = all.size;
    object["receipts"] = all.receipts;
    object["purged"] = options.purge;
    object["dry_run"] = options.dry_run;
    output.json(object);
  } else {
    output.line(std::to_string(all.expired) + (options.dry_run ? " would be removed, " : " removed, ") +
                format_size(all.size));
    if (all.receipts != 0)
      output.line(counted(all.receipts, "expired removal record") + " " +
                  (options.dry_run ? "would be removed" : "removed"));
    if (options.purge) output.line("purged");
  }
  return output.close();
}

}  // namespace

void add_status(Commands& commands) {
  auto options = std::make_shared<StatusOptions>();
  CLI::App* command = commands.add(commands.root(), "status", "Print the state of the vault",
                                   [&commands, options] { return status(commands, *options); });
  command->add_flag("--check", options->check, "Exit with 1 if new mail cannot be accepted");
  CLI::Option* json = command->add_flag("--json", options->json, "Print a JSON line");
  CLI::Option* openmetrics =
      command->add_flag("--openmetrics", options->openmetrics, "Print metrics in OpenMetrics format")
          ->excludes(json);
  command->add_flag("--prometheus", options->prometheus, "Print metrics in Prometheus' text format")
      ->excludes(json)
      ->excludes(openmetrics);
  command->add_option("--to", options->to, "Write the metrics to this file, replaced atomically")
      ->type_name("FILE");
}

void add_sweep(Commands& commands) {
  auto options = std::make_shared<SweepOptions>();
  CLI::App* command =
      commands.add(commands.root(), "sweep", "Remove drained mail whose grace period has ended",
                   [&commands, options] { return sweep(commands, *options); });
  command->add_option("MAILBOX", options->mailbox, "Name, id or address (else all)");
  command->add_flag("--purge", options->purge, "Also rewrite files so that no removed data is left in them");
  command->add_flag("--now", options->now, "Also remove mail whose grace has ended by the wall clock");
  command->add_flag("-n,--dry-run", options->dry_run, "Only print what would be removed");
  command->add_flag("--json", options->json, "Print a JSON line");
}

}  // namespace gw::cmd
