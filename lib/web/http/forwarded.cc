#include "web/http/forwarded.h"

#include <arpa/inet.h>

#include <array>

#include "base/text.h"

namespace gw::web {
namespace {

// The number of trusted servers in a chain. It bounds the work for a header that a client filled
// with their addresses.
constexpr std::size_t kMaxHops = 20;

// Returns the address in one item of the list, without a port and in the notation of inet_ntop(3),
// so that equal addresses are equal texts. Accepts `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` and
// `[2001:db8::1]:80`; an IPv4-mapped IPv6 address becomes IPv4. Empty if the item is not an
// address.
std::string address_in(std::string_view text) {
  text = trim(text);
  if (text.starts_with('[')) {
    text = text.substr(1, text.find(']') - 1);
    // Exactly one colon: an IPv4 address with a port. An IPv6 address has at least two.
  } else if (text.find(':') != std::string_view::npos && text.find(':') == text.rfind(':')) {
    text = text.substr(0, text.find(':'));
  }
  std::string word(text);
  constexpr std::string_view kMapped = "::ffff:";
  if (istarts_with(word, kMapped) && word.find('.') != std::string::npos) word.erase(0, kMapped.size());
  for (const int family : {AF_INET, AF_INET6}) {
    in6_addr address{};
    std::array<char, INET6_ADDRSTRLEN> shown{};
    if (::inet_pton(family, word.c_str(), &address) == 1 &&
        ::inet_ntop(family, &address, shown.data(), shown.size()) != nullptr)
      return shown.data();
  }
  return {};
}

}  // namespace

std::string client_address(const Fields& headers, const std::string& peer, const Trusted& trusted) {
  std::string client = peer;
  // Any client can send the header, so it counts only from a trusted peer.
  if (!trusted || !trusted(peer)) return client;
  // Several header fields of one name are one list (RFC 9110, section 5.3).
  std::string list;
  for (const std::string_view value : headers.all("x-forwarded-for")) {
    if (!list.empty()) list += ',';
    list += value;
  }
  std::string_view rest = list;
  // From the end: each server appends the address of its own peer, so everything before the first
  // address that is not trusted may be invented.
  for (std::size_t hop = 0; hop < kMaxHops && !rest.empty(); ++hop) {
    const std::size_t comma = rest.rfind(',');
    const std::string address = address_in(comma == std::string_view::npos ? rest : rest.substr(comma + 1));
    // What is not an address, such as `unknown`, ends the search at the last server that is known.
    if (address.empty()) return client;
    client = address;
    if (!trusted(client)) return client;
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(0, comma);
  }
  return client;
}

}  // namespace gw::web
