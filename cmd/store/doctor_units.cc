// The part of gw-store doctor that asks systemd about the units of gw.
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <map>

#include "base/file.h"
#include "base/text.h"
#include "store/doctor.h"

namespace gw::cmd {
namespace {

constexpr std::array kUnits{"gw.target",
                            "gw-store.service",
                            "gw-store-append.socket",
                            "gw-store-drain.socket",
                            "gw-store-admin.socket",
                            "gw-store-metrics.socket",
                            "gw-smtpd.service",
                            "gw-smtpd.socket",
                            "gw-smtps.socket",
                            "gw-pop3d.socket",
                            "gw-proxy.service",
                            "gw-proxy-smtp.socket",
                            "gw-proxy-pop3.socket",
                            "gw-webd.service",
                            "gw-webd.socket",
                            "gw-backup.service",
                            "gw-backup.timer",
                            "gw-verify.service",
                            "gw-verify.timer",
                            "gw-checkpoint.service",
                            "gw-checkpoint.timer",
                            "gw-doctor.timer",
                            "gw-metrics.service",
                            "gw-metrics.timer"};
// Clients of these sockets begin with TLS, or with STARTTLS, or are refused a login without it.
constexpr std::array<std::string_view, 4> kTlsSockets{"gw-smtpd.socket", "gw-smtps.socket", "gw-pop3d.socket",
                                                      "gw-webd.socket"};
// Limits for the program, which the user may name: bytes of its output, and time.
constexpr std::size_t kMaxOutput = 64 << 10;
constexpr std::chrono::seconds kSystemctlTimeout{10};

// Returns what the program prints, or nullopt if it cannot be run, fails, takes too long, or prints
// more than kMaxOutput bytes.
std::optional<std::string> printed(std::vector<std::string> command) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  const Fd ours(ends[0]);
  Fd theirs(ends[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  const int failed = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  // Close this process's copy of the write end, or the end of the output would never be seen.
  theirs.reset();
  if (failed != 0) return std::nullopt;
  std::string text;
  const auto end = std::chrono::steady_clock::now() + kSystemctlTimeout;
  bool whole = false;
  for (std::array<std::byte, 4096> piece{}; text.size() < kMaxOutput;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd item{ours.get(), POLLIN, 0};
    if (left.count() <= 0 || ::poll(&item, 1, static_cast<int>(left.count())) <= 0) break;
    const auto got = read_some(ours.get(), piece, "systemctl");
    if (!got) break;
    whole = *got == 0;
    if (whole) break;
    text += as_text(ByteView(piece).first(*got));
  }
  // It may be blocked in a write that nothing reads any more.
  if (!whole) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return std::nullopt;
  if (!whole || !WIFEXITED(status) || WEXITSTATUS(status) != 0) return std::nullopt;
  return text;
}

using UnitProperties = std::map<std::string, std::string, std::less<>>;

bool contains_word(std::string_view text, std::string_view word) {
  for (const std::string_view each : split(text, ' '))
    if (each == word) return true;
  return false;
}

// Returns the value of a property, or an empty string if the unit does not have it.
std::string_view value_of(const UnitProperties& unit, std::string_view property) {
  const auto found = unit.find(property);
  return found != unit.end() ? std::string_view(found->second) : std::string_view();
}

// Returns the service that the socket starts if it runs, and an empty string otherwise. systemd does
// not start a socket while its service runs: the service would not get it.
std::string_view running_service(const UnitProperties& socket, const std::vector<UnitProperties>& units) {
  for (const UnitProperties& unit : units) {
    const std::string_view id = value_of(unit, "Id");
    if (id.ends_with(".service") && contains_word(value_of(socket, "Triggers"), id) &&
        value_of(unit, "ActiveState") != "inactive" && value_of(unit, "ActiveState") != "failed")
      return id;
  }
  return {};
}

void examine_unit(const UnitProperties& unit, const std::vector<UnitProperties>& units,
                  std::vector<Diagnosis>& findings) {
  const auto is = [&](std::string_view property, std::string_view value) {
    return value_of(unit, property) == value;
  };
  // systemctl also describes units that are not installed.
  if (!unit.contains("Id") || !is("LoadState", "loaded")) return;
  const std::string name(value_of(unit, "Id"));
  Diagnosis finding{"unit", Level::Good, name, {}, {}};
  finding.text = unit.contains("ActiveState") ? value_of(unit, "ActiveState") : "unknown";
  // A service is started by its socket or timer and may have finished, so an inactive service is no
  // defect.
  const bool waits = name.ends_with(".socket") || name.ends_with(".timer") || name.ends_with(".target");
  // Units that gw.target wants start and stop with it, so they need not be enabled themselves.
  const bool brought = contains_word(value_of(unit, "WantedBy"), "gw.target");
  // With Restart= a service that ends immediately after each start is never "failed".
  const bool restarts = is("SubState", "auto-restart");
  if (is("ActiveState", "failed") || restarts) {
    finding.level = Level::Trouble;
    finding.text = restarts ? "keeps ending and is started again" : "has failed";
    if (unit.contains("Result")) finding.text += ": " + std::string(value_of(unit, "Result"));
    finding.hint = "see journalctl -u " + name + ", then run systemctl restart " + name;
  } else if (waits && is("ActiveState", "inactive") && is("UnitFileState", "enabled")) {
    finding.level = Level::Trouble;
    finding.text = "is enabled but not running";
    finding.hint = "systemctl start " + name;
    if (const std::string_view service = running_service(unit, units); !service.empty()) {
      finding.text += ", and cannot start while " + std::string(service) + " runs";
      // A restart of gw.target stops the service before it starts the sockets. It starts only units
      // that it wants, which an old symbolic link does not say.
      finding.hint = (brought ? "" : "systemctl reenable " + name + " && ") + "systemctl restart gw.target";
    }
  } else if (waits && !brought && is("ActiveState", "active") && is("UnitFileState", "disabled")) {
    finding.level = Level::Warning;
    finding.text = "is running but not enabled at boot";
    finding.hint = "systemctl enable " + name;
  }
  findings.push_back(std::move(finding));
}

}  // namespace

void examine_units(const std::string& systemctl, bool has_certificate, std::vector<Diagnosis>& findings) {
  std::vector<std::string> command{
      systemctl, "show", "--no-pager",
      "--property=Id,LoadState,ActiveState,SubState,UnitFileState,Result,WantedBy,Triggers"};
  command.insert(command.end(), kUnits.begin(), kUnits.end());
  const auto text = printed(std::move(command));
  if (!text) return;
  // The output has an empty line between two units, and none after the last one.
  std::vector<UnitProperties> units(1);
  for (const std::string_view line : split(*text, '\n')) {
    const std::size_t equals = line.find('=');
    if (equals != std::string_view::npos) {
      units.back().emplace(line.substr(0, equals), printable(line.substr(equals + 1)));
    } else if (line.empty()) {
      units.emplace_back();
    }
  }
  std::string serves;  // the sockets whose clients expect TLS
  for (const UnitProperties& unit : units) {
    examine_unit(unit, units, findings);
    const std::string_view id = value_of(unit, "Id");
    if (value_of(unit, "ActiveState") == "active" && std::ranges::find(kTlsSockets, id) != kTlsSockets.end())
      serves += (serves.empty() ? "" : ", ") + std::string(id);
  }
  if (has_certificate || serves.empty()) return;
  findings.push_back({"certificate",
                      Level::Trouble,
                      "gw.toml",
                      "no certificate is configured, and TLS is not available on " + serves,
                      "gw-store certificate install FULLCHAIN KEY",
                      vault::Cause::None,
                      {}});
}

}  // namespace gw::cmd
