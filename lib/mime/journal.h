// Journal reports: the mail that Exchange and Microsoft 365 send to an archive for each mail they handle.
//
// A report names sender and all recipients, Bcc and members of lists among them, in lines of a text part, and
// has the mail itself attached ([MS-XJRNL]). The older form of Exchange 2003 lists recipients in one block.
// A report that could not be delivered comes back within a delivery report. When a rights-protected mail was
// decrypted for the journal, both it and the original are attached.
//
// A mail is taken for a report only if all three are there: the marker field in its header, the text with a
// sender and a Message-ID or recipient, and an attached mail. Anything else (a look-alike, the plain copies
// of Google Workspace) is a mail like any other and stays as it is. The attached mails are never looked into
// beyond their own header, so nothing that a sender puts there changes what the report says.
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

// All text is valid UTF-8, whatever the report's character set.
struct JournalReport {
  bool is_journal_report = false;  // nothing else is set where this is false, but limit_reached
  bool within_ndr = false;
  bool limit_reached = false;  // a limit of the walk was met; what is no report might be one
  Range report;                // the report itself: the message, or where it lies within the delivery report
  Range text;                  // its text part, as stored
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
};

// A mail that is no report costs no more than reading its header. Error only where the source cannot be read.
Result<JournalReport> read_journal_report(Source& source, const Limits& limits = {});

// The lines of a report's text, already UTF-8, into the fields above. False if they are not a report's.
bool parse_report_text(std::string_view text, JournalReport& report);

}  // namespace gw::mime
