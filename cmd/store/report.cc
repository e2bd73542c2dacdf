// gw-store report: says what became of every message. The numbers must add up, or a message has
// disappeared. With --period it writes the report for auditors (store/audit_command.h).
#include <CLI/CLI.hpp>

#include "cli/output.h"
#include "cli/span.h"
#include "cli/values.h"
#include "store/audit.h"
#include "store/audit_command.h"
#include "store/commands.h"
#include "store/format.h"
#include "vault/audit.h"

namespace gw::cmd {
namespace {

struct ReportOptions {
  std::string mailbox;
  std::optional<Micros> since;
  std::optional<Micros> until;
  bool json = false;
  AuditCommand audit;
};

struct Row {
  vault::AuditCounts in_time;  // leaves between --since and --until
  // Messages that are in the vault now, in any state.
  std::uint64_t here = 0;
  std::uint64_t lost = 0;  // accounted for by an accepted gap
  bool balanced = false;
};

// Compares the whole history of a mailbox with what the store counts: each accepted message was
// removed, has expired or was discarded, or is still there. Drained messages are there until they
// expire. The history may grow between the two reads; then both are repeated, up to five times.
Result<Row> examine(store::Store& store, const MailboxId& mailbox, const ReportOptions& options) {
  constexpr int kTries = 5;
  for (int tries = 1;; ++tries) {
    Row row;
    // Settled, unconfirmed and quarantined do not matter here: the message stays in the vault. A pending
    // message counts as accepted; if it is not kept, a discarded leaf follows.
    vault::AuditCounts ever;
    std::uint64_t leaves = 0;
    bool gap = false;  // the history records an accepted loss (repair --accept-loss)
    const auto read = for_each_leaf(store, mailbox, 0, [&](const Bytes& stored) -> Result<void> {
      const auto leaf = store::decode_leaf(stored);
      if (!leaf) return leaf.error();
      ++leaves;
      ever.add(*leaf);
      gap = gap || leaf->type == store::LeafType::Gap;
      if ((!options.since || leaf->time >= *options.since) && (!options.until || leaf->time < *options.until))
        row.in_time.add(*leaf);
      return {};
    });
    if (!read) return read.error();
    const auto stat = store.stat(mailbox);
    if (!stat) return stat.error();
    row.here = stat->live + stat->pending + stat->drained + stat->quarantined;
    const std::uint64_t known = ever.removed + ever.expired + ever.discarded + row.here;
    // Without an accepted gap, a difference is a defect.
    row.lost = gap && ever.accepted > known ? ever.accepted - known : 0;
    row.balanced = ever.accepted == known + row.lost;
    if (stat->log_size == leaves || tries == kTries) return row;
  }
}

// The options that only one of the two reports has.
Result<void> check_kind(const ReportOptions& options) {
  const AuditCommand& audit = options.audit;
  if (!audit.period.empty()) {
    if (options.since || options.until)
      return Error(Code::Usage, "--period cannot be used with --since or --until");
    return {};
  }
  if (audit.output || audit.history || audit.checkpoint || audit.all || audit.format != "html")
    return Error(Code::Usage, "--all, --format, --output, --history and --checkpoint require --period");
  return {};
}

Result<int> report(const Commands& commands, const ReportOptions& options) {
  if (auto good = check_kind(options); !good) return good.error();
  if (auto good = cli::check_span(options.since, options.until); !good) return good.error();
  if (!options.audit.period.empty()) {
    AuditCommand audit = options.audit;
    audit.mailbox = options.mailbox;
    if (options.json) audit.format = "json";
    return write_audit_reports(commands, audit);
  }
  auto store = commands.connect();
  if (!store) return store.error();
  std::vector<store::MailboxRecord> mailboxes;
  if (options.mailbox.empty()) {
    auto all = (*store)->mailboxes();
    if (!all) return all.error();
    mailboxes = std::move(*all);
  } else {
    auto one = mailbox_named(**store, options.mailbox);
    if (!one) return one.error();
    mailboxes.push_back(std::move(*one));
  }

  cli::Output output;
  const auto right = [](const char* heading) { return cli::Table::Column{heading, cli::Table::Right}; };
  cli::Table table({{"MAILBOX"},
                    right("ACCEPTED"),
                    right("DRAINED"),
                    right("EXPORTED"),
                    right("REMOVED"),
                    right("EXPIRED"),
                    right("DISCARDED"),
                    right("REFUSED"),
                    right("STORED"),
                    {"BALANCED"}});
  bool balanced = true;
  for (const store::MailboxRecord& mailbox : mailboxes) {
    const auto row = examine(**store, mailbox.id, options);
    if (!row) return row.error();
    balanced = balanced && row->balanced;
    const vault::AuditCounts& counts = row->in_time;
    if (options.json) {
      Json object;
      object["mailbox"] = mailbox.name;
      object["accepted"] = counts.accepted;
      object["drained"] = counts.drained;
      object["exported"] = counts.exported;
      object["removed"] = counts.removed;
      object["expired"] = counts.expired;
      object["discarded"] = counts.discarded;
      object["refused"] = counts.refused;
      object["here"] = row->here;
      object["lost"] = row->lost;
      object["balanced"] = row->balanced;
      output.json(object);
    } else {
      const auto text = [](std::uint64_t number) { return std::to_string(number); };
      table.row({mailbox.name, text(counts.accepted), text(counts.drained), text(counts.exported),
                 text(counts.removed), text(counts.expired), text(counts.discarded), text(counts.refused),
                 text(row->here),
                 !row->balanced  ? "NO"
                 : row->lost > 0 ? "yes, " + text(row->lost) + " lost"
                                 : "yes"});
    }
  }
  if (!options.json) table.print(output);
  // The numbers of the table are those of the period, but the balance always covers the whole
  // history.
  return output.close(balanced ? kExitSuccess : kExitBadData);
}

}  // namespace

void add_report(Commands& commands) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App* command = commands.add(commands.root(), "report", "Account for every accepted message",
                                   [&commands, options] { return report(commands, *options); });
  command->add_option("MAILBOX", options->mailbox, "Name, id or address (else all)");
  cli::time_option(*command, "--since", options->since,
                   "Count entries from this time on (STORED counts the present)");
  cli::time_option(*command, "--until", options->until,
                   "Count entries before this time (STORED counts the present)");
  command->add_flag("--json", options->json, "Print JSON lines");
  AuditCommand& audit = options->audit;
  command->add_option("--period", audit.period, "Write the auditors' report on this month")
      ->type_name("YYYY-MM");
  command->add_flag("--all", audit.all, "One report for each mailbox");
  command->add_option("--format", audit.format, "Form of the auditors' report (default html)")
      ->check(CLI::IsMember({"html", "pdf", "json"}));
  command->add_option("-o,--output", audit.output, "Write it there; with --all, a directory")
      ->type_name("FILE");
  command->add_option("--history", audit.history, "Also write the history's leaves, to count again")
      ->type_name("FILE");
  command->add_option("--checkpoint", audit.checkpoint, "Use this checkpoint and its timestamp")
      ->type_name("FILE");
  std::vector<std::string> languages;
  for (const std::string_view each : audit_languages()) languages.emplace_back(each);
  command->add_option("--language", audit.language, "Language of the report (default en)")
      ->check(CLI::IsMember(languages));
  command->add_option("--pdf-program", audit.pdf_program, "Program that makes the PDF")->type_name("FILE");
}

}  // namespace gw::cmd
