#include "mime/journal_report.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/text.h"
#include "mime/charset.h"
#include "mime/content_type.h"

namespace gw::mime {
namespace {

// Bytes of the texts of all reports in a message, enough for about 100,000 recipients. A longer
// text is not read at all: half a list of recipients would look like a complete one.
constexpr std::size_t kMaxText = 16 << 20;
constexpr std::size_t kMaxDepth = 4;       // nesting of mails that are searched
constexpr std::size_t kMaxReports = 1000;  // of one message
// Bytes of a line in the text of a report. An address has at most 256 bytes (RFC 5321 section
// 4.5.3.1.3) and a line three addresses, so a text with a longer line is not that of a report.
constexpr std::size_t kMaxLine = 64 << 10;

const std::vector<std::string> kMarkers = {
    "X-MS-Journal-Report",
    "X-MS-Exchange-Organization-Journal-Report",  // name inside the organisation
    "Content-Identifier",                         // Exchange 2003; some products misspell it
    "Content-Identifer",
    "Content-Type",
    "X-MS-Exchange-Message-Is-Ndr",
    "Subject",
};

bool marked_as_report(const mail::HeaderWalker& header) {
  if (header.field(kMarkers[0]) != nullptr || header.field(kMarkers[1]) != nullptr) return true;
  return std::ranges::any_of(std::span(kMarkers).subspan(2, 2), [&](const std::string& name) {
    const std::string* value = header.field(name);
    return value != nullptr && iequals(*value, "ExJournalReport");
  });
}

bool delivery_report(const mail::HeaderWalker& header) {
  if (header.field("X-MS-Exchange-Message-Is-Ndr") != nullptr) return true;
  const std::string* type = header.field("Content-Type");
  return type != nullptr && istarts_with(*type, "multipart/report");
}

// Returns true if something can be attached to a mail with this header.
bool composite(const mail::HeaderWalker& header) {
  const std::string* type = header.field("Content-Type");
  return type != nullptr && (istarts_with(*type, "multipart/") || istarts_with(*type, "message/"));
}

// A mail inside the message: its bytes, and where they are stored.
struct Place {
  Source& source;
  std::vector<Encoded> parts{};  // the encoded parts around it, outermost first
  // Offset of `source` in the message or, if `parts` is not empty, in what its last element decodes
  // to.
  std::uint64_t offset = 0;

  // Converts a range of `source` to one of the message.
  Content content(const Content& local) const {
    return {{local.stored.offset + offset, local.stored.length}, local.encoding, parts};
  }
};

class Search {
 public:
  explicit Search(const Limits& limits) : limits_(limits) {}
  Result<JournalReport> run(Source& source);

 private:
  Result<void> look(const Place& place, Within within, std::size_t depth);
  Result<void> look_into(const Place& place, const Content& mail, Within within, std::size_t depth);
  Result<std::vector<Content>> attached_mails(const Place& place, const Structure& structure);
  Result<bool> is_mail(Source& source, const Part& part);
  Result<bool> read(const Place& place, const Structure& structure, const std::vector<Content>& mails,
                    JournalReport& report);
  Result<bool> read_text(Source& source, const Part& part, JournalReport& report);
  Result<mail::HeaderWalker> header_of(Source& source, const Content& mail, std::vector<std::string> names);

  const Limits& limits_;
  std::size_t text_left_ = kMaxText;
  bool limit_reached_ = false;
  std::vector<JournalReport> found_;
};

Result<JournalReport> Search::run(Source& source) {
  if (const auto looked = look({source}, Within::Nothing, 0); !looked) return looked.error();
  JournalReport first;
  if (!found_.empty()) {
    first = std::move(found_.front());
    first.further.assign(std::move_iterator(found_.begin() + 1), std::move_iterator(found_.end()));
  }
  first.limit_reached = limit_reached_;
  return first;
}

// Examines the mail at `place`: adds it to found_ if it is a report, and then searches the mails
// attached to it.
Result<void> Search::look(const Place& place, Within within, std::size_t depth) {
  const Result<mail::HeaderWalker> header =
      read_header(place.source, {0, place.source.size()}, kMarkers, limits_);
  if (!header) return header.error();
  const bool marked = marked_as_report(*header);
  if (!marked && !composite(*header)) return {};
  // An unmarked mail at this depth may contain reports as well, but every chain of forwarded mails
  // would then set the flag. Only a marked one is worth it.
  if (depth >= kMaxDepth || found_.size() >= kMaxReports) {
    limit_reached_ = limit_reached_ || marked;
    return {};
  }
  // Does not enter attached mails here: each of them is examined by its own call of look(), which
  // knows its depth.
  const Result<Structure> structure = walk(
      place.source, [](const Part& part) { return part.multipart(); }, limits_);
  if (!structure) return structure.error();
  limit_reached_ = limit_reached_ || structure->limit_reached;
  const Result<std::vector<Content>> mails = attached_mails(place, *structure);
  if (!mails) return mails.error();
  Within around = delivery_report(*header) ? Within::DeliveryReport : Within::Mail;
  if (marked) {
    JournalReport report;
    const Result<bool> understood = read(place, *structure, *mails, report);
    if (!understood) return understood.error();
    if (*understood) {
      // Exchange 2003 writes the subject only into the header of the report, not into its text.
      if (const std::string* subject = header->field("Subject"); subject != nullptr && !report.subject)
        report.subject = decode_words(*subject);
      report.within = within;
      found_.push_back(std::move(report));
      around = Within::Report;
    }
  }
  for (const Content& mail : *mails)
    if (const auto looked = look_into(place, mail, around, depth + 1); !looked) return looked;
  return {};
}

Result<void> Search::look_into(const Place& place, const Content& mail, Within within, std::size_t depth) {
  if (mail.encoding == Encoding::Identity) {
    const auto source = PartSource::open(place.source, {mail.stored, mail.encoding}, limits_.read_size);
    if (!source) return source.error();
    return look({**source, place.parts, place.offset + mail.stored.offset}, within, depth);
  }
  // Decoding an encoded mail as a source reads all of it. Its header alone tells whether that is
  // worthwhile.
  const Result<mail::HeaderWalker> header = header_of(place.source, mail, kMarkers);
  if (!header) return header.error();
  if (!marked_as_report(*header) && !composite(*header)) return {};
  const auto source = PartSource::open(place.source, {mail.stored, mail.encoding}, limits_.read_size);
  if (!source) return source.error();
  Place decoded{**source, place.parts};
  decoded.parts.push_back({{mail.stored.offset + place.offset, mail.stored.length}, mail.encoding});
  return look(decoded, within, depth);
}

// Returns the mails attached to the mail at `place`, as ranges of its own source.
Result<std::vector<Content>> Search::attached_mails(const Place& place, const Structure& structure) {
  std::vector<Content> mails;
  for (const Part& part : structure.parts) {
    const Result<bool> attached = is_mail(place.source, part);
    if (!attached) return attached.error();
    if (!*attached) continue;
    Result<Content> content = content_of(place.source, part);
    if (!content) return content.error();
    mails.push_back(std::move(*content));
  }
  return mails;
}

// Returns true if the part is an attached mail. Gateways turn an attached mail into a file with a
// name in `.eml` and some other type.
Result<bool> Search::is_mail(Source& source, const Part& part) {
  if (part.message()) return true;
  if (part.multipart()) return false;
  const auto header = read_header(source, part.header, {"Content-Disposition", "Content-Type"}, limits_);
  if (!header) return header.error();
  for (const auto& [field, name] :
       {std::pair("Content-Disposition", "filename"), std::pair("Content-Type", "name")}) {
    const std::string* value = header->field(field);
    if (value == nullptr) continue;
    // Content-Disposition has the grammar of Content-Type (RFC 2183 section 2) without the subtype,
    // so a type is put before it.
    const auto parsed =
        parse_content_type(field == std::string_view("Content-Type") ? *value : "x/" + *value);
    const auto file = parsed ? parsed->parameter(name) : std::nullopt;
    if (file && lower(trim(decode_words(*file))).ends_with(".eml")) return true;
  }
  return false;
}

// Fills `report` from the marked mail at `place`. Returns false if the mail is not a report.
Result<bool> Search::read(const Place& place, const Structure& structure, const std::vector<Content>& mails,
                          JournalReport& report) {
  if (mails.empty()) return false;
  bool text_seen = false;
  auto mail = mails.begin();  // the next one; attached_mails() keeps the order of the parts
  for (const Part& part : structure.parts) {
    // A text file named `.eml` is one of the attached mails, not the text of the report.
    const bool attached = mail != mails.end() && mail->stored == part.body;
    if (attached) ++mail;
    if (attached || text_seen || part.type != "text/plain") continue;
    // A gateway may have added a text of its own before the report's, so further text parts are
    // tried.
    JournalReport attempt;
    const Result<bool> understood = read_text(place.source, part, attempt);
    if (!understood) return understood.error();
    if (*understood) report = std::move(attempt);
    text_seen = *understood;
  }
  if (!text_seen) return false;
  report.report = {place.offset, place.source.size()};
  report.text.offset += place.offset;
  report.parts = place.parts;
  for (const Content& content : mails) {
    const Result<mail::HeaderWalker> header =
        header_of(place.source, content, {"Message-ID", "Content-Class"});
    if (!header) return header.error();
    InnerMail inner;
    inner.content = place.content(content);
    // [MS-OXORMMS]: this class marks a mail whose content is in an encrypted attachment (rpmsg).
    const std::string* content_class = header->field("Content-Class");
    inner.is_protected = content_class != nullptr && istarts_with(*content_class, "rpmsg.message");
    if (const std::string* id = header->field("Message-ID"); id != nullptr && !id->empty())
      inner.message_id = valid_text(*id);
    report.inner.push_back(std::move(inner));
  }
  report.is_journal_report = true;
  return true;
}

bool has_long_line(std::string_view text) {
  while (text.size() > kMaxLine) {
    // Jumps back from the limit to the last line ending before it, so that not every line is
    // examined.
    const std::size_t end = text.rfind('\n', kMaxLine);
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
  return false;
}

Result<bool> Search::read_text(Source& source, const Part& part, JournalReport& report) {
  const Result<Content> content = content_of(source, part);
  if (!content) return content.error();
  const auto header = read_header(source, part.header, {"Content-Type"}, limits_);
  if (!header) return header.error();
  Wrapping wrapping;
  if (const std::string* value = header->field("Content-Type"); value != nullptr) {
    const auto type = parse_content_type(*value);
    wrapping.flowed = type && iequals(type->parameter("format").value_or(""), "flowed");
    wrapping.delete_space = type && iequals(type->parameter("delsp").value_or(""), "yes");
  }
  Bytes text;
  ContentReader reader(source, *content, limits_.read_size);
  for (;;) {
    const Result<ByteView> piece = reader.next();
    if (!piece) return piece.error();
    if (piece->empty()) break;
    if (piece->size() > text_left_ - text.size()) {
      limit_reached_ = true;
      return false;
    }
    append(text, *piece);
  }
  if (has_long_line(as_text(text))) {
    limit_reached_ = true;
    return false;
  }
  report.text = content->stored;
  const bool understood = parse_report_text(to_utf8(text, part.charset), report, wrapping);
  limit_reached_ = limit_reached_ || report.limit_reached;
  if (understood) text_left_ -= text.size();
  return understood;
}

Result<mail::HeaderWalker> Search::header_of(Source& source, const Content& mail,
                                             std::vector<std::string> names) {
  mail::HeaderWalker header(std::move(names),
                            {.size = limits_.header, .fields = limits_.fields, .value = limits_.field});
  ContentReader reader(source, mail, limits_.read_size);
  while (!header.done()) {
    const Result<ByteView> piece = reader.next();
    if (!piece) return piece.error();
    if (piece->empty()) break;
    header.write(*piece);
  }
  header.finish();
  return header;
}

}  // namespace

const std::vector<std::string>& report_marks() {
  return kMarkers;
}

bool may_hold_report(const mail::HeaderWalker& header) {
  return marked_as_report(header) || delivery_report(header);
}

Result<JournalReport> read_journal_report(Source& source, const Limits& limits) {
  return Search(limits).run(source);
}

std::vector<const JournalReport*> all_reports(const JournalReport& report) {
  std::vector<const JournalReport*> reports;
  if (report.is_journal_report) reports.push_back(&report);
  for (const JournalReport& each : report.further) reports.push_back(&each);
  return reports;
}

std::vector<const InnerMail*> all_inner(const JournalReport& report) {
  std::vector<const InnerMail*> mails;
  for (const JournalReport* each : all_reports(report))
    for (const InnerMail& inner : each->inner) mails.push_back(&inner);
  return mails;
}

}  // namespace gw::mime
