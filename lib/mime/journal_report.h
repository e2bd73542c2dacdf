// Reads journal reports: the mail that Exchange and Microsoft 365 send to an archive for each mail
// that they handle.
//
// A report names the sender and all recipients, Bcc and members of lists among them, in lines of a
// text part, and has the mail itself attached ([MS-XJRNL]). The older form of Exchange 2003 lists
// recipients in one block. If a rights-protected mail was decrypted for the journal, both it and
// the original are attached.
//
// A mail is a report only if it has all three: the marker field in its header, the text with a
// sender and a Message-ID or recipient, and an attached mail. The parts may be in any order, and
// the mail may be a file named `.eml`, since gateways rewrite reports. A mail that only resembles a
// report, and the plain copies that Google Workspace sends, are not reports.
//
// Reports are also found in mails that are attached to another mail, encoded or not: a delivery
// report returns one, an administrator forwards some, two journal rules make a report of a report.
// The search ends four mails deep. A report within another report is a JournalReport of its own and
// does not change the outer one.
//
//   Result<JournalReport> found = read_journal_report(source);
//   for (const JournalReport* report : all_reports(*found)) …
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mime/message.h"
#include "mime/unwrap.h"

namespace gw::mime {

struct Recipient {
  // `Recipient` is a recipient of whom the report does not tell which of the other three they are.
  enum class Kind : unsigned char { To, Cc, Bcc, Recipient };
  Kind kind = Kind::Recipient;
  std::string address;
  std::optional<std::string> expanded;   // the distribution list that this address is a member of
  std::optional<std::string> forwarded;  // the address that forwarded the mail to this one
};

// A mail that is attached to a report.
struct InnerMail {
  Content content;                        // where its bytes are, for unwrap()
  bool is_protected = false;              // the rights-protected original
  std::optional<std::string> message_id;  // from its own header
};

// The kind of mail that a report is attached to; Nothing if the report is the message itself.
enum class Within : unsigned char { Nothing, DeliveryReport, Mail, Report };

// A report, and all further ones of the message. All text is valid UTF-8, whatever the report's
// character set is, and each value has at most 64 KiB. An optional value is nullopt if the report
// does not have its line.
struct JournalReport {
  bool is_journal_report = false;  // if false, only limit_reached is set
  Within within = Within::Nothing;
  // Part of the message was not examined: it may be a report all the same, or hold further ones.
  bool limit_reached = false;
  // The report and its text part, as ranges of the message or, if `parts` is not empty, of the
  // decoded content of its last element.
  Range report;
  Range text;
  std::vector<Encoded> parts;  // the encoded parts around the report, the outermost first
  std::string sender;          // `<>` for the null sender
  std::optional<std::string> on_behalf_of;
  std::optional<std::string> subject;
  std::optional<std::string> message_id;  // of the mail that was journaled
  std::vector<Recipient> recipients;      // in the order of the lines
  std::optional<std::string> label;       // this and the next three are verbatim
  std::optional<std::string> mailbox;
  std::optional<std::string> sent;
  std::optional<std::string> received;
  std::vector<InnerMail> inner;
  std::vector<JournalReport> further;  // all other reports of the message; empty in these
};

// Returns the names of the header fields by which may_hold_report() decides.
const std::vector<std::string>& report_marks();
// Returns true if a header with these fields marks a journal report, or a delivery report, which may
// return one.
bool may_hold_report(const mail::HeaderWalker& header);

// Finds all reports in the message. Reads only its header if nothing can be attached to it,
// otherwise all of it. Fails only if the source cannot be read.
Result<JournalReport> read_journal_report(Source& source, const Limits& limits = {});

// Returns the report and the further ones; empty if there is none. Pointers are valid as long as
// `report`.
std::vector<const JournalReport*> all_reports(const JournalReport& report);
// Returns the mails in all of these reports, in the same order. Pointers are valid as long as
// `report`.
std::vector<const InnerMail*> all_inner(const JournalReport& report);

// The parameters of a Content-Type that tell how the lines of a text are wrapped (RFC 3676).
struct Wrapping {
  bool flowed = false;
  bool delete_space = false;  // DelSp=yes
};

// Reads the text of a report, already in UTF-8, and sets the fields from `sender` to `received`.
// Joins lines that were folded like a header or flowed. Returns false if the text is not that of a
// report, and also if it has too many recipients; `report` may then be partly filled.
bool parse_report_text(std::string_view text, JournalReport& report, Wrapping wrapping = {});

}  // namespace gw::mime
