// gw-store check: what doctor finds, in one line, for Nagios, Icinga and similar monitoring
// systems.
#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/clock.h"
#include "base/counted.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/values.h"
#include "net/tls.h"
#include "store/commands.h"
#include "store/doctor.h"
#include "vault/totals.h"

namespace gw::cmd {
namespace {

// Exit statuses of monitoring plugins, which differ from those of sysexits.h.
enum State { Ok = 0, Warning = 1, Critical = 2, Unknown = 3 };
constexpr const char* kWords[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

struct CheckOptions {
  std::optional<std::chrono::seconds> silence;
  std::optional<std::chrono::seconds> unfetched;
  std::optional<std::chrono::seconds> certificate;
  bool nagios = false;
};

// Returns text that is safe in the output of a plugin: one line, in which `|` begins the
// performance data.
std::string plain(std::string_view text) {
  std::string shown = printable(text);
  std::replace(shown.begin(), shown.end(), '|', '/');
  return shown;
}

// Collects performance data, `'label'=value[unit];warning;critical;min` as in the guidelines for
// monitoring plugins.
class Numbers {
 public:
  void put(std::string_view label, std::uint64_t value, std::string_view unit = {},
           std::string_view bounds = {}) {
    text_ += " " + std::string(label) + "=" + std::to_string(value) + std::string(unit) + ";" +
             (bounds.empty() ? ";" : std::string(bounds)) + ";0";
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::uint64_t seconds_since(Micros time) {
  // 0 stands for "never". A clock that was set back must not give a negative age, which would wrap
  // around.
  return time == 0 ? 0 : static_cast<std::uint64_t>(std::max<Micros>(0, now() - time) / 1'000'000);
}

Result<void> count(store::Store& store, const DiagnosisLimits& limits, Numbers& numbers) {
  const auto health = store.health();
  if (!health) return health.error();
  const auto rows = vault::mailbox_rows(store);
  if (!rows) return rows.error();
  const vault::Totals totals = vault::totals_of(*rows);
  numbers.put("mailboxes", rows->size());
  numbers.put("waiting", totals.live);
  numbers.put("waiting_octets", totals.live_bytes, "B");
  numbers.put("oldest", seconds_since(totals.oldest), "s", std::to_string(limits.unfetched.count()) + ";");
  numbers.put("unconfirmed", totals.unconfirmed);
  numbers.put("quarantined", totals.quarantined);
  // `c` marks a counter, which only grows.
  numbers.put("accepted", totals.accepted, "c");
  numbers.put("free", health->free_bytes, "B");
  return {};
}

// Adds the time until the first certificate expires; nothing if none can be read, which is a
// finding of its own.
void count_certificates(const config::Config& config, const DiagnosisLimits& limits, Numbers& numbers) {
  std::optional<Micros> first;
  for (const config::Certificate& pair : config.certificates)
    if (const auto tls = net::ServerTls::load({{pair.certificate, pair.key}}))
      first = std::min(first.value_or((*tls)->not_after()), (*tls)->not_after());
  if (first)
    numbers.put("certificate", static_cast<std::uint64_t>(std::max<Micros>(0, *first - now()) / 1'000'000),
                // `N:` is the range in the plugin guidelines that warns below N.
                "s", std::to_string(limits.certificate.count()) + ":;0:");
}

std::string parse_form(const Diagnosis& finding) {
  return finding.check + (finding.about.empty() ? "" : " " + plain(finding.about)) + ": " +
         plain(finding.text);
}

struct Verdict {
  State state = Ok;
  std::string text;
  int status = kExitSuccess;  // without --nagios
};

// Returns the worst finding and how many others there are: a monitoring system shows one line.
Verdict verdict_of(const std::vector<Diagnosis>& findings) {
  const auto worst =
      std::ranges::max_element(findings, {}, [](const Diagnosis& finding) { return finding.level; });
  const auto bad = std::ranges::count_if(findings, [](const Diagnosis& f) { return f.level != Level::Good; });
  if (worst == findings.end() || worst->level == Level::Good)
    return {Ok, counted(findings.size(), "check") + ", no problems found", kExitSuccess};
  const std::string text =
      parse_form(*worst) + (bad > 1 ? " (and " + std::to_string(bad - 1) + " more)" : "");
  if (worst->level == Level::Unknown) return {Unknown, text, exit_status(Code::Denied)};
  return {worst->level == Level::Trouble ? Critical : Warning, text, kExitNo};
}

Verdict look(const Commands& commands, const CheckOptions& options, Numbers& numbers) {
  const auto config = commands.config();
  if (!config) return {Unknown, plain(config.error().text()), exit_status(Code::Config)};
  DiagnosisLimits limits;
  limits.silence = options.silence.value_or(limits.silence);
  limits.unfetched = options.unfetched.value_or(limits.unfetched);
  limits.certificate = options.certificate.value_or(limits.certificate);
  const Verdict verdict = verdict_of(examine(commands, *config, limits));
  // If the keeper cannot be reached, the verdict already says so, and there are no numbers.
  if (auto store = commands.connect())
    if (auto counted = count(**store, limits, numbers); !counted)
      return {Unknown, plain(counted.error().text()), exit_status(Code::Config)};
  count_certificates(*config, limits, numbers);
  return verdict;
}

Result<int> check(const Commands& commands, const CheckOptions& options) {
  Numbers numbers;
  const Verdict verdict = look(commands, options, numbers);
  cli::Output output;
  const std::string line = std::string(kWords[verdict.state]) + ": " + verdict.text;
  output.line(!options.nagios ? line : "GW " + line + (numbers.text().empty() ? "" : " |" + numbers.text()));
  return output.close(options.nagios ? static_cast<int>(verdict.state) : verdict.status);
}

}  // namespace

void add_check(Commands& commands) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* command = commands.add(commands.root(), "check", "Print in one line whether there are problems",
                                   [&commands, options] { return check(commands, *options); });
  command->add_flag("--nagios", options->nagios, "Act as a Nagios plugin: print numbers, exit with 0 to 3");
  cli::duration_option(*command, "--silence", options->silence,
                       "Report mailboxes without mail for this long (default 7d)");
  cli::duration_option(*command, "--unfetched", options->unfetched,
                       "Report mailboxes with mail older than this (default 1d)");
  cli::duration_option(*command, "--certificate", options->certificate,
                       "Report certificates expiring within this (default 14d)");
}

}  // namespace gw::cmd
