#include "seal/header.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"

namespace gw::seal {
namespace {

constexpr std::string_view kVersion = "age-encryption.org/v1";
constexpr std::size_t kColumns = 64;  // age's line length for Base64
// Limits the work that a hostile file can cause.
constexpr std::size_t kMaxStanzas = 1024;

// Splits at LF only, as age does; a CR is an invalid character of the line.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {}

  std::optional<std::string_view> next() {
    const std::size_t end = text_.find('\n', at_);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = text_.substr(at_, end - at_);
    at_ = end + 1;
    return line;
  }
  std::size_t at() const { return at_; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

// Printable ASCII without space, at least one character, as the age specification demands.
bool valid_argument(std::string_view argument) {
  return !argument.empty() && std::ranges::all_of(argument, [](char c) { return c >= 33 && c <= 126; });
}

// The body ends with a line shorter than 64 characters. If the last full line ends the data, an
// empty line follows it.
std::optional<Bytes> parse_body(Lines& lines) {
  Bytes body;
  for (;;) {
    const std::optional<std::string_view> line = lines.next();
    if (!line || line->size() > kColumns) return std::nullopt;
    const std::optional<Bytes> data = from_base64(*line, Padding::None);
    if (!data) return std::nullopt;
    append(body, *data);
    if (line->size() < kColumns) return body;
  }
}

}  // namespace

std::optional<Header> parse_header(std::string_view prefix) {
  Lines lines(prefix);
  Header header;
  if (lines.next() != kVersion) return std::nullopt;
  for (;;) {
    const std::size_t start = lines.at();
    const std::optional<std::string_view> line = lines.next();
    if (!line) return std::nullopt;
    // The MAC covers the header including the three hyphens.
    if (line->starts_with("--- ")) {
      if (!from_base64(line->substr(4), Padding::None, header.mac)) return std::nullopt;
      header.signed_part = prefix.substr(0, start + 3);
      header.size = lines.at();
      break;
    }
    if (!line->starts_with("-> ") || header.stanzas.size() == kMaxStanzas) return std::nullopt;
    Stanza stanza;
    stanza.arguments = split(line->substr(3), ' ');
    if (!std::ranges::all_of(stanza.arguments, valid_argument)) return std::nullopt;
    std::optional<Bytes> body = parse_body(lines);
    if (!body) return std::nullopt;
    stanza.body = std::move(*body);
    header.stanzas.push_back(std::move(stanza));
  }
  if (header.stanzas.empty()) return std::nullopt;
  // A passphrase stanza must be the only one. age demands this because a user who decrypts with a
  // passphrase expects that the sender knew it; the owner of a second stanza's key could replace
  // the payload without knowing it.
  const bool passphrase =
      std::ranges::any_of(header.stanzas, [](const Stanza& s) { return s.arguments.front() == "scrypt"; });
  if (passphrase && header.stanzas.size() != 1) return std::nullopt;
  return header;
}

}  // namespace gw::seal
