#include "mail/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.h"

namespace gw::mail {
namespace {

// RFC 5321 section 4.5.3.1.
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

// atext of RFC 5322 section 3.2.3, with 8-bit text as RFC 6531 has it, and without `+`, which starts a tag.
bool alias_character(char c) {
  constexpr std::string_view kMarks = "!#$%&'*-/=?^_`{|}~";
  return alphanumeric(c) || eight_bit(c) || kMarks.find(c) != std::string_view::npos;
}

// The text that a quoted local part stands for; other local parts as they are.
std::string unquoted(std::string_view local) {
  if (local.size() < 2 || local.front() != '"' || local.back() != '"') return std::string(local);
  std::string text;
  for (std::size_t i = 1; i + 1 < local.size(); ++i) {
    if (local[i] == '\\' && i + 2 < local.size()) ++i;
    text += local[i];
  }
  return text;
}

// An address as 128 bits; IPv4 stands in ::ffff:0:0/96, so that both spellings of it are one.
struct Ip {
  std::array<unsigned char, 16> octets{};
  bool v4 = false;
};

std::optional<Ip> parse_ip(std::string_view text) {
  text = text.substr(0, text.find('%'));  // a zone, as in fe80::1%eth0
  std::array<char, INET6_ADDRSTRLEN + 1> copy{};
  if (text.empty() || text.size() >= copy.size()) return std::nullopt;
  std::copy(text.begin(), text.end(), copy.begin());
  static constexpr std::array<unsigned char, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  Ip ip;
  if (text.find(':') == std::string_view::npos) {
    std::copy(kMapped.begin(), kMapped.end(), ip.octets.begin());
    ip.v4 = true;
    if (inet_pton(AF_INET, copy.data(), ip.octets.data() + kMapped.size()) != 1) return std::nullopt;
    return ip;
  }
  if (inet_pton(AF_INET6, copy.data(), ip.octets.data()) != 1) return std::nullopt;
  ip.v4 = std::equal(kMapped.begin(), kMapped.end(), ip.octets.begin());
  return ip;
}

struct Block {
  Ip base;
  unsigned bits = 128;  // of the 128
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
  const bool dotted = address.find(':') == std::string_view::npos;
  if (!bits || length.size() > 3 || *bits > (dotted ? 32U : 128U)) return std::nullopt;
  block.bits = static_cast<unsigned>(*bits) + (dotted ? 96U : 0U);
  return block;
}

bool same_bits(const Ip& a, const Ip& b, unsigned bits) {
  const unsigned whole = bits / 8;
  if (std::memcmp(a.octets.data(), b.octets.data(), whole) != 0) return false;
  if (bits % 8 == 0) return true;
  const unsigned mask = 0xffU << (8 - bits % 8);
  return ((a.octets[whole] ^ b.octets[whole]) & mask & 0xffU) == 0;
}

}  // namespace

std::optional<Address> split_address(std::string_view address) {
  std::size_t at = std::string_view::npos;
  bool quoted = false;
  for (std::size_t i = 0; i < address.size(); ++i) {
    if (quoted && address[i] == '\\')
      ++i;
    else if (address[i] == '"')
      quoted = !quoted;
    else if (address[i] == '@' && !quoted)
      at = i;
  }
  Address split;
  split.local = address.substr(0, at);
  if (at != std::string_view::npos) split.domain = address.substr(at + 1);
  if (split.local.empty() || split.local == "\"\"") return std::nullopt;
  return split;
}

std::string without_tag(std::string_view local) {
  const std::size_t plus = local.find('+', 1);
  return std::string(local.substr(0, plus));
}

std::string lookup_form(const Address& address) {
  std::string form = lower(without_tag(unquoted(address.local)));
  if (!address.domain.empty()) form += "@" + lower(address.domain);
  return form;
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
  // ::/0 is all of IPv6 and not all of IPv4, which only happens to be written inside it.
  return ip->v4 == block->base.v4 && same_bits(*ip, block->base, block->bits);
}

}  // namespace gw::mail
