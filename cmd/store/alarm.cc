#include "store/alarm.h"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/text.h"
#include "mail/address.h"

namespace gw::cmd {
namespace {

// The same finding is mailed once in this time, in microseconds.
constexpr Micros kBetween = Micros{24} * 3600 * 1'000'000;
// A timer does not fire at exactly the same time each day. Without this slack, a run that is a
// minute early would skip a whole day.
constexpr Micros kSlack = Micros{10} * 60 * 1'000'000;
constexpr int kMailTimeout = 60'000;  // milliseconds that the mail program may take
// Bounds the file; findings beyond that are mailed again.
constexpr std::size_t kMaxRemembered = 10'000;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string state_folder() {
  // systemd may name several directories, separated by colons.
  if (std::string set = variable("STATE_DIRECTORY"); !set.empty()) return set.substr(0, set.find(':'));
  std::string home = variable("HOME");
  if (const struct passwd* user = home.empty() ? ::getpwuid(::geteuid()) : nullptr; user != nullptr)
    home = user->pw_dir;
  return home + "/.local/state/gw";
}

// Names a finding. Its text is not part of the name, since it changes: the same finding says two
// days today and three tomorrow.
std::string name_of(const Diagnosis& finding) {
  std::string text = std::string(name(finding.level)) + '\n' + finding.check + '\n' + finding.about;
  return to_hex(sha256(as_bytes(text)));
}

using Sent = std::map<std::string, Micros>;

// Reads lines of the form `MICROSECONDS NAME`. Ignores other lines, those older than a day, and
// those in the future, which a clock that was wrong has left: they would suppress the finding until
// then.
Sent read_sent(const std::string& file, Micros time) {
  Sent sent;
  const auto text = read_file(file);
  // Missing or unreadable: mail everything again rather than nothing.
  if (!text) return sent;
  for (const std::string_view line : split(*text, '\n')) {
    const std::size_t blank = line.find(' ');
    const auto when = parse_number(line.substr(0, blank));
    if (blank == std::string_view::npos || !when) continue;
    const auto at = static_cast<Micros>(*when);
    if (at <= time && at + kBetween - kSlack > time) sent[std::string(line.substr(blank + 1))] = at;
  }
  return sent;
}

Result<void> write_sent(const std::string& folder, const std::string& file, const Sent& sent) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  std::string text;
  for (const auto& [name, time] : sent) text += std::to_string(time) + " " + name + "\n";
  // As a whole, so that an interrupted run leaves the old file.
  return replace_file(file, as_bytes(text), 0600);
}

std::string mail_of(const std::string& address, const std::string& host, const std::vector<Diagnosis>& bad) {
  // Header fields are ASCII, and a line ending in the name would start another field.
  const bool plain = !has_8bit(host) && !has_control(host);
  // Auto-Submitted keeps vacation programs from replying (RFC 3834, section 5). sendmail adds From
  // and Date.
  std::string mail = "To: " + address + "\nSubject: gw" + (plain && !host.empty() ? " at " + host : "") +
                     ": " + std::to_string(bad.size()) +
                     " to fix\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n"
                     "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n";
  for (const Diagnosis& finding : bad) {
    mail += std::string(name(finding.level)) + ": " + finding.check;
    if (!finding.about.empty()) mail += " " + printable(finding.about);
    mail += ": " + printable(finding.text) + "\n";
    if (!finding.hint.empty()) mail += "  " + printable(finding.hint) + "\n";
  }
  return mail + "\nSent by `gw-store doctor`, which reports each finding once a day.\n";
}

// Waits for the end of the process, and kills it after kMailTimeout: doctor runs from a timer, and
// must not hang with the mail system.
Result<void> wait_for(pid_t pid, const std::string& program) {
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  pollfd item{process.get(), POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&item, 1, kMailTimeout);
  } while (ready < 0 && errno == EINTR);
  if (ready <= 0) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return Error::from_errno(program);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  const std::string how = WIFEXITED(status) ? "status " + std::to_string(WEXITSTATUS(status))
                                            : "signal " + std::to_string(WTERMSIG(status));
  return Error(Code::Unavailable, program + " failed to send the mail: " + how)
      .with_hint("the next run sends it again");
}

Result<void> give_to(const std::string& program, const std::string& mail) {
  // A file in memory and not a pipe: writing it never waits for the program.
  const Fd input(::memfd_create("mail", MFD_CLOEXEC));
  if (!input) return Error::from_errno("memfd_create");
  if (auto written = write_all(input.get(), as_bytes(mail), "the mail"); !written) return written;
  if (::lseek(input.get(), 0, SEEK_SET) != 0) return Error::from_errno("the mail");
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input.get(), STDIN_FILENO);
  std::string name = program;
  // -t: the recipient is taken from the header, so the address is never an argument that could be
  // an option. -oi: a line with a single dot does not end the mail.
  std::string headers = "-t";
  std::string lone_dots = "-oi";
  char* const argv[] = {name.data(), headers.data(), lone_dots.data(), nullptr};
  pid_t pid = 0;
  const int failed = ::posix_spawn(&pid, program.c_str(), &actions, nullptr, argv, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0)
    return Error(Code::Unavailable, Error::from_errno("cannot run " + program, failed).text())
        .with_hint("use --sendmail FILE");
  return wait_for(pid, program);
}

}  // namespace

bool valid_alarm_address(std::string_view address) {
  // A leading `-` could be taken for an option if the address ever becomes an argument.
  return mail::valid_alias(address) || (mail::valid_name(address) && address.front() != '-');
}

Result<void> send_alarm(const std::string& sendmail, const std::string& address, const std::string& host,
                        const std::vector<Diagnosis>& findings) {
  std::vector<Diagnosis> bad;
  std::ranges::copy_if(findings, std::back_inserter(bad),
                       [](const Diagnosis& finding) { return finding.level != Level::Good; });
  if (bad.empty()) return {};
  const std::string folder = state_folder();
  const std::string file = folder + "/doctor.mailed";
  const Micros time = now();
  Sent sent = read_sent(file, time);
  // Nothing is sent if nothing is new. Otherwise the mail names all findings, so that it is a
  // complete report.
  if (std::ranges::all_of(bad, [&](const Diagnosis& finding) { return sent.contains(name_of(finding)); }))
    return {};
  // Recorded only after the mail was accepted; a failure is repeated with the next run.
  if (auto taken = give_to(sendmail, mail_of(address, host, bad)); !taken) return taken;
  for (const Diagnosis& finding : bad)
    if (sent.size() < kMaxRemembered) sent[name_of(finding)] = time;
  return write_sent(folder, file, sent);
}

}  // namespace gw::cmd
