// Journal reports: the mail that Exchange and Microsoft 365 send to an archive for each mail they handle.
//
// A report names the sender and all recipients, Bcc and members of lists among them, in lines of a text part,
// and has the mail itself attached ([MS-XJRNL]). The older form of Exchange 2003 lists recipients in one
// block. If a rights-protected mail was decrypted for the journal, both it and the original are attached.
//
// A mail is a report only if it has all three: the marker field in its header, the text with a sender and a
// Message-ID or recipient, and an attached mail. The parts may be in any order, and the mail may be a file
// named
// `.eml`, since gateways rewrite reports. A look-alike and the plain copies of Google Workspace are not
// reports.
//
// Reports are also found in mails that are attached to another mail, encoded or not: a delivery report
// returns one, an administrator forwards some, two journal rules make a report of a report. The search ends
// four mails deep. What a report says never changes by what it holds: a report in it is a JournalReport of
// its own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mime/message.h"
#include "mime/unwrap.h"

namespace gw::mime {

struct Recipient {
  enum class Kind : unsigned char { To, Cc, Bcc, Recipient };  // the last: which of them is not known
  Kind kind = Kind::Recipient;
  std::string address;
  std::optional<std::string> expanded;   // the list that this address is a member of
  std::optional<std::string> forwarded;  // the address that the mail was for before
};

struct InnerMail {
  Content content;                        // for unwrap()
  bool is_protected = false;              // the rights-protected original
  std::optional<std::string> message_id;  // from its own header
};

// The mail that a report is attached to.
enum class Within : unsigned char { Nothing, DeliveryReport, Mail, Report };

// All text is valid UTF-8, whatever the report's character set, and has at most 64 KiB for each value.
struct JournalReport {
  bool is_journal_report = false;  // if not, nothing else is set but limit_reached
  Within within = Within::Nothing;
  bool limit_reached = false;  // not all was looked at: there may be a report, or more of it
  // The report and its text part, as stored: in the message, or in what the last of `parts` decodes to.
  Range report;
  Range text;
  std::vector<Encoded> parts;  // the encoded parts around the report, the outermost first
  std::string sender;          // `<>` for the null sender
  std::optional<std::string> on_behalf_of;
  std::optional<std::string> subject;
  std::optional<std::string> message_id;  // of the mail that was journaled
  std::vector<Recipient> recipients;      // in the order of the lines
  std::optional<std::string> label;       // these four verbatim
  std::optional<std::string> mailbox;
  std::optional<std::string> sent;
  std::optional<std::string> received;
  std::vector<InnerMail> inner;
  std::vector<JournalReport> further;  // all other reports of the message; these have none
};

// Reads the header of every mail, and all of it if something may be attached. Fails only if the source cannot
// be read.
Result<JournalReport> read_journal_report(Source& source, const Limits& limits = {});

// The report and the further ones; and the mails in all of them, in this order. Valid as long as the report.
std::vector<const JournalReport*> all_reports(const JournalReport& report);
std::vector<const InnerMail*> all_inner(const JournalReport& report);

// How the lines of a text are wrapped (RFC 3676).
struct Wrapping {
  bool flowed = false;
  bool delete_space = false;  // DelSp=yes
};

// Reads the lines of a report's text, already UTF-8, into the fields above. Puts lines together that were
// folded like a header or flowed. Returns false if they are not a report's.
bool parse_report_text(std::string_view text, JournalReport& report, Wrapping wrapping = {});

}  // namespace gw::mime
