// The lines in the text part of a journal report.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "mime/journal.h"

namespace gw::mime {
namespace {

bool indented(std::string_view line) {
  return line.starts_with(' ') || line.starts_with('\t');
}

// `"Olaf" <olaf@example.com>` or the address alone. The null sender stays `<>`.
std::string address_in(std::string_view text) {
  text = trim(text);
  const std::size_t open = text.rfind('<');
  if (open == std::string_view::npos || !text.ends_with('>')) return std::string(text);
  const std::string_view inside = trim(text.substr(open + 1, text.size() - open - 2));
  return inside.empty() ? "<>" : std::string(inside);
}

struct Suffix {
  std::size_t comma = std::string_view::npos;
  std::size_t value = 0;
  bool expanded = false;
};

// The first comma that one of the two words follows. In quotes a local part may hold anything (RFC 5321
// section 4.1.2); quotes that do not close are none.
Suffix suffix_of(std::string_view text, bool with_quotes = true) {
  bool quoted = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (quoted && text[at] == '\\') {
      ++at;
      continue;
    }
    if (text[at] == '"') quoted = with_quotes && !quoted;
    if (quoted || text[at] != ',') continue;
    const std::size_t word = std::min(text.find_first_not_of(" \t", at + 1), text.size());
    for (const std::string_view name : {"expanded:", "forwarded:"})
      if (istarts_with(text.substr(word), name)) return {at, word + name.size(), name.front() == 'e'};
  }
  return quoted ? suffix_of(text, false) : Suffix();
}

void add_recipient(Recipient::Kind kind, std::string_view value, std::vector<Recipient>& to) {
  Recipient recipient;
  recipient.kind = kind;
  Suffix suffix = suffix_of(value);
  recipient.address = address_in(value.substr(0, suffix.comma));
  if (recipient.address.empty()) return;
  for (int i = 0; i < 2 && suffix.comma != std::string_view::npos; ++i) {
    value = value.substr(suffix.value);
    const bool expanded = suffix.expanded;
    suffix = suffix_of(value);
    std::string address = address_in(value.substr(0, suffix.comma));
    std::optional<std::string>& field = expanded ? recipient.expanded : recipient.forwarded;
    if (!field && !address.empty()) field = std::move(address);
  }
  to.push_back(std::move(recipient));
}

// The first of several counts, and an empty value is one only for a subject.
void set(std::optional<std::string>& field, std::string_view value, bool may_be_empty = false) {
  if (!field && (may_be_empty || !value.empty())) field = value;
}

}  // namespace

bool parse_report_text(std::string_view text, JournalReport& report) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::optional<std::string> sender;
  bool in_block = false;  // of Exchange 2003: the recipients follow, one an indented line
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text = text.substr(std::min(end + 1, text.size()));
    if (in_block && (indented(line) || trim(line).empty())) {
      add_recipient(Recipient::Kind::Recipient, line, report.recipients);
      continue;
    }
    in_block = false;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || indented(line)) continue;
    const std::string_view name = trim(line.substr(0, colon));
    const std::string_view value = trim(line.substr(colon + 1));
    const auto is = [name](std::string_view word) { return iequals(name, word); };
    if (is("Sender"))
      set(sender, address_in(value));
    else if (is("On-Behalf-Of"))
      set(report.on_behalf_of, address_in(value));
    else if (is("Subject"))
      set(report.subject, value, true);
    else if (is("Message-ID"))
      set(report.message_id, value);
    else if (is("To"))
      add_recipient(Recipient::Kind::To, value, report.recipients);
    else if (is("Cc"))
      add_recipient(Recipient::Kind::Cc, value, report.recipients);
    else if (is("Bcc"))
      add_recipient(Recipient::Kind::Bcc, value, report.recipients);
    else if (is("Recipient"))
      add_recipient(Recipient::Kind::Recipient, value, report.recipients);
    else if (is("Label"))
      set(report.label, value);
    else if (is("Mailbox"))
      set(report.mailbox, value);
    else if (is("SentUtc"))
      set(report.sent, value);
    else if (is("ReceivedUtc"))
      set(report.received, value);
    else if (is("Recipients")) {
      in_block = true;
      add_recipient(Recipient::Kind::Recipient, value, report.recipients);
    }
  }
  if (!sender) return false;
  report.sender = *sender;
  return report.message_id || !report.recipients.empty();
}

}  // namespace gw::mime
