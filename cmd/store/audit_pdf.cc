// Runs the program that converts the report for auditors to PDF.
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/fd.h"
#include "base/file.h"
#include "base/text.h"
#include "sandbox/sandbox.h"
#include "store/audit.h"

namespace gw::cmd {
namespace {

constexpr int kPdfTimeout = 120'000;             // milliseconds
constexpr std::size_t kMaxPdf = 64 << 20;        // bytes
constexpr std::size_t kMaxComplaint = 64 << 10;  // bytes of standard error

// Waits for the end of the process, and kills it after kPdfTimeout. Returns its wait status.
Result<int> wait_status_of(pid_t pid, const std::string& program) {
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  pollfd item{process.get(), POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&item, 1, kPdfTimeout);
  } while (ready < 0 && errno == EINTR);
  if (ready <= 0) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return Error::from_errno(program);
  return status;
}

Result<std::string> content_of(const Fd& file, std::size_t limit) {
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return Error::from_errno("the PDF");
  if (static_cast<std::uint64_t>(facts.st_size) > limit)
    return Error(Code::Unavailable, "the PDF is too large");
  std::string content(static_cast<std::size_t>(facts.st_size), '\0');
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return Error::from_errno("the PDF");
  const auto got = read_some(file.get(), std::as_writable_bytes(std::span(content)), "the PDF");
  if (!got) return got.error();
  content.resize(*got);
  return content;
}

// Returns the last line that the program printed.
std::string complaint(const Fd& errors) {
  const auto said = content_of(errors, kMaxComplaint);
  if (!said) return {};
  const std::string_view all = trim(*said);
  const std::size_t line = all.rfind('\n');
  return printable(line == std::string_view::npos ? all : all.substr(line + 1));
}

}  // namespace

Result<std::string> pdf_of(const std::string& html, const std::string& program) {
  if (::access(program.c_str(), X_OK) != 0)
    return Error(Code::Config, "cannot make a PDF: " + program + " is not installed")
        .with_hint("apt-get install weasyprint");
  // The page needs nothing from outside. The filter is inherited by the program and never removed, so
  // that one is enough for all reports; this process connects only to the keeper's Unix socket.
  static const Result<void> closed = sandbox::forbid_network();
  if (!closed) return closed.error().within("cannot make a PDF");
  // Files in memory and not pipes: writing them never waits, and nothing is left on disk.
  const Fd input(::memfd_create("report.html", MFD_CLOEXEC));
  const Fd output(::memfd_create("report.pdf", MFD_CLOEXEC));
  const Fd errors(::memfd_create("errors", MFD_CLOEXEC));
  if (!input || !output || !errors) return Error::from_errno("memfd_create");
  if (auto written = write_all(input.get(), as_bytes(html), "the report"); !written) return written.error();
  if (::lseek(input.get(), 0, SEEK_SET) != 0) return Error::from_errno("the report");

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, errors.get(), STDERR_FILENO);
  std::string name = program;
  std::string from = "-";
  std::string to = "-";
  char* const argv[] = {name.data(), from.data(), to.data(), nullptr};
  // Nothing of this process' environment is passed on.
  std::string path = "PATH=/usr/local/bin:/usr/bin:/bin";
  std::string locale = "LC_ALL=C.UTF-8";
  std::string home = "HOME=/nonexistent";
  char* const environment[] = {path.data(), locale.data(), home.data(), nullptr};
  pid_t pid = 0;
  const int failed = ::posix_spawn(&pid, program.c_str(), &actions, nullptr, argv, environment);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return Error(Code::Unavailable, Error::from_errno("cannot run " + program, failed).text());
  const auto status = wait_status_of(pid, program);
  if (!status) return status.error();
  auto pdf = content_of(output, kMaxPdf);
  if (!pdf) return pdf.error();
  if (!WIFEXITED(*status) || WEXITSTATUS(*status) != 0 || !pdf->starts_with("%PDF-")) {
    const std::string how = WIFSIGNALED(*status)        ? "signal " + std::to_string(WTERMSIG(*status))
                            : WEXITSTATUS(*status) != 0 ? "status " + std::to_string(WEXITSTATUS(*status))
                                                        : "it wrote no PDF";
    const std::string said = complaint(errors);
    return Error(Code::Unavailable,
                 "cannot make a PDF: " + program + " failed: " + how + (said.empty() ? "" : ": " + said));
  }
  return pdf;
}

}  // namespace gw::cmd
