#include "net/proxy_protocol.h"

#include <sys/socket.h>

#include "support.h"

using namespace gw;
using namespace gw::net;
using namespace std::literals;

namespace {

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string kV4 =
    "\xc6\x33\x64\x07\xc0\x00\x02\x01\xc3\x50\x00\x19"s;  // 198.51.100.7, 192.0.2.1, 50000, 25

std::string v2(char command, char family, const std::string& rest, std::size_t length) {
  return kSignature + command + family + static_cast<char>(length >> 8) + static_cast<char>(length & 255) +
         rest;
}
std::string v2(char command, char family, const std::string& rest) {
  return v2(command, family, rest, rest.size());
}

// Returns the result of reading `input` in pieces of at most `most` bytes: `ADDRESS PORT LOCAL PORT`, `none`,
// `bad` or `more`, and the bytes that were not read.
std::string outcome(std::string_view input, std::size_t most) {
  ProxyHeader header;
  while (!header.done()) {
    const auto space = header.space();
    REQUIRE_FALSE(space.empty());
    const std::size_t count = std::min({space.size(), input.size(), most});
    if (count == 0) return "more";
    std::copy_n(as_bytes(input).begin(), count, space.begin());
    input.remove_prefix(count);
    if (!header.filled(count)) return "bad";
  }
  const std::string rest = input.empty() ? "" : " rest " + std::string(input);
  if (!header.client()) return "none" + rest;
  const Peer& client = *header.client();
  return client.address + " " + std::to_string(client.port) + " " + client.local_address + " " +
         std::to_string(client.local_port) + rest;
}
// The result must be the same for every size of pieces.
std::string outcome(const std::string& input) {
  const std::string whole = outcome(input, input.size() + 1);
  for (const std::size_t most : {1u, 2u, 3u, 7u, 16u, 100u}) {
    INFO(most);
    CHECK(outcome(input, most) == whole);
  }
  return whole;
}

}  // namespace

TEST_CASE("A PROXY header of version 1 names the client, and nothing after it is read") {
  CHECK(outcome("PROXY TCP4 198.51.100.7 192.0.2.1 50000 25\r\nEHLO x") ==
        "198.51.100.7 50000 192.0.2.1 25 rest EHLO x");
  CHECK(outcome("PROXY TCP6 2001:DB8:0::7 2001:db8::1 1 0\r\n") == "2001:db8::7 1 2001:db8::1 0");
  CHECK(outcome("PROXY TCP6 ::ffff:198.51.100.7 ::1 1 2\r\n") == "198.51.100.7 1 ::1 2");
  CHECK(outcome("PROXY UNKNOWN\r\nx") == "none rest x");
  CHECK(outcome("PROXY UNKNOWN whatever it is 1\r\n") == "none");
  CHECK(outcome("PROXY TCP4 198.51.100.7") == "more");
}

TEST_CASE("A text that is not a header of version 1 is refused") {
  for (const std::string line :
       {"PROXY TCP4 198.51.100.7 192.0.2.1 50000\r\n", "PROXY TCP4 198.51.100.7 192.0.2.1 50000 25 1\r\n",
        "PROXY TCP4  198.51.100.7 192.0.2.1 50000 25\r\n", "PROXY TCP4 198.51.100.7 192.0.2.1 65536 25\r\n",
        "PROXY TCP4 198.51.100.7 192.0.2.1 050 25\r\n", "PROXY TCP4 198.51.100.7 192.0.2.1 -1 25\r\n",
        "PROXY TCP4 198.51.100.7 192.0.2.1 50000 25\n", "PROXY TCP4 198.51.100.256 192.0.2.1 50000 25\r\n",
        "PROXY TCP4 2001:db8::7 2001:db8::1 50000 25\r\n", "PROXY TCP6 198.51.100.7 192.0.2.1 50000 25\r\n",
        "PROXY TCP4 host 192.0.2.1 50000 25\r\n", "PROXY UDP4 198.51.100.7 192.0.2.1 50000 25\r\n",
        "PROXY UNKNOWNX\r\n", "PROXY \r\n", "proxy TCP4 1.1.1.1 1.1.1.1 1 1\r\n",
        "EHLO client.example\r\n"}) {
    INFO(line);
    CHECK(outcome(line) == "bad");
  }
  CHECK(outcome("PROXY UNKNOWN " + std::string(91, 'x') + "\r\n") == "none");  // 107 bytes
  CHECK(outcome("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n") == "bad");
}

TEST_CASE("A PROXY header of version 2 names the client, and its extensions are skipped") {
  CHECK(outcome(v2('\x21', '\x11', kV4) + "EHLO") == "198.51.100.7 50000 192.0.2.1 25 rest EHLO");
  CHECK(outcome(v2('\x21', '\x11', kV4 + "\x04\0\x02xx"s) + "EHLO") ==
        "198.51.100.7 50000 192.0.2.1 25 rest EHLO");
  const std::string v6 =
      "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x07"s + std::string(15, '\0') + "\x01\xc3\x50\x00\x19"s;
  CHECK(outcome(v2('\x21', '\x21', v6)) == "2001:db8::7 50000 ::1 25");
  CHECK(outcome(v2('\x20', '\0', "")) == "none");  // LOCAL
  CHECK(outcome(v2('\x20', '\x11', kV4) + "x") == "none rest x");
  CHECK(outcome(v2('\x21', '\x31', std::string(216, 'x'))) == "none");  // a Unix socket
  CHECK(outcome(v2('\x21', '\0', "")) == "none");
  CHECK(outcome(v2('\x21', '\x11', std::string(ProxyHeader::kMaxCount - 16, '\x01'))) ==
        "1.1.1.1 257 1.1.1.1 257");
}

TEST_CASE("Data that is not a header of version 2 is refused") {
  CHECK(outcome(v2('\x11', '\x11', kV4)) == "bad");
  CHECK(outcome(v2('\x22', '\x11', kV4)) == "bad");
  CHECK(outcome(v2('\x21', '\x11', kV4.substr(0, 11))) == "bad");
  CHECK(outcome(v2('\x21', '\x21', kV4)) == "bad");
  CHECK(outcome(v2('\x21', '\x11', kV4, ProxyHeader::kMaxCount - 15)) == "bad");
  CHECK(outcome(kSignature.substr(0, 11) + "x") == "bad");
  CHECK(outcome(v2('\x21', '\x11', kV4, 13)) == "more");
}

TEST_CASE("Reading a header makes its client the peer, or ends in time") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  Peer balancer;
  balancer.address = "10.0.0.1";
  balancer.local_address = balancer.socket_address = "127.0.0.1";
  Stream stream(Fd{ends[0]}, balancer);
  Stream other(Fd{ends[1]}, Peer{});
  REQUIRE(other.write(as_bytes("PROXY TCP4 198.51.100.7 192.0.2.1 50000 25\r\nEHLO")));
  REQUIRE(read_proxy_header(stream, 10s));
  CHECK(stream.peer().address == "198.51.100.7");
  CHECK(stream.peer().local_address == "192.0.2.1");
  CHECK(stream.peer().local_port == 25);
  CHECK(stream.peer().socket_address == "127.0.0.1");
  std::array<std::byte, 10> rest;
  const auto got = stream.read(rest);
  REQUIRE(got);
  CHECK(as_text(ByteView(rest).first(*got)) == "EHLO");

  REQUIRE(other.write(as_bytes("PROXY TC")));
  const auto late = read_proxy_header(stream, 50ms);
  REQUIRE_FALSE(late);
  CHECK(late.error().code() == Code::Timeout);
  other.close();
  const auto gone = read_proxy_header(stream, 10s);
  REQUIRE_FALSE(gone);
  CHECK(gone.error().code() == Code::Closed);
}
