#include "mime/content_type.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"

namespace gw::mime {
namespace {

constexpr std::size_t kMaxType = 255;
constexpr std::size_t kMaxPieces = 1000;
constexpr std::string_view kBlank = " \t\r\n";

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool done() const { return at_ == text_.size(); }
  bool take(char c) {
    if (done() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  // Skips white space and comments, which may nest (RFC 5322 section 3.2.2). A comment without an
  // end extends to the end of the value.
  void skip_blanks() {
    std::size_t nested = 0;
    for (; !done(); ++at_) {
      const char c = text_[at_];
      if (c == '\\' && nested > 0 && at_ + 1 < text_.size())
        ++at_;
      else if (c == '(')
        ++nested;
      else if (c == ')' && nested > 0)
        --nested;
      else if (nested == 0 && kBlank.find(c) == std::string_view::npos)
        return;
    }
  }

  std::string_view until(std::string_view stops) {
    const std::size_t end = std::min(text_.find_first_of(stops, at_), text_.size());
    const std::string_view taken = text_.substr(at_, end - at_);
    at_ = end;
    return taken;
  }

  std::string value() {
    // An unquoted value may contain characters that RFC 2045 forbids there: senders write
    // `name=a(1).pdf`.
    if (!take('"')) return std::string(until(" \t\r\n;"));
    std::string out;
    for (; !done(); ++at_) {
      if (text_[at_] == '"') {
        ++at_;
        break;
      }
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      out += text_[at_];
    }
    return out;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

// Splits a name like `boundary*1*` into name, section number and the mark of a percent-encoded
// value (RFC 2231 section 4.1). A star that is followed by no number is part of the name.
ContentType::Piece parse_name(std::string_view name) {
  ContentType::Piece piece;
  if (name.size() > 1 && name.ends_with('*')) {
    piece.extended = true;
    name.remove_suffix(1);
  }
  if (const std::size_t star = name.rfind('*'); star != std::string_view::npos) {
    if (const auto number = parse_number(name.substr(star + 1)); number && *number < kMaxPieces) {
      piece.sectioned = true;
      piece.section = static_cast<std::size_t>(*number);
      name = name.substr(0, star);
    }
  }
  piece.name = lower(name);
  return piece;
}

std::string plain(const ContentType::Piece& piece) {
  if (!piece.extended) return piece.value;
  std::string_view value = piece.value;
  // Only the first section has the prefix charset'language' (RFC 2231 section 4.1).
  if (piece.section == 0) {
    const std::size_t first = value.find('\'');
    const std::size_t second = first == std::string_view::npos ? first : value.find('\'', first + 1);
    if (second != std::string_view::npos) value = value.substr(second + 1);
  }
  std::string out;
  for (std::size_t at = 0; at < value.size(); ++at) {
    std::byte byte[1];
    if (value[at] == '%' && at + 2 < value.size() && from_hex(value.substr(at + 1, 2), byte)) {
      out += static_cast<char>(byte[0]);
      at += 2;
    } else {
      out += value[at];
    }
  }
  return out;
}

}  // namespace

std::optional<std::string> ContentType::parameter(std::string_view name) const {
  std::vector<const Piece*> sections;
  for (const Piece& piece : pieces) {
    if (piece.name != name) continue;
    // A parameter without sections wins over one in sections, and the first over later ones.
    if (!piece.sectioned) return plain(piece);
    sections.push_back(&piece);
  }
  std::ranges::stable_sort(sections, {}, &Piece::section);
  std::string out;
  std::size_t next = 0;
  for (const Piece* piece : sections) {
    // A gap ends the value; the text after a missing section would be joined to the wrong place.
    if (piece->section > next) break;
    if (piece->section < next) continue;
    out += plain(*piece);
    ++next;
  }
  return next > 0 ? std::optional(out) : std::nullopt;
}

std::optional<ContentType> parse_content_type(std::string_view value) {
  Scanner scanner(value);
  scanner.skip_blanks();
  ContentType result;
  result.type = lower(scanner.until(" \t\r\n;("));
  const std::size_t slash = result.type.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == result.type.size() ||
      result.type.size() > kMaxType)
    return std::nullopt;
  while (!scanner.done() && result.pieces.size() < kMaxPieces) {
    // Skips everything before the next semicolon that is no parameter, so that one malformed
    // parameter does not hide the following ones.
    scanner.until(";");
    if (!scanner.take(';')) break;
    scanner.skip_blanks();
    const std::string_view name = scanner.until(" \t\r\n=;(");
    scanner.skip_blanks();
    if (!scanner.take('=') || name.empty()) continue;
    scanner.skip_blanks();
    ContentType::Piece piece = parse_name(name);
    piece.value = scanner.value();
    result.pieces.push_back(std::move(piece));
  }
  return result;
}

}  // namespace gw::mime
