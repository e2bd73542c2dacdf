#include "transfer/postfix_log.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "mime/message_ids.h"

namespace gw::transfer {
namespace {

constexpr std::size_t kMaxQueued = 1'000'000;  // mails that are under way at one time

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

}  // namespace

bool of_postfix(std::string_view lines) {
  for (const std::string_view line : split(lines, '\n')) {
    const std::size_t program = line.find("postfix");
    if (program != std::string_view::npos && line.find("]: ", program) != std::string_view::npos) return true;
  }
  return false;
}

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

}  // namespace gw::transfer
