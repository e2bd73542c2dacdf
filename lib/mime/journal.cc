#include "mime/journal.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "mime/charset.h"

namespace gw::mime {
namespace {

// Some 100,000 recipients. A longer text is not taken in part: a list that is not whole would look as if.
constexpr std::size_t kLongestText = 16 << 20;
// An address has at most 256 bytes (RFC 5321 section 4.5.3.1.3), and a line of a report three of them. A text
// with a line above this is no report's, and one line is never most of the memory.
constexpr std::size_t kLongestLine = 64 << 10;

const std::vector<std::string> kMarkers = {
    "X-MS-Journal-Report",
    "X-MS-Exchange-Organization-Journal-Report",  // its name before it leaves the organisation
    "Content-Identifier",                         // Exchange 2003, and as some products misspell it
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

class Reading {
 public:
  Reading(Source& source, const Limits& limits) : source_(source), limits_(limits) {}
  Result<JournalReport> run();

 private:
  Result<bool> read(std::size_t root, const mail::HeaderWalker& header);
  Result<bool> read_text(const Part& part, JournalReport& report);
  Result<void> add_inner(const Part& part, JournalReport& report);

  Source& source_;
  const Limits& limits_;
  Structure structure_;
  JournalReport report_;
};

Result<JournalReport> Reading::run() {
  const Result<mail::HeaderWalker> header = read_header(source_, {0, source_.size()}, kMarkers, limits_);
  if (!header) return header.error();
  const bool direct = marked_as_report(*header);
  if (!direct && !delivery_report(*header)) return std::move(report_);
  // Into no attached mail, but for the one that a delivery report returns, which may be a report.
  const auto descend = [direct](const Part& part) {
    return part.multipart() || (!direct && part.level == 0);
  };
  Result<Structure> structure = walk(source_, descend, limits_);
  if (!structure) return structure.error();
  structure_ = std::move(*structure);
  if (direct) {
    const Result<bool> found = read(0, *header);
    if (!found) return found.error();
  }
  for (std::size_t at = 1; !direct && at < structure_.parts.size() && !report_.is_journal_report; ++at) {
    const Part& root = structure_.parts[at];
    if (!structure_.parts[root.parent].message() || !root.multipart()) continue;
    const Result<mail::HeaderWalker> within = read_header(source_, root.header, kMarkers, limits_);
    if (!within) return within.error();
    if (!marked_as_report(*within)) continue;
    const Result<bool> found = read(at, *within);
    if (!found) return found.error();
    report_.within_ndr = *found;
  }
  report_.limit_reached = report_.limit_reached || structure_.limit_reached;
  return std::move(report_);
}

// The mail whose own part is `root` and whose header has the marker: fills report_ if it is a report.
Result<bool> Reading::read(std::size_t root, const mail::HeaderWalker& header) {
  const std::vector<Part>& parts = structure_.parts;
  JournalReport report;
  report.report = {parts[root].header.offset, parts[root].body.end() - parts[root].header.offset};
  bool text_seen = false;
  for (std::size_t at = root + 1; at < parts.size() && parts[at].depth > parts[root].depth; ++at) {
    const Part& part = parts[at];
    if (part.message()) {
      if (!text_seen) return false;
      if (const Result<void> added = add_inner(part, report); !added) return added.error();
    } else if (part.type == "text/plain" && !text_seen) {
      // A gateway on the way may have put a text of its own in front.
      JournalReport attempt;
      const Result<bool> understood = read_text(part, attempt);
      if (!understood) return understood.error();
      if (!*understood) continue;
      attempt.report = report.report;
      report = std::move(attempt);
      text_seen = true;
    }
  }
  if (report.inner.empty()) return false;
  // The form of Exchange 2003 has the subject only in the header of the report.
  if (const std::string* subject = header.field("Subject"); subject != nullptr && !report.subject)
    report.subject = decode_words(*subject);
  report.is_journal_report = true;
  report_ = std::move(report);
  return true;
}

bool has_long_line(std::string_view text) {
  while (text.size() > kLongestLine) {
    const std::size_t end = text.rfind('\n', kLongestLine);
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
  return false;
}

Result<bool> Reading::read_text(const Part& part, JournalReport& report) {
  const Result<Content> content = content_of(source_, part);
  if (!content) return content.error();
  Bytes text;
  ContentReader reader(source_, *content, limits_.read_size);
  for (;;) {
    const Result<ByteView> piece = reader.next();
    if (!piece) return piece.error();
    if (piece->empty()) break;
    if (piece->size() > kLongestText - text.size()) {
      report_.limit_reached = true;
      return false;
    }
    append(text, *piece);
  }
  if (has_long_line(as_text(text))) {
    report_.limit_reached = true;
    return false;
  }
  report.text = content->stored;
  return parse_report_text(to_utf8(text, part.charset), report);
}

Result<void> Reading::add_inner(const Part& part, JournalReport& report) {
  const Result<Content> content = content_of(source_, part);
  if (!content) return content.error();
  mail::HeaderWalker header({"Message-ID", "Content-Class"},
                            {.octets = limits_.header, .fields = limits_.fields, .value = limits_.field});
  ContentReader reader(source_, *content, limits_.read_size);
  while (!header.done()) {
    const Result<ByteView> piece = reader.next();
    if (!piece) return piece.error();
    if (piece->empty()) break;
    header.write(*piece);
  }
  header.finish();
  InnerMail inner;
  inner.content = *content;
  // [MS-OXORMMS]: what marks a mail whose content is in an encrypted attachment.
  const std::string* content_class = header.field("Content-Class");
  inner.is_protected = content_class != nullptr && istarts_with(*content_class, "rpmsg.message");
  if (const std::string* id = header.field("Message-ID"); id != nullptr && !id->empty())
    inner.message_id = valid_text(*id);
  report.inner.push_back(std::move(inner));
  return {};
}

}  // namespace

Result<JournalReport> read_journal_report(Source& source, const Limits& limits) {
  return Reading(source, limits).run();
}

}  // namespace gw::mime
