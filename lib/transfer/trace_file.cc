#include "transfer/trace_file.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/file.h"
#include "base/text.h"
#include "mime/message_ids.h"

namespace gw::transfer {
namespace {

constexpr std::size_t kMaxTraceRecord = 1 << 20;  // bytes of a record or log line
constexpr std::size_t kMaxTraceFields = 1000;     // of a record
constexpr std::size_t kMaxQueued = 1'000'000;     // mails of a log that are under way at one time
constexpr std::size_t kTracePiece = 64 << 10;     // bytes read at a time

// A file as UTF-8 without its byte order mark, byte by byte.
class TraceText {
 public:
  static Result<TraceText> open(const std::string& path) {
    TraceText text;
    text.path_ = path;
    auto fd = open_for_reading(path);
    if (!fd) return fd.error();
    text.fd_ = std::move(*fd);
    if (auto begun = text.begin(); !begun) return begun.error();
    return text;
  }
  // Returns the next byte, or -1 at the end or after an error.
  int get() {
    if (at_ == text_.size() && !fill()) return -1;
    const auto c = static_cast<unsigned char>(text_[at_++]);
    if (c == '\n') ++line_;
    return c;
  }
  int peek() {
    if (at_ == text_.size() && !fill()) return -1;
    return static_cast<unsigned char>(text_[at_]);
  }
  // Returns the bytes that were read and not yet taken; at the start of a file its first 64 KiB.
  std::string_view ahead() {
    if (at_ == text_.size()) (void)fill();
    return std::string_view(text_).substr(at_);
  }
  std::uint64_t line() const { return line_; }  // of the next byte, from 1
  const std::optional<Error>& failed() const { return failed_; }
  Error bad(const std::string& what, std::uint64_t line) const {
    return Error(Code::BadInput, path_ + ", line " + std::to_string(line) + ": " + what);
  }

 private:
  enum class Coding : unsigned char { Utf8, Little, Big };

  Result<void> begin() {
    if (auto read = more(); !read) return read;
    const std::string_view raw = raw_;
    const auto zero = [&](std::size_t at) { return raw.size() > at && raw[at] == '\0'; };
    std::size_t mark = 0;
    if (raw.starts_with("\xef\xbb\xbf")) {
      mark = 3;
    } else if (raw.starts_with("\xff\xfe")) {
      coding_ = Coding::Little;
      mark = 2;
    } else if (raw.starts_with("\xfe\xff")) {
      coding_ = Coding::Big;
      mark = 2;
    } else if (zero(1) && zero(3)) {
      // Without a mark: the first characters of such files are ASCII.
      coding_ = Coding::Little;
    } else if (zero(0) && zero(2)) {
      coding_ = Coding::Big;
    }
    raw_.erase(0, mark);
    decode();
    return {};
  }
  Result<void> more() {
    std::array<std::byte, kTracePiece> piece;
    const auto got = read_some(fd_.get(), piece, path_);
    if (!got) return got.error();
    ended_ = *got < piece.size();
    raw_ += as_text(ByteView(piece).first(*got));
    return {};
  }
  bool fill() {
    while (at_ == text_.size()) {
      if (ended_ || failed_) return false;
      if (auto read = more(); !read) {
        failed_ = read.error();
        return false;
      }
      decode();
    }
    return true;
  }
  // Converts what was read; the rest of a character that was cut stays for the next time.
  void decode() {
    text_.clear();
    at_ = 0;
    if (coding_ == Coding::Utf8) {
      text_.swap(raw_);
      return;
    }
    std::size_t used = 0;
    const auto unit = [&](std::size_t from) {
      const auto a = static_cast<unsigned char>(raw_[from]);
      const auto b = static_cast<unsigned char>(raw_[from + 1]);
      return static_cast<std::uint32_t>(coding_ == Coding::Little ? a | b << 8 : a << 8 | b);
    };
    while (raw_.size() - used >= 2) {
      std::uint32_t point = unit(used);
      std::size_t size = 2;
      if (point >= 0xd800 && point < 0xdc00) {
        if (raw_.size() - used < 4 && !ended_) break;
        const std::uint32_t low = raw_.size() - used < 4 ? 0 : unit(used + 2);
        const bool pair = low >= 0xdc00 && low < 0xe000;
        point = pair ? 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
        size = pair ? 4 : 2;
      } else if (point >= 0xdc00 && point < 0xe000) {
        point = 0xfffd;
      }
      put(point);
      used += size;
    }
    raw_.erase(0, used);
  }
  void put(std::uint32_t point) {
    const auto add = [&](std::uint32_t byte) { text_ += static_cast<char>(byte); };
    if (point < 0x80) {
      add(point);
    } else if (point < 0x800) {
      add(0xc0 | point >> 6);
      add(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
      add(0xe0 | point >> 12);
      add(0x80 | (point >> 6 & 0x3f));
      add(0x80 | (point & 0x3f));
    } else {
      add(0xf0 | point >> 18);
      add(0x80 | (point >> 12 & 0x3f));
      add(0x80 | (point >> 6 & 0x3f));
      add(0x80 | (point & 0x3f));
    }
  }

  std::string path_;
  Fd fd_;
  Coding coding_ = Coding::Utf8;
  std::string raw_;   // not yet converted
  std::string text_;  // converted, taken up to at_
  std::size_t at_ = 0;
  std::uint64_t line_ = 1;
  bool ended_ = false;
  std::optional<Error> failed_;
};

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

// Returns true if one of these lines is of Postfix.
bool of_postfix(std::string_view ahead) {
  for (const std::string_view line : split(ahead, '\n')) {
    const std::size_t program = line.find("postfix");
    if (program != std::string_view::npos && line.find("]: ", program) != std::string_view::npos) return true;
  }
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

// What a log of Postfix has said of one mail in its queue.
struct Queued {
  TraceRow row;
  bool delivered = false;  // a line with a recipient was seen
};

class PostfixLog {
 public:
  PostfixLog(TraceText& text, const TraceOptions& options, const Each& each)
      : text_(text), options_(options), each_(each) {}
  Result<TraceFacts> read();

 private:
  Result<void> line(std::string_view line, std::uint64_t number);
  std::optional<Micros> time_of(std::string_view line) const;

  TraceText& text_;
  const TraceOptions& options_;
  const Each& each_;
  TraceFacts facts_;
  std::unordered_map<std::string, Queued> queue_;
};

// `Nov  3 12:00:01` in the zone of the options, or RFC 3339.
std::optional<Micros> PostfixLog::time_of(std::string_view line) const {
  if (const auto exact = parse_time(line.substr(0, line.find(' ')))) return exact;
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (line.size() < 15) return std::nullopt;
  const std::size_t month = kMonths.find(line.substr(0, 3));
  const auto day = parse_number(trim(line.substr(4, 2)));
  const auto hour = parse_number(line.substr(7, 2));
  const auto minute = parse_number(line.substr(10, 2));
  const auto second = parse_number(line.substr(13, 2));
  if (month == std::string_view::npos || month % 3 != 0 || !day || !hour || !minute || !second)
    return std::nullopt;
  const auto two = [](std::uint64_t value) { return (value < 10 ? "0" : "") + std::to_string(value); };
  // The year is the latest in which the time is not in the future; a day of slack for clocks.
  int year = static_cast<int>(parse_number(rfc3339(options_.now).substr(0, 4)).value_or(1970));
  for (int tries = 0; tries < 2; ++tries, --year) {
    const auto time = parse_trace_time(std::to_string(year) + "-" + two(month / 3 + 1) + "-" + two(*day) +
                                           " " + two(*hour) + ":" + two(*minute) + ":" + two(*second),
                                       options_);
    if (time && *time <= options_.now + Micros{86'400} * 1'000'000) return time;
  }
  return std::nullopt;
}

// Returns what follows `name` up to the next comma or the end, without angle brackets.
std::string_view log_value(std::string_view text, std::string_view name) {
  std::size_t at = text.find(name);
  // `to=` is also the end of `proto=`.
  while (at != std::string_view::npos && at > 0 && text[at - 1] != ' ') at = text.find(name, at + 1);
  if (at == std::string_view::npos) return {};
  std::string_view value = text.substr(at + name.size());
  if (value.starts_with('<')) return value.substr(1, std::min(value.find('>'), value.size()) - 1);
  return trim(value.substr(0, value.find_first_of(", ")));
}

Result<void> PostfixLog::line(std::string_view line, std::uint64_t number) {
  // `… postfix/cleanup[123]: 4XyZ: message-id=<…>`; multi-instance names are `postfix-out/cleanup`.
  const std::size_t program = line.find("postfix");
  const std::size_t end = program == std::string_view::npos ? program : line.find("]: ", program);
  if (end == std::string_view::npos) return {};
  std::string_view said = line.substr(end + 3);
  const std::size_t colon = said.find(": ");
  if (colon == std::string_view::npos || colon > 20) return {};
  const std::string queue_id(said.substr(0, colon));
  if (queue_id.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") !=
      std::string::npos)
    return {};
  said.remove_prefix(colon + 2);
  if (said.starts_with("message-id=")) {
    if (queue_.size() >= kMaxQueued && !queue_.contains(queue_id))
      return text_.bad("more than 1000000 mails are in the queue at this line", number);
    ++facts_.rows;
    Queued& mail = queue_[queue_id];
    // Postfix uses queue ids again, and the log may lack the line that ended the mail before.
    const Queued before = std::exchange(mail, {});
    if (!before.row.message_id.empty() && !before.delivered)
      if (auto done = each_(before.row); !done) return done;
    mail.row.message_id = mime::comparable_message_id(said.substr(11));
    mail.row.line = number;
    mail.row.time = time_of(line);
    if (mail.row.message_id.empty()) {
      ++facts_.without_id;
      queue_.erase(queue_id);
    } else if (!mail.row.time && facts_.first_unreadable_time == 0) {
      facts_.first_unreadable_time = number;
      facts_.unreadable_time = printable(line.substr(0, 32));
    }
    return {};
  }
  const auto found = queue_.find(queue_id);
  if (found == queue_.end()) return {};
  Queued& mail = found->second;
  if (said.starts_with("from=")) {
    mail.row.sender = valid_text(log_value(said, "from="));
  } else if (said.starts_with("to=")) {
    TraceRow row = mail.row;
    row.recipient = valid_text(log_value(said, "to="));
    row.status = valid_text(log_value(said, "status="));
    mail.delivered = true;
    return each_(row);
  } else if (said == "removed") {
    const Queued done = std::move(mail);
    queue_.erase(found);
    if (!done.delivered) return each_(done.row);
  }
  return {};
}

Result<TraceFacts> PostfixLog::read() {
  std::string line_text;
  std::uint64_t number = text_.line();
  bool long_line = false;
  for (int c = text_.get(); c >= 0; c = text_.get()) {
    if (c != '\n') {
      // The rest of a line that long is not of Postfix.
      if (line_text.size() < kMaxTraceRecord)
        line_text += static_cast<char>(c);
      else
        long_line = true;
      continue;
    }
    if (!long_line) {
      if (auto done = line(trim(line_text), number); !done) return done.error();
    }
    line_text.clear();
    long_line = false;
    number = text_.line();
  }
  if (text_.failed()) return *text_.failed();
  if (auto done = line(trim(line_text), number); !done) return done.error();
  if (facts_.rows == 0) return text_.bad("no Message-ID in this log of Postfix", number);
  // Mails that are still in the queue, in no particular order.
  for (const auto& [id, mail] : queue_) {
    if (mail.delivered) continue;
    if (auto done = each_(mail.row); !done) return done.error();
  }
  return facts_;
}

// Reads one number and what follows it.
std::optional<unsigned> take_number(std::string_view& text, std::size_t most) {
  std::size_t size = 0;
  while (size < text.size() && size < most && text[size] >= '0' && text[size] <= '9') ++size;
  const auto number = size == 0 ? std::nullopt : parse_number(text.substr(0, size));
  if (!number) return std::nullopt;
  text.remove_prefix(size);
  return static_cast<unsigned>(*number);
}

bool take_mark(std::string_view& text, std::string_view marks) {
  if (text.empty() || marks.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// Parses `Z`, `UTC`, `GMT`, `+02:00`, `+0200`. Returns seconds east of UTC.
std::optional<std::int64_t> zone_of(std::string_view text) {
  text = trim(text);
  if (iequals(text, "z") || iequals(text, "utc") || iequals(text, "gmt")) return 0;
  const bool west = text.starts_with('-');
  if (!west && !text.starts_with('+')) return std::nullopt;
  text.remove_prefix(1);
  const auto hours = take_number(text, 2);
  (void)take_mark(text, ":");
  const auto minutes = text.empty() ? std::optional<unsigned>(0) : take_number(text, 2);
  if (!hours || !minutes || !text.empty() || *hours > 14 || *minutes > 59) return std::nullopt;
  const std::int64_t seconds = std::int64_t{*hours} * 3600 + *minutes * 60;
  return west ? -seconds : seconds;
}

}  // namespace

std::optional<Micros> parse_trace_time(std::string_view text, const TraceOptions& options) {
  text = trim(text);
  const auto first = take_number(text, 4);
  if (!first || text.empty()) return std::nullopt;
  const char mark = text.front();
  if (!take_mark(text, "-/.")) return std::nullopt;
  const auto second = take_number(text, 2);
  if (!second || !take_mark(text, std::string_view(&mark, 1))) return std::nullopt;
  const auto third = take_number(text, 4);
  if (!third) return std::nullopt;
  (void)take_mark(text, ",");
  std::array<unsigned, 3> clock{};
  Micros fraction = 0;
  if (!text.empty()) {
    if (!take_mark(text, "T ")) return std::nullopt;
    text = trim(text);
    for (std::size_t i = 0; i < clock.size(); ++i) {
      if (i > 0 && !take_mark(text, ":.")) break;
      const auto number = take_number(text, 2);
      if (!number) return std::nullopt;
      clock[i] = *number;
    }
    if (take_mark(text, ".,")) {
      Micros unit = 100'000;
      while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
        fraction += unit * (text.front() - '0');
        unit /= 10;
        text.remove_prefix(1);
      }
    }
  }
  text = trim(text);
  bool month_first = options.dates == DateOrder::MonthFirst && mark == '/';
  if (istarts_with(text, "am") || istarts_with(text, "pm")) {
    if (clock[0] < 1 || clock[0] > 12) return std::nullopt;
    clock[0] = clock[0] % 12 + (istarts_with(text, "pm") ? 12 : 0);
    text = trim(text.substr(2));
    month_first = true;
  }
  const auto zone = text.empty() ? std::optional<std::int64_t>(options.zone) : zone_of(text);
  if (!zone) return std::nullopt;
  unsigned year = *third;
  unsigned month = *second;
  unsigned day = *first;
  if (*first >= 1000) {
    year = *first;
    day = *third;
  } else if (month_first) {
    month = *first;
    day = *second;
  }
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (year < 1970 || !date.ok() || clock[0] > 23 || clock[1] > 59 || clock[2] > 60) return std::nullopt;
  const Micros days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t seconds = std::int64_t{clock[0]} * 3600 + clock[1] * 60 + clock[2] - *zone;
  return (days * 86'400 + seconds) * 1'000'000 + fraction;
}

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
