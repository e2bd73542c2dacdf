#include "net/proxy_protocol.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"
#include "net/stream.h"

namespace gw::net {
namespace {

constexpr std::string_view kTextStart = "PROXY ";
constexpr std::size_t kMaxText = 107;  // with its CRLF
constexpr std::string_view kBinaryStart("\r\n\r\n\0\r\nQUIT\n", 12);
// Signature, version and command, family, length.
constexpr std::size_t kBinaryFixed = 16;

Error bad(std::string_view what) {
  return Error(Code::BadInput, "PROXY header: " + std::string(what));
}

// An IPv4-mapped address is shown as IPv4, as in net/peer.cc, so that limits and exemptions by
// address apply to it.
std::string shown(int family, const void* address) {
  char text[INET6_ADDRSTRLEN] = "";
  const auto* v6 = static_cast<const in6_addr*>(address);
  if (family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(v6))
    ::inet_ntop(AF_INET, v6->s6_addr + 12, text, sizeof text);
  else
    ::inet_ntop(family, address, text, sizeof text);
  return text;
}

std::optional<std::string> address_in(const std::string& text, int family) {
  in6_addr address{};
  if (::inet_pton(family, text.c_str(), &address) != 1) return std::nullopt;
  return shown(family, &address);
}

// The specification forbids leading zeros in version 1.
std::optional<std::uint16_t> port_in(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  std::uint32_t port = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return std::nullopt;
    port = port * 10 + static_cast<std::uint32_t>(digit - '0');
  }
  if (port > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

// The layout is the same for both families: source address, destination address, source port,
// destination port.
Peer peer_in(int family, ByteView addresses) {
  const std::size_t size = family == AF_INET ? 4 : 16;
  const auto address_at = [&](std::size_t at) {
    in6_addr address{};
    std::copy_n(addresses.begin() + static_cast<std::ptrdiff_t>(at), size,
                reinterpret_cast<std::byte*>(&address));
    return shown(family, &address);
  };
  ByteReader ports(addresses.subspan(2 * size, 4));
  Peer peer;
  peer.address = address_at(0);
  peer.local_address = address_at(size);
  peer.port = ports.u16();
  peer.local_port = ports.u16();
  return peer;
}

}  // namespace

std::span<std::byte> ProxyHeader::space() {
  return std::span(data_).subspan(have_, wanted_);
}

Result<void> ProxyHeader::filled(std::size_t count) {
  count = std::min(count, wanted_);
  have_ += count;
  wanted_ -= count;
  // A wrong byte is detected as soon as it arrives. A client that speaks SMTP directly to this port
  // thus gets an error, not a timeout.
  const std::string_view begun = as_text(ByteView(data_).first(have_));
  const bool is_text = begun.substr(0, kTextStart.size()) == kTextStart.substr(0, begun.size());
  const bool is_binary = begun.substr(0, kBinaryStart.size()) == kBinaryStart.substr(0, begun.size());
  if (!is_text && !is_binary) return bad("missing");
  if (wanted_ > 0) return {};
  return is_text ? text() : binary();
}

Result<void> ProxyHeader::text() {
  std::string_view line = as_text(ByteView(data_).first(have_));
  if (!line.ends_with("\r\n")) {
    if (line.find('\n') != std::string_view::npos || have_ >= kMaxText) return bad("line without CRLF");
    wanted_ = 1;  // one byte at a time: the line may end after each
    return {};
  }
  line.remove_suffix(2);
  line.remove_prefix(std::min(kTextStart.size(), line.size()));
  // The receiver must ignore everything that follows UNKNOWN (section 2.1).
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return {};
  const std::vector<std::string_view> words = split(line, ' ');
  if (words.size() != 5 || (words[0] != "TCP4" && words[0] != "TCP6")) return bad("malformed line");
  const int family = words[0] == "TCP4" ? AF_INET : AF_INET6;
  const auto from = address_in(std::string(words[1]), family);
  const auto to = address_in(std::string(words[2]), family);
  const auto from_port = port_in(words[3]);
  const auto to_port = port_in(words[4]);
  if (!from || !to || !from_port || !to_port) return bad("malformed address");
  client_ = Peer{*from, *from_port, *to, *to_port};
  return {};
}

Result<void> ProxyHeader::binary() {
  if (have_ < kBinaryFixed) {
    wanted_ = kBinaryFixed - have_;
    return {};
  }
  ByteReader fixed(ByteView(data_).subspan(kBinaryStart.size(), 4));
  const std::uint8_t version = fixed.u8();
  const std::uint8_t family = fixed.u8();
  const std::size_t length = fixed.u16();
  if (version != 0x20 && version != 0x21) return bad("unknown version or command");
  // The length is the peer's claim; the buffer is fixed.
  if (kBinaryFixed + length > kMaxCount) return bad("too long");
  if (have_ < kBinaryFixed + length) {
    wanted_ = kBinaryFixed + length - have_;
    return {};
  }
  const ByteView rest = ByteView(data_).subspan(kBinaryFixed, length);
  if (version == 0x20) return {};  // LOCAL
  // 0x11 and 0x21 are TCP over IPv4 and IPv6. Other families have no address that this program
  // could use.
  const bool v4 = family == 0x11;
  const bool v6 = family == 0x21;
  if (!v4 && !v6) return {};
  // Extensions (TLV) may follow the addresses and are ignored.
  if (rest.size() < (v4 ? 12u : 36u)) return bad("too short for its addresses");
  client_ = peer_in(v4 ? AF_INET : AF_INET6, rest);
  return {};
}

Result<void> read_proxy_header(Stream& stream, std::chrono::milliseconds timeout) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + timeout;
  ProxyHeader header;
  bool begun = false;
  while (!header.done()) {
    // The timeout covers the whole header, so that a peer cannot stretch it by sending one byte at
    // a time.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    stream.set_timeout(std::max(left, std::chrono::milliseconds(0)));
    const Result<std::size_t> got = stream.read(header.space());
    if (!got) return got.error();
    if (*got == 0)
      return begun ? bad("incomplete") : Error(Code::Closed, "the load balancer closed the connection");
    begun = true;
    if (auto taken = header.filled(*got); !taken) return taken;
  }
  if (header.client()) {
    Peer client = *header.client();
    client.socket_address = stream.peer().socket_address;
    stream.set_peer(std::move(client));
  }
  return {};
}

}  // namespace gw::net
