// gw-store doctor: examines this host and the vault, and says what is wrong and how to fix it.
#include "store/doctor.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/counted.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/values.h"
#include "cli/vault_hint.h"
#include "store/alarm.h"
#include "store/commands.h"
#include "store/format.h"

namespace gw::cmd {
namespace {

struct DoctorOptions {
  std::optional<std::chrono::seconds> silence;
  std::optional<std::chrono::seconds> unfetched;
  std::optional<std::chrono::seconds> certificate;
  std::optional<std::chrono::seconds> backup;
  std::optional<std::chrono::seconds> verify;
  std::string systemctl;
  std::string mail_to;
  std::string sendmail = "/usr/sbin/sendmail";
  bool json = false;
};

void print(cli::Output& output, const std::vector<Diagnosis>& findings, bool all) {
  std::size_t bad = 0;
  for (const Diagnosis& finding : findings) {
    if (finding.level != Level::Good) ++bad;
    // With --verbose, also what is good.
    if (finding.level == Level::Good && !all) continue;
    std::string line = std::string(name(finding.level)) + ": " + finding.check;
    if (!finding.about.empty()) line += " " + finding.about;
    output.line(line + ": " + finding.text);
    if (!finding.hint.empty()) output.line("  " + finding.hint);
  }
  output.line(counted(findings.size(), "check") + ", " +
              (bad == 0 ? std::string("no problems found") : std::to_string(bad) + " to fix"));
}

Result<int> doctor(const Commands& commands, const DoctorOptions& options) {
  const auto config = commands.config();
  if (!config) return config.error();
  // Before the examination, which may take a minute.
  if (!options.mail_to.empty() && !valid_alarm_address(options.mail_to))
    return Error(Code::Usage,
                 "--mail-to: `" + printable(options.mail_to) + "` is not a single plain address");
  DiagnosisLimits limits;
  limits.silence = options.silence.value_or(limits.silence);
  limits.unfetched = options.unfetched.value_or(limits.unfetched);
  limits.certificate = options.certificate.value_or(limits.certificate);
  limits.backup = options.backup.value_or(limits.backup);

  limits.verify = options.verify.value_or(limits.verify);

  std::vector<Diagnosis> findings = examine(commands, *config, limits, options.systemctl);
  for (Diagnosis& finding : findings) finding.hint = cli::for_this_vault(finding.hint);
  cli::Output output;
  if (options.json) {
    for (const Diagnosis& finding : findings) {
      Json object;
      object["check"] = finding.check;
      object["level"] = name(finding.level);
      json::put_text(object, "about", finding.about);
      json::put_text(object, "text", finding.text);
      object["hint"] = finding.hint.empty() ? Json() : Json(finding.hint);
      output.json(object);
    }
  } else {
    print(output, findings, commands.program().verbose());
  }
  if (!options.mail_to.empty())
    // A failure to send decides the exit status, even if there are findings: those are in the
    // output, but the person who should have received the mail does not know.
    if (auto sent = send_alarm(options.sendmail, options.mail_to, config->host, findings); !sent) {
      commands.program().report(sent.error());
      return output.close(sent.error().exit_status());
    }
  const bool good = std::ranges::all_of(findings, [](const Diagnosis& f) { return f.level == Level::Good; });
  return output.close(good ? kExitSuccess : kExitNo);
}

}  // namespace

std::vector<Diagnosis> examine(const Commands& commands, const config::Config& config,
                               const DiagnosisLimits& limits, const std::string& systemctl) {
  std::vector<Diagnosis> findings;
  examine_host(config, limits, findings);
  // The units belong to the system's vault. For any other vault they say nothing. sd_booted(3)
  // tests for the same directory.
  const bool systemd = config.vault == "/var/lib/gw" && ::access("/run/systemd/system", F_OK) == 0;
  if (systemd || !systemctl.empty())
    examine_units(systemctl.empty() ? "systemctl" : systemctl, !config.certificates.empty(), findings);
  // An unreachable keeper is a finding like any other. The rest of the report is useful then too.
  auto store = commands.connect();
  Result<void> examined =
      store ? vault::examine_vault(**store, config.vault, limits, findings) : store.error();
  if (!examined) {
    const Error& error = examined.error();
    // A keeper that this user may not ask is neither well nor ill.
    const bool denied = error.exit_status() == exit_status(Code::Denied);
    findings.push_back({"keeper",
                        denied ? Level::Unknown : Level::Trouble,
                        config.vault,
                        error.text(),
                        denied                 ? permitted(config)
                        : error.hint().empty() ? "see the log of the keeper"
                                               : error.hint(),
                        vault::Cause::None,
                        {}});
  }
  return findings;
}

void add_doctor(Commands& commands) {
  auto options = std::make_shared<DoctorOptions>();
  CLI::App* command = commands.add(commands.root(), "doctor", "Report problems and how to fix them",
                                   [&commands, options] { return doctor(commands, *options); });
  cli::duration_option(*command, "--silence", options->silence,
                       "Report mailboxes without mail for this long (default 7d)");
  cli::duration_option(*command, "--unfetched", options->unfetched,
                       "Report mailboxes with mail older than this (default 1d)");
  cli::duration_option(*command, "--certificate", options->certificate,
                       "Report certificates expiring within this (default 14d)");
  cli::duration_option(*command, "--backup", options->backup,
                       "Report a vault not backed up for this long (default 7d)");
  cli::duration_option(*command, "--verify", options->verify,
                       "Report a vault not verified for this long (default 30d)");
  command->add_option("--systemctl", options->systemctl, "Query units with this program (default: systemctl)")
      ->type_name("FILE");
  command->add_option("--mail-to", options->mail_to, "Also send problems by mail, each once a day")
      ->type_name("ADDR");
  command
      ->add_option("--sendmail", options->sendmail,
                   "Send mail with this program (default: /usr/sbin/sendmail)")
      ->type_name("FILE");
  command->add_flag("--json", options->json, "Print JSON lines, including checks without problems");
}

}  // namespace gw::cmd
