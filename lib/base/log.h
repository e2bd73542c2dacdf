// Log lines: one event a line, `key=value`, to standard error or the system log.
//
//   log::info("accepted", {{"id", id.hex()}, {"octets", octets}});
//   -> gw-smtpd[812]: accepted id=0193… octets=4711
//
// Never a subject, a body, a password or SASL data; addresses only through verbose(). Values are made
// printable, quoted where they hold blanks, and cut at 1 KiB. A line is written by one write(2).
#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

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
  Nowhere,  // tests
};

// Call once, before threads. The default is Stderr.
void open(std::string_view program, Target target);
void set_verbose(bool verbose);
void set_quiet(bool quiet);  // only errors

void error(std::string_view event, Fields fields = {});
void warning(std::string_view event, Fields fields = {});
void info(std::string_view event, Fields fields = {});
void verbose(std::string_view event, Fields fields = {});  // only with --verbose

}  // namespace gw::log
