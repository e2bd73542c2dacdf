// Reads what another mail system says that it handled: message traces and logs, for `gw-store
// reconcile`.
//
// CSV files are recognised by their column names: the message trace of Microsoft 365, downloaded or
// written by Get-MessageTrace | Export-Csv, the email log search of Google Workspace, and any other
// whose columns the caller names. The separator may be a comma, a semicolon or a tab; fields may be
// quoted and then contain line endings (RFC 4180). The text is UTF-8 or UTF-16, with or without a byte
// order mark. The log of Postfix is recognised by its lines.
//
// Files are read as a stream; a record has at most 1 MiB.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace gw::transfer {

// One mail for one recipient. Texts are valid UTF-8.
struct TraceRow {
  std::string message_id;  // in the form of mime::comparable_message_id(); never empty
  std::optional<Micros> time;
  std::string sender;
  std::string recipient;  // empty if the row names none
  std::string subject;
  std::string status;
  std::string direction;
  std::uint64_t line = 0;  // on which the row begins, from 1
};

// How numbers in dates such as 10/11/2026 are ordered. A date with AM or PM is MonthFirst.
enum class DateOrder : unsigned char { MonthFirst, DayFirst };

struct TraceOptions {
  // The names of columns, by `id`, `time`, `sender`, `recipient`, `subject`, `status` or `direction`;
  // they replace the known names.
  std::map<std::string, std::string> columns;
  std::int64_t zone = 0;  // seconds east of UTC, for times without a zone
  DateOrder dates = DateOrder::MonthFirst;
  Micros now = 0;  // for log lines without a year, which are the latest possible
};

// What a file had.
struct TraceFacts {
  std::uint64_t rows = 0;
  std::uint64_t without_id = 0;             // rows without a Message-ID, which cannot be compared
  std::uint64_t first_unreadable_time = 0;  // line of it; 0 if all times could be read
  std::string unreadable_time;
};

// Calls `each` for each row of the file, and once for each recipient of a row. Fails with BadInput and
// the line if the file is neither such a CSV file nor a log of Postfix, or has a record that is too
// long or a quoted field that does not end; with the first error of `each`.
Result<TraceFacts> read_trace(const std::string& path, const TraceOptions& options,
                              const std::function<Result<void>(const TraceRow&)>& each);

// Parses a time as such files have it: RFC 3339 with or without zone, `2026/10/01 12:00:00 UTC`,
// `10/1/2026 2:05:00 PM`, `1.10.2026 14:05`. Returns nullopt for anything else.
std::optional<Micros> parse_trace_time(std::string_view text, const TraceOptions& options);

}  // namespace gw::transfer
