#include "web/forwarded.h"

#include <arpa/inet.h>

#include <array>

#include "base/text.h"

namespace gw::web {
namespace {

constexpr std::size_t kMostHops = 20;

// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` or `[2001:db8::1]:80`, without the port and as inet_ntop(3)
// writes it; an IPv4-mapped address as IPv4. Empty: no address.
std::string address_in(std::string_view text) {
  text = trim(text);
  if (text.starts_with('[')) {
    text = text.substr(1, text.find(']') - 1);
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
  if (!trusted || !trusted(peer)) return client;
  std::string list;
  for (const std::string_view value : headers.all("x-forwarded-for")) {
    if (!list.empty()) list += ',';
    list += value;
  }
  std::string_view rest = list;
  for (std::size_t hop = 0; hop < kMostHops && !rest.empty(); ++hop) {
    const std::size_t comma = rest.rfind(',');
    const std::string address = address_in(comma == std::string_view::npos ? rest : rest.substr(comma + 1));
    if (address.empty()) return client;
    client = address;
    if (!trusted(client)) return client;
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(0, comma);
  }
  return client;
}

}  // namespace gw::web
