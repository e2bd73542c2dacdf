#include "base/log.h"

#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>

#include "base/file.h"
#include "base/source.h"
#include "base/systemd_journal.h"
#include "base/text.h"

namespace gw::log {
namespace {

constexpr std::size_t kMaxValue = 1024;
constexpr std::chrono::seconds kWindow{10};
// Events with counters of their own. Nearly all event names are literals in the code and there are
// fewer; the limit bounds the memory. Events beyond it are not limited.
constexpr std::size_t kMaxKinds = 64;

// open() and redirect() set these before other threads exist, so only the flags need to be atomic.
std::string program_name = "gw";
Target target = Target::Stderr;
Journal journal;
std::atomic<bool> show_verbose{false};
std::atomic<bool> only_errors{false};

// Quotes a value if it is empty or contains a character that has a meaning in the line, so that a
// value from a client cannot look like another field. printable() has already removed line endings.
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

std::string text_of(std::string_view event, Fields fields) {
  std::string line(event);
  for (const Field& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_value(line, field.value);
  }
  return line;
}

void to_stderr(int priority, const std::string& line) {
  std::string whole = program_name + "[" + std::to_string(::getpid()) + "]: ";
  if (priority == LOG_ERR) whole += "error: ";
  if (priority == LOG_WARNING) whole += "warning: ";
  whole += line + "\n";
  // One write(2) for the whole line: lines of different threads and processes do not mix. A failure
  // cannot be reported anywhere.
  (void)write_all(STDERR_FILENO, as_bytes(whole), "standard error");
}

bool to_journal(int priority, std::string_view event, Fields fields, const std::string& line) {
  std::string datagram;
  Journal::put(datagram, "", "MESSAGE", printable(line));
  Journal::put(datagram, "", "PRIORITY", std::to_string(priority));
  Journal::put(datagram, "", "SYSLOG_FACILITY", std::to_string(LOG_MAIL >> 3));
  Journal::put(datagram, "", "SYSLOG_IDENTIFIER", program_name);
  Journal::put(datagram, "GW_", "EVENT", printable(event.substr(0, kMaxValue)));
  for (const Field& field : fields)
    Journal::put(datagram, "GW_", field.key, printable(std::string_view(field.value).substr(0, kMaxValue)));
  return journal.send(datagram);
}

void write(int priority, std::string_view event, Fields fields) {
  if (target == Target::Nowhere || (only_errors && priority > LOG_ERR)) return;
  const std::string line = text_of(event, fields);
  if (target == Target::Syslog) {
    ::syslog(priority, "%s", line.c_str());
    return;
  }
  // If the journal does not accept the entry, standard error is the last resort.
  if (target == Target::Journal && to_journal(priority, event, fields, line)) return;
  to_stderr(priority, line);
}

// Returns the source that a line is about; empty if it has no field `rhost`.
std::string source_in(Fields fields) {
  for (const Field& field : fields)
    if (field.key == "rhost") return source_of(field.value);
  return {};
}

// Counts events and decides which of them are written.
class Limits {
 public:
  // Returns true if this event may be written now. Before that, writes the `suppressed` lines of
  // all events whose ten seconds are over: there is no timer, so they are written with the next
  // warning or error.
  bool allow(std::string_view event, Fields fields) {
    const auto time = Clock::now();
    const std::string source = source_in(fields);
    const std::scoped_lock lock(mutex_);
    if (suppressed_) say_suppressed(time);
    auto found = kinds_.find(event);
    if (found == kinds_.end()) {
      if (kinds_.size() >= kMaxKinds) return true;
      found = kinds_.emplace(std::string(event), Kind{time, 0, 0, {}}).first;
    }
    Kind& kind = found->second;
    // A new window keeps the count of suppressed lines that is not reported yet.
    if (time >= kind.begun + kWindow) kind = {time, 0, kind.suppressed, {}};
    if (kind.takes(source)) return true;
    ++kind.suppressed;
    suppressed_ = true;
    return false;
  }

  void flush() {
    const std::scoped_lock lock(mutex_);
    say_suppressed(Clock::time_point::max());
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Kind {
    Clock::time_point begun;
    std::size_t said = 0;  // lines without a source, or of sources beyond kMaxSources
    std::size_t suppressed = 0;
    std::map<std::string, std::size_t> by_source;

    // Counts a line and returns true if it is within the limit of its source, or within the common
    // limit.
    bool takes(const std::string& source) {
      auto found = by_source.find(source);
      if (found == by_source.end() && !source.empty() && by_source.size() < kMaxSources)
        found = by_source.emplace(source, 0).first;
      return found == by_source.end() ? ++said <= kMaxOfAKind : ++found->second <= kMaxOfASource;
    }
  };

  void say_suppressed(Clock::time_point time) {
    suppressed_ = false;
    for (auto& [event, kind] : kinds_) {
      if (kind.suppressed == 0) continue;
      if (time < kind.begun + kWindow) {
        suppressed_ = true;
        continue;
      }
      write(LOG_WARNING, "suppressed", {{"event", event}, {"times", kind.suppressed}});
      kind.suppressed = 0;
    }
  }

  std::mutex mutex_;
  std::map<std::string, Kind, std::less<>> kinds_;
  bool suppressed_ = false;
};

// Never destroyed: threads that still run while the process exits may log.
Limits& limits() {
  static auto* all = new Limits;
  return *all;
}

}  // namespace

void open(std::string_view program, Target where) {
  program_name = program;
  // A program without a journal still needs a log.
  if (!redirect(where)) target = Target::Stderr;
}

Result<void> redirect(Target where) {
  if (where == Target::Journal)
    if (auto opened = journal.open(); !opened) return opened;
  if (where == Target::Syslog) ::openlog(program_name.c_str(), LOG_PID | LOG_NDELAY, LOG_MAIL);
  target = where;
  return {};
}

bool stderr_is_journal() {
  // systemd sets the variable to device and inode of the stream. A process whose standard error was
  // redirected later inherits the variable too, so both are compared with the actual descriptor.
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat error {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &error) != 0) return false;
  return std::to_string(error.st_dev) + ":" + std::to_string(error.st_ino) == stream;
}

void flush() {
  limits().flush();
}

void set_verbose(bool verbose) {
  show_verbose = verbose;
}

void set_quiet(bool quiet) {
  only_errors = quiet;
}

void error(std::string_view event, Fields fields) {
  if (limits().allow(event, fields)) write(LOG_ERR, event, fields);
}
void warning(std::string_view event, Fields fields) {
  if (limits().allow(event, fields)) write(LOG_WARNING, event, fields);
}
void info(std::string_view event, Fields fields) {
  write(LOG_INFO, event, fields);
}
void verbose(std::string_view event, Fields fields) {
  if (show_verbose) write(LOG_DEBUG, event, fields);
}

}  // namespace gw::log
