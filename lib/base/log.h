// Log lines: one event a line, `key=value`, to standard error, the system log or the journal.
//
//   log::info("accepted", {{"id", id.hex()}, {"octets", octets}});
//   -> gw-smtpd[812]: accepted id=0193… octets=4711
//
// Never a subject, a body, a password or SASL data; addresses only through verbose(). Values are made
// printable, quoted where they hold blanks, and cut at 1 KiB. A line is written by one write(2).
//
// What strangers can provoke is bounded: of the warnings and errors of one event kMostOfAKind are written in
// ten seconds, and then `suppressed event=… times=n` once they are over. If the line names a source by
// `rhost`, the limit is kMostOfASource for each (base/source.h), so that a flood from one source does not
// hide another from whoever watches the log; from kMostSources sources on the others share kMostOfAKind. What
// was done is always written.
#pragma once

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gw::log {

struct Field {
  Field(std::string_view field_key, std::string_view field_value) : key(field_key), value(field_value) {}
  Field(std::string_view field_key, const char* field_value) : key(field_key), value(field_value) {}
  Field(std::string_view field_key, const std::string& field_value) : key(field_key), value(field_value) {}
  Field(std::string_view field_key, std::integral auto number)
      : key(field_key), value(std::to_string(number)) {}
  std::string_view key;
  std::string value;
};
using Fields = std::initializer_list<Field>;

enum class Target {
  Stderr,   // `PROGRAM[PID]: EVENT key=value`, without time where a service manager adds one
  Syslog,   // syslog(3), facility mail
  Journal,  // systemd's, with each field as one of its own: GW_EVENT, GW_ID, GW_PEER, …
  Nowhere,  // tests
};

inline constexpr std::size_t kMostOfAKind = 50;
inline constexpr std::size_t kMostOfASource = 10;
inline constexpr std::size_t kMostSources = 1000;

// Call once, before threads. The default is Stderr.
void open(std::string_view program, Target target);
// The same program's log goes elsewhere. Before threads. Config where the journal is not there.
Result<void> redirect(Target target);
// Whether standard error is the journal's own (systemd.exec(5), $JOURNAL_STREAM).
bool stderr_is_journal();
// Says what was suppressed so far. At the end.
void flush();
void set_verbose(bool verbose);
void set_quiet(bool quiet);  // only errors

void error(std::string_view event, Fields fields = {});
void warning(std::string_view event, Fields fields = {});
void info(std::string_view event, Fields fields = {});
void verbose(std::string_view event, Fields fields = {});  // only with --verbose

}  // namespace gw::log
