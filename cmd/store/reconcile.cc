#include "store/reconcile.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/counted.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/password.h"
#include "cli/span.h"
#include "cli/values.h"
#include "store/format.h"
#include "transfer/reconcile.h"
#include "vault/mailbox.h"

namespace gw::cmd {
namespace {

using transfer::Reconcile;

struct ReconcileOptions {
  std::string mailbox;
  std::vector<std::string> traces;
  std::optional<Micros> since;
  std::optional<Micros> until;
  std::vector<std::string> ignore;
  std::vector<std::string> columns;
  std::string zone = "+00:00";
  std::string dates = "mdy";
  bool json = false;
  cli::PasswordOptions password;
};

Result<transfer::TraceOptions> trace_options(const ReconcileOptions& options) {
  transfer::TraceOptions trace;
  trace.now = now();
  trace.dates = options.dates == "dmy" ? transfer::DateOrder::DayFirst : transfer::DateOrder::MonthFirst;
  // The zone of a time that has one is the same text.
  const auto noon = parse_time("2000-01-01T12:00:00" + options.zone);
  if (!noon) return Error(Code::Usage, "`" + options.zone + "` is not a time zone such as +01:00");
  trace.zone = (*parse_time("2000-01-01T12:00:00Z") - *noon) / 1'000'000;
  for (const std::string& each : options.columns) {
    constexpr std::string_view kFields[] = {"id",      "time",   "sender",   "recipient",
                                            "subject", "status", "direction"};
    const std::size_t equals = each.find('=');
    const std::string field = each.substr(0, equals);
    if (equals == std::string::npos || std::ranges::find(kFields, field) == std::end(kFields))
      return Error(Code::Usage, "`" + each + "` does not name a column")
          .with_hint("use FIELD=NAME with id, time, sender, recipient, subject, status or direction");
    trace.columns[field] = each.substr(equals + 1);
  }
  return trace;
}

// The rows that reading a trace reports, on one line each.
class Printer {
 public:
  Printer(cli::Output& output, const ReconcileOptions& options) : output_(output), options_(options) {}

  void extra(const Reconcile::Extra& extra) {
    if (options_.json) {
      Json object;
      object["result"] = "extra";
      object["message"] = extra.id.hex();
      object["received_at"] = json_time(extra.received);
      object["removed"] = extra.removed;
      output_.json(object);
      return;
    }
    line("extra", extra.received, "message " + extra.id.hex());
  }
  void mail(std::string_view result, const Reconcile::Mail& mail) {
    if (options_.json) {
      Json object;
      object["result"] = result;
      object["message_id"] = valid_text(mail.message_id);
      object["time"] = mail.time ? json_time(*mail.time) : Json();
      object["sender"] = valid_text(mail.sender);
      object["recipient"] = valid_text(mail.recipient);
      object["rows"] = mail.recipients;
      object["file"] = valid_text(options_.traces[mail.file]);
      object["line"] = mail.line;
      object["accepted"] = mail.found;
      object["message"] = mail.first_found ? Json(mail.first_found->hex()) : Json();
      output_.json(object);
      return;
    }
    std::string about =
        "<" + mail.message_id + ">  " + (mail.sender.empty() ? "<>" : mail.sender) + " to " + mail.recipient;
    if (mail.recipients > 1) about += " and others";
    if (mail.found > 1) about += "  accepted " + std::to_string(mail.found) + " times";
    line(result, mail.time.value_or(0), about);
  }
  void totals(const Reconcile::Totals& totals) {
    if (options_.json) {
      Json object;
      object["result"] = "total";
      object["mails"] = totals.mails;
      object["found"] = totals.found;
      object["missing"] = totals.missing;
      object["not_comparable"] = totals.not_comparable;
      object["ignored"] = totals.ignored;
      object["duplicates"] = totals.duplicates;
      object["extra"] = totals.extra;
      object["messages"] = totals.messages;
      object["messages_not_comparable"] = totals.unknown_messages;
      object["messages_opened"] = totals.opened;
      object["lost"] = totals.lost();
      output_.json(object);
      return;
    }
    output_.line(counted(totals.mails, "mail") + " in the trace: " + std::to_string(totals.found) +
                 " found, " + std::to_string(totals.missing) + " missing, " +
                 std::to_string(totals.not_comparable) + " not comparable, " +
                 std::to_string(totals.ignored) + " ignored");
    output_.line(counted(totals.messages, "message") + " compared: " + std::to_string(totals.extra) +
                 " extra, " + std::to_string(totals.duplicates) + " more than once" +
                 (totals.unknown_messages == 0
                      ? ""
                      : "; " + counted(totals.unknown_messages, "accepted message") + " not comparable"));
    if (totals.lost() > totals.missing)
      output_.line("at least " + counted(totals.lost(), "mail") +
                   " missing: there are fewer accepted messages that " + "cannot be compared than mails");
  }

 private:
  void line(std::string_view result, Micros time, const std::string& about) {
    std::string text(result);
    text.resize(std::max<std::size_t>(text.size(), 16), ' ');
    std::string when = shown_time(time);
    when.resize(std::max<std::size_t>(when.size(), 22), ' ');
    output_.line(text + when + about);
  }
  cli::Output& output_;
  const ReconcileOptions& options_;
};

Result<int> reconcile(const Commands& commands, const ReconcileOptions& options) {
  if (auto good = cli::check_span(options.since, options.until); !good) return good.error();
  const auto trace = trace_options(options);
  if (!trace) return trace.error();
  Reconcile::Options wanted{options.since, options.until, {}};
  for (const std::string& each : options.ignore) {
    const auto rules = transfer::parse_ignore_rule(each);
    if (!rules) return rules.error();
    wanted.ignore.insert(wanted.ignore.end(), rules->begin(), rules->end());
  }
  auto store = commands.connect();
  if (!store) return store.error();
  const auto vault = (*store)->vault_id();
  if (!vault) return vault.error();
  const auto mailbox = mailbox_named(**store, options.mailbox);
  if (!mailbox) return mailbox.error();
  const auto password = options.password.read(mailbox->name);
  if (!password) return password.error();
  const auto ring = vault::unlock(**store, *mailbox, *password);
  if (!ring) return ring.error();

  Reconcile reconcile(**store, *ring, *vault, mailbox->id, std::move(wanted));
  std::uint64_t without_id = 0;
  for (std::size_t file = 0; file < options.traces.size(); ++file) {
    const std::string& path = options.traces[file];
    const auto facts = transfer::read_trace(
        path, *trace, [&](const transfer::TraceRow& row) { return reconcile.add(row, file); });
    if (!facts) return facts.error();
    without_id += facts->without_id;
    // A wrong date would move a mail out of the time that was asked for, and hide that it is missing.
    if (facts->first_unreadable_time != 0 && (options.since || options.until))
      return Error(Code::BadInput, path + ", line " + std::to_string(facts->first_unreadable_time) +
                                       ": cannot read the time `" + facts->unreadable_time + "`")
          .with_hint("use --dates dmy, or --column time=NAME");
  }
  cli::Output output;
  Printer printer(output, options);
  auto compared = reconcile.compare([&](const Reconcile::Extra& extra) { printer.extra(extra); });
  if (!compared) return compared.error();
  for (const Reconcile::Mail* mail : reconcile.mails()) {
    if (mail->outcome == Reconcile::Outcome::Missing) printer.mail("missing", *mail);
    if (mail->outcome == Reconcile::Outcome::NotComparable) printer.mail("not comparable", *mail);
    if (mail->found > 1) printer.mail("duplicate", *mail);
  }
  printer.totals(reconcile.totals());
  if (without_id > 0)
    commands.program().report(
        Error(Code::BadInput, counted(without_id, "row") + " without a Message-ID cannot be compared"));
  // A row that cannot be compared may be of a mail that is missing.
  return output.close(reconcile.totals().lost() > 0 || without_id > 0 ? kExitSomeFailed : kExitSuccess);
}

}  // namespace

void add_reconcile(Commands& commands) {
  auto options = std::make_shared<ReconcileOptions>();
  CLI::App* command =
      commands.add(commands.root(), "reconcile", "Compare a provider's log with what was accepted",
                   [&commands, options] { return reconcile(commands, *options); });
  command->add_option("MAILBOX", options->mailbox, "Name, id or address")->required();
  command->add_option("--trace", options->traces, "Message trace, log search or mail log")
      ->type_name("FILE")
      ->required();
  cli::time_option(*command, "--since", options->since, "Expect the mails from this time on");
  cli::time_option(*command, "--until", options->until, "Expect the mails before this time");
  command->add_option("--ignore", options->ignore, "Do not expect these mails; may be repeated")
      ->type_name("RULE");
  command->add_option("--column", options->columns, "Name of a column of the CSV file; may be repeated")
      ->type_name("FIELD=NAME");
  command->add_option("--zone", options->zone, "Zone of times without one (default +00:00)")
      ->type_name("OFFSET");
  command->add_option("--dates", options->dates, "Order of 10/11/2026: mdy (default) or dmy")
      ->check(CLI::IsMember({"mdy", "dmy"}));
  options->password.declare(*command);
  command->add_flag("--json", options->json, "Print JSON lines");
}

}  // namespace gw::cmd
