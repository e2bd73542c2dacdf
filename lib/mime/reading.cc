#include "mime/reading.h"

#include <algorithm>

#include "base/text.h"
#include "mime/charset.h"
#include "mime/content_type.h"

namespace gw::mime {
namespace {

constexpr std::size_t kMaxName = 255;

// What the header of a part tells about how to show it.
struct Showing {
  bool attached = false;
  std::string name;
};

// Returns a parameter as UTF-8. RFC 2231 gives the character set in the value; many senders use
// encoded words instead, although RFC 2047 section 5 forbids them in parameters.
std::string name_text(const ContentType& type, std::string_view parameter) {
  const auto value = type.parameter(parameter);
  if (!value) return {};
  std::string charset;
  for (const ContentType::Piece& piece : type.pieces) {
    if (piece.name == parameter && piece.extended && piece.section == 0)
      charset = piece.value.substr(0, piece.value.find('\''));
  }
  return charset.empty() ? decode_words(*value) : to_utf8(as_bytes(*value), charset);
}

// Returns the name without directories, cut between two characters. A sender must not be able to
// name a path (`../../x`), and Windows programs send whole ones with backslashes.
std::string plain_name(std::string_view text) {
  std::string name = printable(text.substr(std::min(text.find_last_of("/\\") + 1, text.size())));
  if (name.size() > kMaxName) {
    std::size_t end = kMaxName;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;
    name.resize(end);
  }
  return name;
}

std::uint64_t decoded_size(const Part& part) {
  if (part.encoding != Encoding::Base64) return part.body.length;
  // Estimates the decoded size, since decoding everything only for the list would be slow.
  const std::uint64_t lines = part.body.length / 78;  // 76 characters and CRLF each
  return (part.body.length - 2 * lines) / 4 * 3;
}

class Reader {
 public:
  Reader(Source& source, const ReadingLimits& limits) : source_(source), limits_(limits) {}
  Result<Reading> run();

 private:
  Result<void> read_fields(const Part& part, std::vector<Field>& fields);
  Result<Showing> showing(const Part& part);
  Result<void> look_at(const Part& part);
  std::size_t root() const;

  Source& source_;
  const ReadingLimits& limits_;
  std::vector<Part> parts_;
  Reading reading_;
};

Result<Reading> Reader::run() {
  Result<JournalReport> journal = read_journal_report(source_, limits_.walk);
  if (!journal) return journal.error();
  reading_.journal = std::move(*journal);
  Result<Structure> structure = walk(source_, limits_.walk);
  if (!structure) return structure.error();
  parts_ = std::move(structure->parts);
  reading_.limit_reached = structure->limit_reached || reading_.journal.limit_reached;
  if (parts_.empty()) return std::move(reading_);
  // parts_ is in the order of headers, so the message itself is the first.
  if (const auto read = read_fields(parts_.front(), reading_.fields); !read) return read.error();
  const std::size_t from = root();
  if (from != 0)
    if (const auto read = read_fields(parts_[from], reading_.inner); !read) return read.error();
  for (std::size_t at = from; at < parts_.size(); ++at) {
    const Part& part = parts_[at];
    // The parts of a mail follow it directly and are deeper; the first one that is not deeper lies
    // outside.
    if (at > from && part.depth <= parts_[from].depth) break;
    if (part.level != parts_[from].level || part.multipart()) continue;
    if (const auto looked = look_at(part); !looked) return looked.error();
  }
  return std::move(reading_);
}

// Returns the index of the part where the mail to show begins: the first mail in a journal report,
// otherwise the message itself. A mail in an encoded part has no index.
std::size_t Reader::root() const {
  for (const InnerMail& inner : reading_.journal.inner) {
    if (inner.content.encoding != Encoding::Identity || !inner.content.within.empty()) continue;
    for (std::size_t at = 1; at < parts_.size(); ++at) {
      if (parts_[at].header.offset == inner.content.stored.offset && parts_[parts_[at].parent].message())
        return at;
    }
  }
  return 0;
}

Result<void> Reader::read_fields(const Part& part, std::vector<Field>& fields) {
  const std::uint64_t size = std::min<std::uint64_t>(part.header.length, limits_.header);
  Bytes header(static_cast<std::size_t>(size));
  if (const auto read = source_.read(part.header.offset, header); !read) return read.error();
  auto walker = mail::HeaderWalker::each(
      [&](std::string_view name, std::string_view value) {
        if (fields.size() < limits_.fields)
          fields.push_back({std::string(name), decode_words(value)});
        else
          reading_.fields_cut = true;
      },
      {.size = limits_.header, .value = limits_.value});
  walker.write(header);
  walker.finish();
  if (walker.truncated() || size < part.header.length) reading_.fields_cut = true;
  return {};
}

Result<Showing> Reader::showing(const Part& part) {
  const auto header =
      read_header(source_, part.header, {"Content-Disposition", "Content-Type"}, limits_.walk);
  if (!header) return header.error();
  Showing found;
  if (const std::string* value = header->field("Content-Disposition"); value != nullptr) {
    // Content-Disposition has the grammar of Content-Type (RFC 2183 section 2) without the subtype,
    // so a type is put before it.
    const auto disposition = parse_content_type("x/" + *value);
    found.attached = istarts_with(*value, "attachment");
    if (disposition) found.name = name_text(*disposition, "filename");
  }
  if (const std::string* value = header->field("Content-Type"); value != nullptr && found.name.empty()) {
    if (const auto type = parse_content_type(*value)) found.name = name_text(*type, "name");
  }
  return found;
}

Result<void> Reader::look_at(const Part& part) {
  const Result<Showing> shown = showing(part);
  if (!shown) return shown.error();
  const bool plain = part.type == "text/plain";
  const bool html = part.type == "text/html";
  // The first text part and the first HTML part are the body. A later one is an attachment, as is
  // one that the sender marked so.
  if (!shown->attached && ((plain && !reading_.text) || (html && !reading_.html))) {
    const Result<Content> content = content_of(source_, part);
    if (!content) return content.error();
    const TextPart text{*content, part.charset};
    if (html) {
      reading_.html = text;
      return {};
    }
    Result<ReadText> read = read_text(source_, text, limits_.text);
    if (!read) return read.error();
    reading_.text = std::move(*read);
    return {};
  }
  if (reading_.attachments.size() >= limits_.attachments) {
    ++reading_.more_attachments;
    return {};
  }
  const Result<Content> content = content_of(source_, part);
  if (!content) return content.error();
  reading_.attachments.push_back(
      {plain_name(shown->name), printable(part.type), decoded_size(part), *content});
  return {};
}

}  // namespace

Result<Reading> read_for_people(Source& source, const ReadingLimits& limits) {
  return Reader(source, limits).run();
}

const std::string* find_field(const std::vector<Field>& fields, std::string_view name) {
  const auto found = std::ranges::find_if(fields, [&](const Field& f) { return iequals(f.name, name); });
  return found == fields.end() ? nullptr : &found->value;
}

Result<ReadText> read_text(Source& source, const TextPart& part, std::size_t most) {
  Bytes data;
  ReadText read;
  ContentReader reader(source, part.content);
  for (;;) {
    const Result<ByteView> piece = reader.next();
    if (!piece) return piece.error();
    if (piece->empty()) break;
    const std::size_t room = most - data.size();
    append(data, piece->first(std::min(piece->size(), room)));
    read.cut = piece->size() > room;
    if (read.cut) break;
  }
  read.text = to_utf8(data, part.charset);
  return read;
}

}  // namespace gw::mime
