// Simulates vaults until the time is over, or runs scripts; see gw-faults(7).
//
//   simulation [--seconds N] [--seed S] [--cycles N] [--plant WHAT] [SCRIPT…]
//
// Each vault lives in a process of its own, so that a crash or a hang of the store is a finding too,
// and so that a seed means the same whatever ran before it. A finding is shortened to the steps that
// it needs, and printed as a script. The exit status is 0 if nothing was found, with --plant if
// something was; 1 otherwise; 2 if an argument is wrong.
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

#include "base/log.h"
#include "creation.h"
#include "dump.h"
#include "script.h"
#include "sessions.h"
#include "support/temp_folder.h"
#include "threads.h"
#include "vault.h"

namespace gw::simulation {
namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned kHang = 60;  // seconds of real time that a vault may take

// What a process with one vault has reported.
struct Report {
  Host::Counts counts;
  std::string finding;  // empty: nothing was found
};

// Runs in the child.
[[noreturn]] void simulate(const Script& script, const std::string& folder, Plant plant, int to) {
  ::alarm(kHang);
  log::open("simulation", log::Target::Nowhere);
  const std::uint64_t seed = script.empty() ? 0 : script[0].at(0);
  const std::string kind = script.empty() ? "" : script[0].word;
  start_threads(seed);
  Report report;
  std::size_t line = 0;
  const auto tell = [&](const Host::Counts& counts) {
    std::ostringstream out;
    out << counts.crashes << ' ' << counts.failures << ' ' << counts.changes << ' ' << counts.calls << ' '
        << counts.trace << '\n'
        << report.finding;
    const std::string text = out.str();
    (void)!::write(to, text.data(), text.size());
  };
  // Not destroyed: the process ends without tidying up, as the simulated ones do.
  Host* vault = nullptr;
  try {
    if (kind == "creation") {
      vault = new Creation(folder, seed, plant);
    } else if (kind == "sessions") {
      vault = new Sessions(folder, seed, plant);
    } else {
      vault = new Vault(folder, seed, plant);
    }
    for (; line < script.size(); ++line) vault->run(script[line]);
    vault->finish();
  } catch (const std::exception& violation) {
    report.finding = "step " + std::to_string(line + 1) +
                     (line < script.size() ? " (" + to_text(script[line]) + "): " : ": ") + violation.what() +
                     "\n";
    if (vault != nullptr) report.finding += "  the last crash: " + vault->story();
  }
  tell(vault != nullptr ? vault->counts() : Host::Counts{});
  ::_exit(report.finding.empty() ? 0 : 1);
}

std::string content_of(int fd) {
  std::string text;
  std::array<char, 4096> part;
  for (ssize_t got = 0; (got = ::read(fd, part.data(), part.size())) > 0;)
    text.append(part.data(), static_cast<std::size_t>(got));
  return text;
}

Report run(const Script& script, Plant plant) {
  const test::TempFolder folder(test::quick_folder());
  int pipe[2];
  int errors[2];
  if (::pipe(pipe) != 0 || ::pipe(errors) != 0) std::abort();
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(errors[1], STDERR_FILENO);
    simulate(script, folder.path(), plant, pipe[1]);
  }
  ::close(pipe[1]);
  ::close(errors[1]);
  std::istringstream told(content_of(pipe[0]));
  const std::string said = content_of(errors[0]);
  ::close(pipe[0]);
  ::close(errors[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  Report report;
  Host::Counts& counts = report.counts;
  told >> counts.crashes >> counts.failures >> counts.changes >> counts.calls >> counts.trace;
  told.ignore();
  std::ostringstream rest;
  rest << told.rdbuf();
  report.finding = rest.str();
  if (WIFSIGNALED(status))
    report.finding = (WTERMSIG(status) == SIGALRM ? std::string("hangs")
                                                  : "ends by signal " + std::to_string(WTERMSIG(status))) +
                     ": " + said;
  return report;
}

// Leaves out steps while something is still found, for at most a minute.
Script shorten(Script script, Plant plant) {
  const auto until = Clock::now() + std::chrono::minutes(1);
  for (std::size_t size = script.size() / 2; size > 0; size /= 2) {
    for (std::size_t first = 1; first < script.size() && Clock::now() < until;) {
      Script shorter = script;
      const auto from = shorter.begin() + static_cast<std::ptrdiff_t>(first);
      shorter.erase(from, from + static_cast<std::ptrdiff_t>(std::min(size, script.size() - first)));
      if (run(shorter, plant).finding.empty()) {
        first += size;
      } else {
        script = std::move(shorter);
      }
    }
  }
  return script;
}

void tell_finding(const Script& script, Plant plant, const Report& report) {
  std::printf("found: %s", report.finding.c_str());
  // One that was committed on purpose needs no script.
  if (plant != Plant::None) return;
  const Script shorter = shorten(script, plant);
  std::printf("shortened from %zu to %zu steps:\n%s  %s", script.size(), shorter.size(),
              to_text(shorter).c_str(), run(shorter, plant).finding.c_str());
  std::fflush(stdout);
}

const std::map<std::string, Plant> kPlants{{"none", Plant::None},
                                           {"dropped-sync", Plant::DroppedSync},
                                           {"dropped-folder-sync", Plant::DroppedFolderSync},
                                           {"dropped-log-sync", Plant::DroppedLogSync},
                                           {"dropped-table-sync", Plant::DroppedTableSync},
                                           {"dropped-blob-sync", Plant::DroppedBlobSync},
                                           {"dropped-manifest-sync", Plant::DroppedManifestSync},
                                           {"dropped-large-sync", Plant::DroppedLargeSync},
                                           {"dropped-database-folder-sync", Plant::DroppedDatabaseFolderSync},
                                           {"dropped-large-folder-sync", Plant::DroppedLargeFolderSync},
                                           {"dropped-vault-folder-sync", Plant::DroppedVaultFolderSync},
                                           {"lost", Plant::Lost},
                                           {"returned", Plant::Returned},
                                           {"vanished", Plant::Vanished}};

struct Given {
  double seconds = 20;
  std::uint64_t seed = std::random_device{}();
  std::size_t cycles = 12;
  std::size_t findings = 1;
  Plant plant = Plant::None;
  bool twice = false;
  std::string kind;  // first word of the scripts; empty: any
  std::vector<std::string> scripts;
};

bool run_scripts(const Given& given) {
  bool found = false;
  for (const std::string& path : given.scripts) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    const auto script = parse_script(text.str());
    if (!file || !script) {
      std::fprintf(stderr, "simulation: %s is not a script\n", path.c_str());
      std::exit(2);
    }
    const Report report = run(*script, given.plant);
    if (report.finding.empty()) continue;
    found = true;
    std::printf("%s: ", path.c_str());
    tell_finding(*script, given.plant, report);
  }
  return found;
}

bool run_seeds(const Given& given) {
  std::printf("seed %llu\n", static_cast<unsigned long long>(given.seed));
  std::fflush(stdout);
  const auto begun = Clock::now();
  Host::Counts sum;
  std::size_t vaults = 0;
  std::uint64_t next = given.seed;
  std::size_t findings = 0;
  const auto took = [&] { return std::chrono::duration<double>(Clock::now() - begun).count(); };
  while (took() < given.seconds && findings < given.findings) {
    const std::uint64_t seed = next++;
    const Script script = make_script(seed, given.cycles);
    if (!given.kind.empty() && script[0].word != given.kind) continue;
    ++vaults;
    const Report report = run(script, given.plant);
    sum.crashes += report.counts.crashes;
    sum.failures += report.counts.failures;
    sum.changes += report.counts.changes;
    sum.calls += report.counts.calls;
    if (given.twice && report.finding.empty() &&
        run(script, given.plant).counts.trace != report.counts.trace) {
      std::printf("seed %llu does not repeat\n", static_cast<unsigned long long>(seed));
      return true;
    }
    if (report.finding.empty()) continue;
    ++findings;
    std::printf("seed %llu ", static_cast<unsigned long long>(seed));
    tell_finding(script, given.plant, report);
  }
  std::printf(
      "%zu vaults, %llu crashes, %llu failed calls, %llu acknowledged changes, %llu file calls, "
      "%zu findings in %.0f s: %.0f crashes a minute\n",
      vaults, static_cast<unsigned long long>(sum.crashes), static_cast<unsigned long long>(sum.failures),
      static_cast<unsigned long long>(sum.changes), static_cast<unsigned long long>(sum.calls), findings,
      took(), 60 * static_cast<double>(sum.crashes) / took());
  return findings > 0;
}

int main_with(int count, char** arguments) {
  Given given;
  CLI::App app("Simulates vaults on a disk that fails, and compares them with a model.");
  app.add_option("--seconds", given.seconds, "Run for this long");
  app.add_option("--seed", given.seed, "Use this seed for the first vault");
  app.add_option("--cycles", given.cycles, "Crash or stop each vault so often");
  app.add_option("--findings", given.findings, "Stop after so many findings");
  app.add_option("--plant", given.plant, "Commit this fault")->transform(CLI::CheckedTransformer(kPlants));
  app.add_option("--kind", given.kind, "Simulate only vaults of this kind")
      ->check(CLI::IsMember({"seed", "sessions", "creation"}));
  app.add_flag("--twice", given.twice, "Run each seed twice and compare");
  app.add_option("SCRIPT", given.scripts, "Run these scripts instead");
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const bool found = given.scripts.empty() ? run_seeds(given) : run_scripts(given);
  return found == (given.plant != Plant::None) ? 0 : 1;
}

}  // namespace
}  // namespace gw::simulation

int main(int count, char** arguments) {
  return gw::simulation::main_with(count, arguments);
}
