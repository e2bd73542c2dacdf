// One message as people read it: fields of its header, its text, and what is attached.
//
// For looking, not for keeping: text is converted and cut at limits, and says so. What is exact are the
// octets that the ranges name. Of a journal report it is the mail within that is read, beside what the report
// says; nothing that is encoded as a whole (a base64 message/rfc822) is looked into.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mime/journal.h"
#include "mime/message.h"
#include "mime/unwrap.h"

namespace gw::mime {

struct ReadingLimits {
  std::size_t text = 256 << 10;    // octets of text, before it is converted
  std::size_t header = 128 << 10;  // octets of a header that are looked at
  std::size_t fields = 500;
  std::size_t value = 16 << 10;    // octets of one field, as stored
  std::size_t attachments = 1000;  // named ones; more are counted
  Limits walk{};
};

struct Field {
  std::string name;
  std::string value;  // unfolded, encoded words decoded, valid UTF-8; may hold control characters
};

struct TextPart {
  Content content;
  std::string charset;
};

struct Attachment {
  std::string name;          // as its sender calls it, without any folder; may be empty
  std::string type;          // `application/pdf`
  std::uint64_t octets = 0;  // decoded: about, where it is encoded
};

// Octets [0, cut) of a text.
struct ReadText {
  std::string text;  // valid UTF-8
  bool cut = false;  // there is more
};

struct Reading {
  JournalReport journal;
  std::vector<Field> fields;  // of the message itself
  std::vector<Field> inner;   // of a report: those of the mail within
  bool fields_cut = false;    // of either there are more, or longer ones
  std::optional<ReadText> text;
  std::optional<TextPart> html;  // for read_text()
  std::vector<Attachment> attachments;
  std::size_t more_attachments = 0;  // beyond the limit
  bool limit_reached = false;        // the walk did not look at everything
};

// Error only where the source cannot be read.
Result<Reading> read_for_people(Source& source, const ReadingLimits& limits = {});

// The first field of this name; null where there is none. Case is ignored.
const std::string* find_field(const std::vector<Field>& fields, std::string_view name);

// The start of a part's text as UTF-8, at most `most` octets of it as decoded.
Result<ReadText> read_text(Source& source, const TextPart& part, std::size_t most);

}  // namespace gw::mime
