#include "base/log.h"

#include <syslog.h>
#include <unistd.h>

#include <atomic>

#include "base/file.h"
#include "base/text.h"

namespace gw::log {
namespace {

constexpr std::size_t kMaxValue = 1024;

std::string program_name = "gw";
Target target = Target::Stderr;
std::atomic<bool> show_verbose{false};
std::atomic<bool> only_errors{false};

void append_value(std::string& line, std::string_view value) {
  const std::string shown = printable(value.substr(0, kMaxValue));
  const bool quote = shown.empty() || shown.find_first_of(" \"=\\") != std::string::npos;
  if (!quote) {
    line += shown;
    return;
  }
  line += '"';
  for (char c : shown) {
    if (c == '"' || c == '\\') line += '\\';
    line += c;
  }
  line += '"';
}

void write(int priority, std::string_view event, Fields fields) {
  if (target == Target::Nowhere || (only_errors && priority > LOG_ERR)) return;
  std::string line(event);
  for (const Field& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_value(line, field.value);
  }
  if (target == Target::Syslog) {
    ::syslog(priority, "%s", line.c_str());
    return;
  }
  std::string whole = program_name + "[" + std::to_string(::getpid()) + "]: ";
  if (priority == LOG_ERR) whole += "error: ";
  if (priority == LOG_WARNING) whole += "warning: ";
  whole += line + "\n";
  (void)write_all(STDERR_FILENO, as_bytes(whole), "standard error");
}

}  // namespace

void open(std::string_view program, Target where) {
  program_name = program;
  target = where;
  if (where == Target::Syslog) ::openlog(program_name.c_str(), LOG_PID | LOG_NDELAY, LOG_MAIL);
}

void set_verbose(bool verbose) {
  show_verbose = verbose;
}

void set_quiet(bool quiet) {
  only_errors = quiet;
}

void error(std::string_view event, Fields fields) {
  write(LOG_ERR, event, fields);
}
void warning(std::string_view event, Fields fields) {
  write(LOG_WARNING, event, fields);
}
void info(std::string_view event, Fields fields) {
  write(LOG_INFO, event, fields);
}
void verbose(std::string_view event, Fields fields) {
  if (show_verbose) write(LOG_DEBUG, event, fields);
}

}  // namespace gw::log
