#include "seal/header.h"

#include <algorithm>

#include "base/text.h"
#include "seal/base64.h"

namespace gw::seal {
namespace {

constexpr std::string_view kVersion = "age-encryption.org/v1";
constexpr std::size_t kColumns = 64;
constexpr std::size_t kMaxStanzas = 1024;

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

bool valid_argument(std::string_view argument) {
  return !argument.empty() && std::ranges::all_of(argument, [](char c) { return c >= 33 && c <= 126; });
}

// Every body ends with a line that is shorter than the others, even if it is empty.
std::optional<Bytes> parse_body(Lines& lines) {
  Bytes body;
  for (;;) {
    const std::optional<std::string_view> line = lines.next();
    if (!line || line->size() > kColumns) return std::nullopt;
    const std::optional<Bytes> octets = from_base64(*line, Padding::None);
    if (!octets) return std::nullopt;
    append(body, *octets);
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
    if (line->starts_with("--- ")) {
      if (!from_base64(line->substr(4), Padding::None, header.mac)) return std::nullopt;
      header.signed_part = prefix.substr(0, start + 3);
      header.octets = lines.at();
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
  // A passphrase stanza among others would let its owner pose as the others' sender.
  const bool passphrase =
      std::ranges::any_of(header.stanzas, [](const Stanza& s) { return s.arguments.front() == "scrypt"; });
  if (passphrase && header.stanzas.size() != 1) return std::nullopt;
  return header;
}

}  // namespace gw::seal
