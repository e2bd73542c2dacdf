// Parses the lines in the text part of a journal report ([MS-XJRNL]): `Label: value`, one recipient
// in each line.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "mime/journal_report.h"

namespace gw::mime {
namespace {

constexpr std::size_t kMaxValue = 64 << 10;  // bytes; longer values are cut
constexpr std::size_t kMaxRecipients = 100'000;

enum class Label : unsigned char {
  None,
  Sender,
  OnBehalfOf,
  Subject,
  MessageId,
  To,
  Cc,
  Bcc,
  Recipient,
  RecipientBlock,
  Policy,
  Mailbox,
  Sent,
  Received
};

constexpr std::pair<std::string_view, Label> kLabels[] = {
    {"Sender", Label::Sender},
    {"On-Behalf-Of", Label::OnBehalfOf},
    {"Subject", Label::Subject},
    {"Message-ID", Label::MessageId},
    {"To", Label::To},
    {"Cc", Label::Cc},
    {"Bcc", Label::Bcc},
    {"Recipient", Label::Recipient},
    {"Recipients", Label::RecipientBlock},
    {"Label", Label::Policy},
    {"Mailbox", Label::Mailbox},
    {"SentUtc", Label::Sent},
    {"ReceivedUtc", Label::Received},
};

constexpr std::string_view kTrimmed = " \t\r\n";  // what trim() removes

bool indented(std::string_view line) {
  return line.starts_with(' ') || line.starts_with('\t');
}

Label label_of(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || indented(line)) return Label::None;
  const std::string_view name = trim(line.substr(0, colon));
  for (const auto& [word, label] : kLabels)
    if (iequals(word, name)) return label;
  return Label::None;
}

bool of_recipient(Label label) {
  return label == Label::To || label == Label::Cc || label == Label::Bcc || label == Label::Recipient;
}

Recipient::Kind kind_of(Label label) {
  if (label == Label::To) return Recipient::Kind::To;
  if (label == Label::Cc) return Recipient::Kind::Cc;
  return label == Label::Bcc ? Recipient::Kind::Bcc : Recipient::Kind::Recipient;
}

bool has_at(std::string_view text) {
  return text.find('@') != std::string_view::npos;
}

// Returns true for the words that precede the distribution list of an address (`Expanded:`) and the
// address that forwarded the mail (`Forwarded:`).
bool begins_suffix(std::string_view text) {
  return istarts_with(text, "expanded:") || istarts_with(text, "forwarded:");
}

// Returns the address from `"Olaf" <olaf@example.com>` or from the address alone. Keeps the null
// sender as `<>`, so that it differs from a missing value.
std::string address_in(std::string_view text) {
  text = trim(text);
  while (text.ends_with(',') || text.ends_with(';')) text = trim(text.substr(0, text.size() - 1));
  const std::size_t open = text.rfind('<');
  if (open == std::string_view::npos || !text.ends_with('>')) return std::string(text);
  const std::string_view inside = trim(text.substr(open + 1, text.size() - open - 2));
  return inside.empty() ? "<>" : std::string(inside);
}

// Cuts at the commas outside quotes: a quoted local part may contain commas (RFC 5321 section
// 4.1.2). If a quote is not closed, quotes are ignored.
std::vector<std::string_view> cut_at_commas(std::string_view text, bool with_quotes = true) {
  std::vector<std::string_view> pieces;
  bool quoted = false;
  std::size_t start = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (quoted && text[at] == '\\')
      ++at;
    else if (text[at] == '"')
      quoted = with_quotes && !quoted;
    else if (text[at] == ',' && !quoted) {
      pieces.push_back(text.substr(start, at - start));
      start = at + 1;
    }
  }
  if (quoted) return cut_at_commas(text, false);
  pieces.push_back(text.substr(start));
  return pieces;
}

// The value of a line and of the lines that continue it. Knows where its text ends and whether it has
// an @, because examining all of it for each further line would take quadratic time.
class Value {
 public:
  void add(std::string_view text) {
    // White space at the start of the value is not kept.
    if (text_.empty()) text.remove_prefix(std::min(text.find_first_not_of(kTrimmed), text.size()));
    text_ += text;
    const std::size_t last = text.find_last_not_of(kTrimmed);
    if (last == std::string_view::npos) return;
    end_ = text_.size() - (text.size() - last - 1);
    at_ = at_ || has_at(text);
  }
  void drop_last_space() {
    if (text_.ends_with(' ')) text_.pop_back();
  }
  void clear() {
    text_.clear();
    end_ = 0;
    at_ = false;
  }
  // Returns the value without white space at its ends. Valid until it is changed.
  std::string_view text() const { return std::string_view(text_).substr(0, end_); }
  bool with_at() const { return at_; }

 private:
  std::string text_;
  std::size_t end_ = 0;  // of text(); white space follows
  bool at_ = false;
};

class Parser {
 public:
  Parser(JournalReport& report, Wrapping wrapping) : report_(report), wrapping_(wrapping) {}

  void line(std::string_view raw);
  bool finish();

 private:
  bool continues(std::string_view line) const;
  void go_on(std::string_view line);
  void end_line();
  void add_recipients(Recipient::Kind kind, std::string_view value);
  void add_recipient(Recipient::Kind kind, std::span<const std::string_view> pieces);
  std::string kept(std::string_view text);
  void set(std::optional<std::string>& field, std::string_view value, bool may_be_empty = false);

  JournalReport& report_;
  Wrapping wrapping_;
  Label label_ = Label::None;  // label of the current line, which the next one may continue
  Value value_;
  bool flows_ = false;     // the last line ended with a soft line break (RFC 3676)
  bool too_many_ = false;  // more than kMaxRecipients
  std::optional<std::string> sender_;
};

void Parser::line(std::string_view raw) {
  if (raw.ends_with('\r')) raw.remove_suffix(1);
  // RFC 3676 section 4.4: space-stuffing puts a space before lines that begin with one.
  if (wrapping_.flowed && raw.starts_with(' ')) raw.remove_prefix(1);
  // RFC 3676 section 4.3: the signature separator `-- ` is not flowed although it ends with a
  // space.
  const bool flows = wrapping_.flowed && raw.ends_with(' ') && raw != "-- ";
  if (label_ == Label::RecipientBlock && (indented(raw) || trim(raw).empty())) {
    // Exchange 2003: after `Recipients:` each recipient is an indented line.
    add_recipients(Recipient::Kind::Recipient, raw);
    return;
  }
  if (continues(raw)) {
    go_on(raw);
  } else {
    end_line();
    label_ = label_of(raw);
    if (label_ != Label::None) value_.add(raw.substr(raw.find(':') + 1));
  }
  flows_ = flows;
  if (label_ == Label::RecipientBlock) {
    add_recipients(Recipient::Kind::Recipient, value_.text());
    value_.clear();
  }
}

// Returns true if a line continues the one before it. A line that begins with a label never does:
// otherwise a value could swallow the next recipient.
bool Parser::continues(std::string_view line) const {
  const std::string_view text = trim(line);
  if (label_ == Label::None || label_ == Label::RecipientBlock || text.empty() ||
      label_of(line) != Label::None)
    return false;
  if (indented(line) || flows_) return true;
  // Some programs wrap long lines without folding or format=flowed. Only lines that make sense as
  // the rest of a recipient or Message-ID are joined.
  const std::string_view value = value_.text();
  if (of_recipient(label_)) {
    const bool unfinished = value.empty() || value.ends_with(',') || value.ends_with(':');
    return begins_suffix(text) || (unfinished && has_at(text));
  }
  return label_ == Label::MessageId && value.empty() && text.starts_with('<');
}

void Parser::go_on(std::string_view line) {
  if (flows_ && wrapping_.delete_space) value_.drop_last_space();
  const std::string_view text = trim(line);
  const std::string_view value = value_.text();
  if (!of_recipient(label_) || flows_ || value.empty() || value.ends_with(',') || value.ends_with(':') ||
      !value_.with_at() || text.starts_with(',') || text.starts_with('<')) {
    // Unfolding removes the line ending and keeps the white space (RFC 5322 section 2.2.3).
    value_.add(line);
  } else if (begins_suffix(text) || (has_at(text) && text.find_first_of(" \t") == std::string_view::npos)) {
    value_.add(", ");
    value_.add(text);
  }
}

void Parser::end_line() {
  const std::string_view value = value_.text();
  switch (label_) {
    case Label::None:
    case Label::RecipientBlock:
      break;
    case Label::Sender:
      // The null sender makes this non-empty too; finish() only requires that the line exists.
      if (!sender_) sender_ = kept(address_in(value));
      break;
    case Label::OnBehalfOf:
      set(report_.on_behalf_of, address_in(value));
      break;
    case Label::Subject:
      set(report_.subject, value, true);
      break;
    case Label::MessageId:
      set(report_.message_id, value);
      break;
    case Label::To:
    case Label::Cc:
    case Label::Bcc:
    case Label::Recipient:
      add_recipients(kind_of(label_), value);
      break;
    case Label::Policy:
      set(report_.label, value);
      break;
    case Label::Mailbox:
      set(report_.mailbox, value);
      break;
    case Label::Sent:
      set(report_.sent, value);
      break;
    case Label::Received:
      set(report_.received, value);
      break;
  }
  label_ = Label::None;
  value_.clear();
}

// Adds the recipients of one line. Exchange writes one in each line, but gateways join several. A
// comma separates two recipients only if there is an @ on both sides, because display names contain
// commas too.
void Parser::add_recipients(Recipient::Kind kind, std::string_view value) {
  std::vector<std::string_view> pieces = cut_at_commas(value);
  std::size_t first = 0;
  bool at_seen = has_at(pieces[0]);
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    const std::string_view piece = trim(pieces[i]);
    const bool another = at_seen && has_at(piece) && !begins_suffix(piece);
    if (another) add_recipient(kind, std::span(pieces).subspan(first, i - first));
    if (another) first = i;
    at_seen = at_seen || has_at(piece);
  }
  add_recipient(kind, std::span(pieces).subspan(first));
}

// Adds one recipient: the address, which may contain commas, then at most one `Expanded:` and one
// `Forwarded:`. The pieces are views of one line, so a range of them is one text with its commas.
void Parser::add_recipient(Recipient::Kind kind, std::span<const std::string_view> pieces) {
  Recipient recipient;
  recipient.kind = kind;
  std::size_t at = 0;
  const auto next = [&](std::size_t skip) {
    const char* start = pieces[at].data() + skip;
    ++at;
    while (at < pieces.size() && !begins_suffix(trim(pieces[at]))) ++at;
    const char* end = pieces[at - 1].data() + pieces[at - 1].size();
    return kept(address_in(std::string_view(start, static_cast<std::size_t>(end - start))));
  };
  recipient.address = next(0);
  if (recipient.address.empty()) return;
  while (at < pieces.size()) {
    const bool expanded = istarts_with(trim(pieces[at]), "expanded:");
    std::string address = next(pieces[at].find(':') + 1);
    std::optional<std::string>& field = expanded ? recipient.expanded : recipient.forwarded;
    if (!field && !address.empty()) field = std::move(address);
  }
  too_many_ = report_.recipients.size() == kMaxRecipients;
  if (too_many_)
    report_.limit_reached = true;
  else
    report_.recipients.push_back(std::move(recipient));
}

std::string Parser::kept(std::string_view text) {
  if (text.size() <= kMaxValue) return std::string(text);
  report_.limit_reached = true;
  // Cuts before a UTF-8 sequence, not inside it.
  std::size_t end = kMaxValue;
  while ((static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end));
}

// Sets a field unless it is set: the first of several lines counts. An empty value sets only the
// subject, which may really be empty.
void Parser::set(std::optional<std::string>& field, std::string_view value, bool may_be_empty) {
  if (!field && (may_be_empty || !value.empty())) field = kept(value);
}

bool Parser::finish() {
  end_line();
  // Half a list of recipients would look like a complete one, so the text counts as not understood.
  if (!sender_ || too_many_) return false;
  report_.sender = *sender_;
  return report_.message_id || !report_.recipients.empty();
}

}  // namespace

bool parse_report_text(std::string_view text, JournalReport& report, Wrapping wrapping) {
  // A byte order mark would hide the first label.
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  Parser parser(report, wrapping);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    parser.line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parser.finish();
}

}  // namespace gw::mime
