#include "transfer/trace_file.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"
#include "mime/message_ids.h"
#include "transfer/postfix_log.h"
#include "transfer/trace_text.h"

namespace gw::transfer {
namespace {

constexpr std::size_t kMaxTraceFields = 1000;  // of a record

// Reads one record. Returns nullopt at the end. An empty line is a record with one empty field.
Result<std::optional<std::vector<std::string>>> record(TraceText& text, char separator) {
  using Record = std::optional<std::vector<std::string>>;
  const std::uint64_t line = text.line();
  std::vector<std::string> fields(1);
  std::size_t size = 0;
  bool quoted = false;
  bool any = false;
  for (;;) {
    const int c = text.get();
    if (c < 0) {
      if (text.failed()) return *text.failed();
      if (quoted) return text.bad("a quoted field does not end", line);
      return any ? Record(std::move(fields)) : Record();
    }
    any = true;
    if (++size > kMaxTraceRecord)
      return text.bad("the record is longer than 1 MiB; is a quote missing?", line);
    if (quoted) {
      if (c != '"') {
        fields.back() += static_cast<char>(c);
      } else if (text.peek() == '"') {
        fields.back() += static_cast<char>(text.get());
      } else {
        quoted = false;
      }
    } else if (c == '"' && fields.back().empty()) {
      quoted = true;
    } else if (c == separator) {
      if (fields.size() == kMaxTraceFields) return text.bad("the record has more than 1000 fields", line);
      fields.emplace_back();
    } else if (c == '\n') {
      return Record(std::move(fields));
    } else if (c != '\r' || text.peek() != '\n') {
      fields.back() += static_cast<char>(c);
    }
  }
}

// Returns the name of a column in a form in which all spellings of it are equal.
std::string column_form(std::string_view name) {
  std::string form;
  for (const char c : name) {
    const char low = lower(c);
    if ((low >= 'a' && low <= 'z') || (low >= '0' && low <= '9') || static_cast<unsigned char>(c) >= 0x80)
      form += low;
  }
  return form;
}

struct KnownColumns {
  std::string_view field;
  std::array<std::string_view, 10> names;  // in column_form(); the first that a file has is used
};
constexpr KnownColumns kKnownColumns[] = {
    {"id", {"messageid", "internetmessageid", "headermessageid"}},
    // Get-MessageTrace, the downloaded summary and extended report, the email log search, others.
    {"time",
     {"received", "origintimestamputc", "origintimestamp", "datetimeutc", "startdate", "datetime", "date",
      "timestamp", "time"}},
    {"sender", {"senderaddress", "sender", "fromenvelope", "fromheaderaddress", "from", "returnpath"}},
    {"recipient",
     {"recipientaddress", "recipientstatus", "recipientaddresses", "recipients", "recipient", "toenvelope",
      "to"}},
    {"subject", {"subject", "messagesubject"}},
    {"status", {"status", "eventstatus", "deliverystatus", "eventid", "event"}},
    {"direction", {"direction", "directionality"}},
};

// Where the fields are in a record.
struct Columns {
  std::map<std::string, std::size_t, std::less<>> at;

  std::string_view of(const std::vector<std::string>& fields, std::string_view name) const {
    const auto found = at.find(name);
    return found == at.end() || found->second >= fields.size() ? std::string_view()
                                                               : trim(fields[found->second]);
  }
};

Result<Columns> find_columns(const std::vector<std::string>& heading, const TraceOptions& options) {
  Columns columns;
  const auto place = [&](const std::string& form) -> std::optional<std::size_t> {
    for (std::size_t i = 0; i < heading.size(); ++i)
      if (column_form(heading[i]) == form) return i;
    return std::nullopt;
  };
  for (const KnownColumns& known : kKnownColumns) {
    const auto named = options.columns.find(std::string(known.field));
    if (named != options.columns.end()) {
      const auto at = place(column_form(named->second));
      if (!at) return Error(Code::BadInput, "there is no column `" + named->second + "`");
      columns.at.emplace(known.field, *at);
      continue;
    }
    for (const std::string_view name : known.names) {
      const auto at = name.empty() ? std::nullopt : place(std::string(name));
      if (!at) continue;
      columns.at.emplace(known.field, *at);
      break;
    }
  }
  return columns;
}

// Returns the separator that occurs most often in the first line, outside of quotes.
char separator_of(std::string_view line) {
  std::map<char, std::size_t> count;
  bool quoted = false;
  for (const char c : line.substr(0, line.find('\n'))) {
    if (c == '"') quoted = !quoted;
    if (!quoted && (c == ',' || c == ';' || c == '\t')) ++count[c];
  }
  char best = ',';
  for (const auto& [c, times] : count)
    if (times > count[best]) best = c;
  return best;
}

// Returns true if the first line names a column with Message-IDs.
bool names_message_ids(std::string_view ahead, char separator) {
  for (const std::string_view name : split(ahead.substr(0, ahead.find('\n')), separator))
    if (std::ranges::find(kKnownColumns[0].names, column_form(name)) != kKnownColumns[0].names.end() &&
        !column_form(name).empty())
      return true;
  return false;
}

using Each = std::function<Result<void>(const TraceRow&)>;

// Calls `each` for each recipient: `a@example.com;b@example.com`, or with the status of each,
// `a@example.com##Receive, Deliver;b@example.com##Receive, Fail`.
Result<void> each_recipient(TraceRow& row, std::string_view recipients, const Each& each) {
  const bool with_status = recipients.find("##") != std::string_view::npos;
  std::string text(recipients);
  // A comma separates addresses only if it is not part of a status.
  if (!with_status && text.find('"') == std::string::npos) std::ranges::replace(text, ',', ';');
  bool any = false;
  for (const std::string_view piece : split(text, ';')) {
    const std::size_t mark = piece.find("##");
    const std::string_view address = trim(piece.substr(0, mark));
    if (address.empty()) continue;
    any = true;
    row.recipient = valid_text(address);
    if (mark != std::string_view::npos) row.status = valid_text(trim(piece.substr(mark + 2)));
    if (auto done = each(row); !done) return done;
  }
  return any ? Result<void>() : each(row);
}

Result<TraceFacts> read_csv(TraceText& text, char separator, const Columns& columns,
                            const TraceOptions& options, const Each& each) {
  TraceFacts facts;
  for (;;) {
    const std::uint64_t line = text.line();
    const auto fields = record(text, separator);
    if (!fields) return fields.error();
    if (!*fields) return facts;
    if ((*fields)->size() == 1 && trim((*fields)->front()).empty()) continue;
    ++facts.rows;
    TraceRow row;
    row.line = line;
    row.message_id = mime::comparable_message_id(columns.of(**fields, "id"));
    if (row.message_id.empty()) {
      ++facts.without_id;
      continue;
    }
    if (const std::string_view time = columns.of(**fields, "time"); !time.empty()) {
      row.time = parse_trace_time(time, options);
      if (!row.time && facts.first_unreadable_time == 0) {
        facts.first_unreadable_time = line;
        facts.unreadable_time = printable(time.substr(0, 100));
      }
    }
    row.sender = valid_text(columns.of(**fields, "sender"));
    row.subject = valid_text(columns.of(**fields, "subject"));
    row.status = valid_text(columns.of(**fields, "status"));
    row.direction = valid_text(columns.of(**fields, "direction"));
    if (auto done = each_recipient(row, columns.of(**fields, "recipient"), each); !done) return done.error();
  }
}

}  // namespace

Result<TraceFacts> read_trace(const std::string& path, const TraceOptions& options, const Each& each) {
  auto text = TraceText::open(path);
  if (!text) return text.error().within("cannot read the trace");
  // Export-Csv of Windows PowerShell begins with the type of the objects, Excel with the separator.
  char separator = 0;
  for (std::string_view ahead = text->ahead(); ahead.starts_with("#TYPE") || ahead.starts_with("sep=");
       ahead = text->ahead()) {
    if (ahead.starts_with("sep=") && ahead.size() > 4) separator = ahead[4];
    for (int c = text->get(); c >= 0 && c != '\n'; c = text->get()) continue;
  }
  const std::string_view ahead = text->ahead();
  if (separator == 0) separator = separator_of(ahead);
  if (options.columns.empty() && !names_message_ids(ahead, separator) && of_postfix(ahead))
    return PostfixLog(*text, options, each).read();
  const std::uint64_t line = text->line();
  const auto heading = record(*text, separator);
  if (!heading) return heading.error();
  if (!*heading) return Error(Code::BadInput, path + ": the file is empty");
  const auto columns = find_columns(**heading, options);
  if (!columns) return text->bad(columns.error().text(), line);
  if (!columns->at.contains("id"))
    return text->bad("no column with the Message-ID, and not a log of Postfix", line)
        .with_hint("name the columns: --column id=NAME --column time=NAME");
  return read_csv(*text, separator, *columns, options, each);
}

}  // namespace gw::transfer
