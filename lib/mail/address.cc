#include "mail/address.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <unicase.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/text.h"

namespace gw::mail {
namespace {

// Limits of RFC 5321 section 4.5.3.1, and for labels of RFC 1035 section 2.3.4, in bytes.
constexpr std::size_t kMaxLocal = 64;
constexpr std::size_t kMaxDomain = 255;
constexpr std::size_t kMaxLabel = 63;

bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool alphanumeric(char c) {
  return digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
}
bool eight_bit(char c) {
  return static_cast<unsigned char>(c) >= 0x80;
}

// Returns true for the characters of atext (RFC 5322 section 3.2.3) and 8-bit text (RFC 6531),
// except `+`, which starts a tag.
bool alias_character(char c) {
  constexpr std::string_view kMarks = "!#$%&'*-/=?^_`{|}~";
  return alphanumeric(c) || eight_bit(c) || kMarks.find(c) != std::string_view::npos;
}

bool is_white(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// Finds quoted strings and comments in a text. A quote or parenthesis that is not closed is an
// ordinary character, and so are all later ones of its kind: searching for each of their ends would
// take quadratic time.
class Enclosures {
 public:
  explicit Enclosures(std::string_view text) : text_(text) {}

  // Returns the position after the quoted string or comment that begins at `at`; `at` if none
  // begins there.
  std::size_t end_of(std::size_t at) {
    std::size_t end = at;
    if (text_[at] == '"' && quotes_) {
      end = quote_end(at);
      quotes_ = end > at;
    } else if (text_[at] == '(' && comments_) {
      end = comment_end(at);
      comments_ = end > at;
    }
    return end;
  }

 private:
  std::size_t quote_end(std::size_t start) const {
    for (std::size_t at = start + 1; at < text_.size(); ++at) {
      if (text_[at] == '\\')
        ++at;
      else if (text_[at] == '"')
        return at + 1;
    }
    return start;
  }
  // Comments may contain comments (RFC 5322 section 3.2.2).
  std::size_t comment_end(std::size_t start) const {
    std::size_t nested = 0;
    for (std::size_t at = start; at < text_.size(); ++at) {
      if (text_[at] == '\\')
        ++at;
      else if (text_[at] == '(')
        ++nested;
      else if (text_[at] == ')' && --nested == 0)
        return at + 1;
    }
    return start;
  }

  std::string_view text_;
  bool quotes_ = true;
  bool comments_ = true;
};

// Returns the content of a quoted string. `quoted` includes the quotes.
std::string unquoted(std::string_view quoted) {
  std::string text;
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    if (quoted[i] == '\\') ++i;
    text += quoted[i];
  }
  return text;
}

// Returns a local part or domain without quotes, comments and white space outside quotes.
std::string plain(std::string_view part) {
  std::string text;
  Enclosures enclosures(part);
  for (std::size_t i = 0; i < part.size();) {
    const std::size_t end = enclosures.end_of(i);
    if (end == i) {
      if (!is_white(part[i])) text += part[i];
      ++i;
      continue;
    }
    if (part[i] == '"') text += unquoted(part.substr(i, end - i));
    i = end;
  }
  return text;
}

// Returns UTF-8 text in lower case and composed (NFC), and other text with only ASCII in lower
// case. RFC 5321 makes the local part case-sensitive, but practically no server distinguishes case.
std::string folded(std::string_view text) {
  if (!has_8bit(text) || !valid_utf8(text)) return lower(text);
  std::size_t size = 0;
  const std::unique_ptr<std::uint8_t, decltype(&std::free)> folded(
      u8_tolower(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), nullptr, UNINORM_NFC,
                 nullptr, &size),
      &std::free);
  return folded ? std::string(reinterpret_cast<const char*>(folded.get()), size) : lower(text);
}

// A word or a special character of a text with addresses (RFC 5322 section 3.2.3).
struct Token {
  std::string text;  // of a quoted string, its content
  bool quoted = false;
  bool word() const {
    constexpr std::string_view kSpecials = "()<>[]:;@,\"";
    return quoted || text.size() != 1 || kSpecials.find(text.front()) == std::string_view::npos;
  }
};

std::vector<Token> tokens_of(std::string_view text) {
  constexpr std::string_view kEnds = "()<>[]:;@,\" \t\r\n";
  std::vector<Token> tokens;
  Enclosures enclosures(text);
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = enclosures.end_of(i);
    if (end > i) {
      if (text[i] == '"') tokens.push_back({unquoted(text.substr(i, end - i)), true});
      i = end;
    } else if (is_white(text[i])) {
      ++i;
    } else {
      std::size_t stop = i + 1;
      // A domain literal, as in `user@[192.0.2.1]`, is one word. After anything but `@` a bracket
      // is a single character.
      if (text[i] == '[' && !tokens.empty() && tokens.back().text == "@")
        stop = std::min(text.find(']', i), text.size() - 1) + 1;
      else if (kEnds.find(text[i]) == std::string_view::npos)
        stop = std::min(text.find_first_of(kEnds, i), text.size());
      tokens.push_back({std::string(text.substr(i, stop - i))});
      i = stop;
    }
  }
  return tokens;
}

// An IP address as 128 bits. IPv4 is mapped to ::ffff:0:0/96, so that an IPv4 address and its
// mapped form compare equal.
struct Ip {
  std::array<unsigned char, 16> data{};
  bool v4 = false;
};

std::optional<Ip> parse_ip(std::string_view text) {
  text = text.substr(0, text.find('%'));  // removes a zone, as in fe80::1%eth0
  std::array<char, INET6_ADDRSTRLEN + 1> copy{};
  if (text.empty() || text.size() >= copy.size()) return std::nullopt;
  std::copy(text.begin(), text.end(), copy.begin());
  static constexpr std::array<unsigned char, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  Ip ip;
  if (text.find(':') == std::string_view::npos) {
    std::copy(kMapped.begin(), kMapped.end(), ip.data.begin());
    ip.v4 = true;
    if (inet_pton(AF_INET, copy.data(), ip.data.data() + kMapped.size()) != 1) return std::nullopt;
    return ip;
  }
  if (inet_pton(AF_INET6, copy.data(), ip.data.data()) != 1) return std::nullopt;
  ip.v4 = std::equal(kMapped.begin(), kMapped.end(), ip.data.begin());
  return ip;
}

struct Block {
  Ip base;
  unsigned bits = 128;  // prefix length in the 128-bit form
};

std::optional<Block> parse_block(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view address = text.substr(0, slash);
  if (address.find('%') != std::string_view::npos) return std::nullopt;
  const std::optional<Ip> base = parse_ip(address);
  if (!base) return std::nullopt;
  Block block{*base, 128};
  if (slash == std::string_view::npos) return block;
  const std::string_view length = text.substr(slash + 1);
  const std::optional<std::uint64_t> bits = parse_number(length);
  // The prefix length of an IPv4 block counts from the 32 bits of its address; 96 are for the
  // mapping.
  const bool dotted = address.find(':') == std::string_view::npos;
  if (!bits || length.size() > 3 || *bits > (dotted ? 32U : 128U)) return std::nullopt;
  block.bits = static_cast<unsigned>(*bits) + (dotted ? 96U : 0U);
  return block;
}

bool same_bits(const Ip& a, const Ip& b, unsigned bits) {
  const unsigned whole = bits / 8;
  if (std::memcmp(a.data.data(), b.data.data(), whole) != 0) return false;
  if (bits % 8 == 0) return true;
  const unsigned mask = 0xffU << (8 - bits % 8);
  return ((a.data[whole] ^ b.data[whole]) & mask & 0xffU) == 0;
}

}  // namespace

std::optional<Address> split_address(std::string_view address) {
  std::size_t at = std::string_view::npos;
  Enclosures enclosures(address);
  for (std::size_t i = 0; i < address.size();) {
    const std::size_t end = enclosures.end_of(i);
    if (end == i && address[i] == '@') at = i;
    i = std::max(end, i + 1);
  }
  Address split;
  split.local = address.substr(0, at);
  if (at != std::string_view::npos) split.domain = address.substr(at + 1);
  // An empty quoted string is an empty local part too.
  if (split.local.empty() || split.local == "\"\"") return std::nullopt;
  return split;
}

std::string comparable_domain(std::string_view domain) {
  std::string text = folded(plain(domain));
  // `example.com.` is the absolute form of the same domain.
  if (text.size() > 1 && text.ends_with('.')) text.pop_back();
  if (!has_8bit(text) || text.size() > kMaxDomain) return text;
  std::uint8_t* ascii = nullptr;
  // Nontransitional processing keeps the sharp s and the final sigma, as browsers and registries
  // do; the transitional form would give another domain.
  const int result = idn2_lookup_u8(reinterpret_cast<const std::uint8_t*>(text.c_str()), &ascii,
                                    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  // An invalid name is compared by its UTF-8 form, so that the result is never empty.
  if (result != IDN2_OK) return text;
  std::string form = lower(reinterpret_cast<const char*>(ascii));
  idn2_free(ascii);
  return form;
}

std::string comparable(std::string_view address) {
  const std::optional<Address> split = split_address(address);
  if (!split) return {};
  std::string form = folded(plain(split->local));
  const bool has_at = split->local.size() < address.size();
  // Without an @ in the address, a quoted @ in the local part would make the form look like an
  // address with a domain: `"user@example.com"` must not equal user@example.com.
  if (form.empty() || (has_at ? split->domain.empty() : form.find('@') != std::string::npos)) return {};
  if (has_at) form += "@" + comparable_domain(split->domain);
  return form;
}

std::string without_tag(std::string_view comparable) {
  const std::size_t at = std::min(comparable.rfind('@'), comparable.size());
  const std::size_t plus = std::min(comparable.substr(0, at).find('+', 1), at);
  return std::string(comparable.substr(0, plus)).append(comparable.substr(at));
}

void each_address(std::string_view text, const std::function<void(const std::string&)>& found) {
  const std::vector<Token> tokens = tokens_of(text);
  // Words with a dot between them belong together: `ann . smith`, `"ann".smith` (obs-local-part,
  // RFC 5322 section 4.4).
  const auto joined = [&](std::size_t left, std::size_t right) {
    const Token& a = tokens[left];
    const Token& b = tokens[right];
    return a.word() && b.word() &&
           ((!a.quoted && a.text.ends_with('.')) || (!b.quoted && b.text.starts_with('.')));
  };
  for (std::size_t at = 1; at + 1 < tokens.size(); ++at) {
    if (tokens[at].quoted || tokens[at].text != "@" || !tokens[at - 1].word()) continue;
    std::size_t first = at - 1;
    while (first > 0 && joined(first - 1, first)) --first;
    std::size_t last = at + 1;
    while (last + 1 < tokens.size() && joined(last, last + 1)) ++last;
    std::string local;
    for (std::size_t i = first; i < at; ++i) local += tokens[i].text;
    std::string domain;
    for (std::size_t i = at + 1; i <= last; ++i) domain += tokens[i].text;
    if (!local.empty() && !domain.empty()) found(folded(local) + "@" + comparable_domain(domain));
  }
}

bool valid_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return digit(c) || (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == '-';
  });
}

bool valid_domain(std::string_view domain) {
  if (domain.size() > kMaxDomain) return false;
  const std::vector<std::string_view> labels = split(domain, '.');
  return std::all_of(labels.begin(), labels.end(), [](std::string_view label) {
    return !label.empty() && label.size() <= kMaxLabel && label.front() != '-' && label.back() != '-' &&
           std::all_of(label.begin(), label.end(), [](char c) { return alphanumeric(c) || c == '-'; });
  });
}

bool valid_alias(std::string_view address) {
  const std::size_t at = address.rfind('@');
  if (at == std::string_view::npos || !valid_domain(address.substr(at + 1))) return false;
  const std::string_view local = address.substr(0, at);
  if (local.empty() || local.size() > kMaxLocal || !valid_utf8(local)) return false;
  const std::vector<std::string_view> atoms = split(local, '.');
  return std::all_of(atoms.begin(), atoms.end(), [](std::string_view atom) {
    return !atom.empty() && std::all_of(atom.begin(), atom.end(), alias_character);
  });
}

bool valid_block(std::string_view cidr) {
  return parse_block(cidr).has_value();
}

bool in_block(std::string_view peer, std::string_view cidr) {
  const std::optional<Ip> ip = parse_ip(peer);
  const std::optional<Block> block = parse_block(cidr);
  if (!ip || !block) return false;
  // ::/0 contains all of IPv6 but not IPv4, which is only represented inside the IPv6 range here.
  return ip->v4 == block->base.v4 && same_bits(*ip, block->base, block->bits);
}

}  // namespace gw::mail
