// Log lines: one event for each line with `key=value` fields, to standard error, syslog or the
// systemd journal.
//
//   log::info("accepted", {{"id", id.hex()}, {"bytes", size}});
//   -> gw-smtpd[812]: accepted id=0193… bytes=4711
//
// Never log a subject, a body, a password or SASL data, and log mail addresses only through
// verbose(). Values are made printable, quoted if they contain spaces, and cut to 1 KiB.
//
// Lines that strangers can provoke are limited: of the warnings and errors of one event, at most
// kMaxOfAKind are written within ten seconds. After these ten seconds a line `suppressed event=…
// times=n` reports the rest. If a line has a field `rhost`, the limit is kMaxOfASource for each
// source (base/source.h), so that a flood from one source does not hide another one. Sources beyond
// the first kMaxSources share kMaxOfAKind. info() is not limited, so a record of what gw did is
// never lost.
//
// error() to verbose(), flush(), set_verbose() and set_quiet() may be called by any thread.
#pragma once

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gw::log {

// One `key=value`. The value is copied. The key is a view: pass a string literal.
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
  Stderr,   // `PROGRAM[PID]: EVENT key=value`, without a time
  Syslog,   // syslog(3), facility mail
  Journal,  // the systemd journal, with each field on its own: GW_EVENT, GW_ID, GW_PEER, …
  Nowhere,  // drops all lines, for tests
};

// Limits of warnings and errors in ten seconds, for each event.
inline constexpr std::size_t kMaxOfAKind = 50;
inline constexpr std::size_t kMaxOfASource = 10;
inline constexpr std::size_t kMaxSources = 1000;

// Sets the program's name and the target. Call it once, before other threads exist. If the target
// cannot be opened, and without this call, lines go to standard error.
void open(std::string_view program, Target target);
// Changes the target. Call it before other threads exist. Fails with Config if the systemd journal
// does not answer; the target then stays the same.
Result<void> redirect(Target target);
// Returns true if standard error is connected to the systemd journal (systemd.exec(5),
// $JOURNAL_STREAM).
bool stderr_is_journal();
// Writes the `suppressed` lines that are still due. Call it before the program ends.
void flush();
void set_verbose(bool verbose);  // write the lines of verbose() too
void set_quiet(bool quiet);      // write only the lines of error()

void error(std::string_view event, Fields fields = {});
void warning(std::string_view event, Fields fields = {});
void info(std::string_view event, Fields fields = {});
// Writes only after set_verbose(true); such lines may contain mail addresses.
void verbose(std::string_view event, Fields fields = {});

}  // namespace gw::log
