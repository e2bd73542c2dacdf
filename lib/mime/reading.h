// Prepares one message for display: the fields of its header, its text, and the list of its
// attachments.
//
// The result is for people, not for an archive: text is converted to UTF-8 and cut at limits, and
// flags tell where that happened. Only the ranges name exact bytes. If the message is a journal
// report, the mail in it is read, and the report's own data is in Reading::journal. An attached
// mail that is encoded as a whole (a base64 message/rfc822) is not entered.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mime/journal_report.h"
#include "mime/message.h"
#include "mime/unwrap.h"

namespace gw::mime {

struct ReadingLimits {
  std::size_t text = 256 << 10;    // bytes of text, before the conversion to UTF-8
  std::size_t header = 128 << 10;  // bytes of a header that are read
  std::size_t fields = 500;        // fields of a header
  std::size_t value = 16 << 10;    // bytes of one field, as stored
  std::size_t attachments = 1000;  // attachments that are listed; more are only counted
  Limits walk{};                   // for walk() and read_journal_report()
};

struct Field {
  std::string name;
  std::string value;  // unfolded, encoded words decoded, valid UTF-8; may hold control characters
};

// A text part that was not read yet.
struct TextPart {
  Content content;
  std::string charset;
};

struct Attachment {
  std::string name;        // from the sender, printable, without directories; may be empty
  std::string type;        // `application/pdf`
  std::uint64_t size = 0;  // decoded size in bytes; an estimate if the attachment is encoded
  Content content;         // for ContentReader
};

// The beginning of a text.
struct ReadText {
  std::string text;  // valid UTF-8; may hold control characters
  bool cut = false;  // the text continues after the limit
};

struct Reading {
  JournalReport journal;
  std::vector<Field> fields;            // header of the message itself
  std::vector<Field> inner;             // of a journal report: header of the mail in it
  bool fields_cut = false;              // a limit cut `fields` or `inner`
  std::optional<ReadText> text;         // the first text/plain part
  std::optional<TextPart> html;         // the first text/html part, for read_text()
  std::vector<Attachment> attachments;  // all other parts
  std::size_t more_attachments = 0;     // number of attachments beyond the limit
  bool limit_reached = false;           // the walk did not examine everything
};

// Reads the message. Fails only if the source cannot be read.
Result<Reading> read_for_people(Source& source, const ReadingLimits& limits = {});

// Returns the value of the first field of this name; null if there is none. Ignores case. The
// pointer is valid as long as `fields` is unchanged.
const std::string* find_field(const std::vector<Field>& fields, std::string_view name);

// Reads the start of a text part as UTF-8: at most `most` bytes of it after decoding and before the
// conversion. Fails only if the source cannot be read.
Result<ReadText> read_text(Source& source, const TextPart& part, std::size_t most);

}  // namespace gw::mime
