#include "net/connect.h"

#include <pthread.h>
#include <sys/socket.h>

#include "net/support.h"

namespace gw::net::test {
namespace {

using std::chrono::milliseconds;

Result<Stream> connect_here(const Listener& listener, bool allow_private, std::string host = "127.0.0.1") {
  const auto spec = parse_listen(listener.address);
  REQUIRE(spec);
  return net::connect_to({std::move(host), spec->port, allow_private, milliseconds(5000)});
}

TEST_CASE("only addresses of the public Internet are public") {
  for (const char* address :
       {"192.0.2.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "2001:db8::1",
        "2606:4700::1111", "64:ff9b::808:808", "64:ff9b:2::1", "2002:808:808::1"}) {
    INFO(address);
    CHECK(is_public(address));
  }
  for (const char* address : {"127.0.0.1",
                              "127.255.255.254",
                              "0.0.0.0",
                              "10.1.2.3",
                              "172.16.0.1",
                              "172.31.255.255",
                              "192.168.0.1",
                              "169.254.169.254",
                              "100.64.0.1",
                              "198.18.0.1",
                              "224.0.0.1",
                              "255.255.255.255",
                              "240.0.0.1",
                              "::",
                              "::1",
                              "::127.0.0.1",
                              "::ffff:127.0.0.1",
                              "::ffff:8.8.8.8",
                              "fe80::1",
                              "fec0::1",
                              "fc00::1",
                              "fd12::1",
                              "ff02::1",
                              "64:ff9b::a00:1",
                              "64:ff9b::7f00:1",
                              "64:ff9b:1::808:808",
                              "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
                              "2002:a00:1::1",
                              "100::1",
                              "",
                              "host",
                              "1.2.3"}) {
    INFO(address);
    CHECK_FALSE(is_public(address));
  }
}

TEST_CASE("a connection to an upstream on a private address is made only if that is allowed") {
  const Listener listener = listen_on({"127.0.0.1", 0, false}, "smtp").value();
  for (const char* host : {"127.0.0.1", "localhost"}) {
    INFO(host);
    const auto refused = connect_here(listener, false, host);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Code::Denied);
    auto connected = connect_here(listener, true, host);
    REQUIRE(connected);
    CHECK(connected->peer().address == "127.0.0.1");
  }
}

TEST_CASE("written data arrives, and a deadline counts from the start") {
  const Listener listener = listen_on({"127.0.0.1", 0, false}, "smtp").value();
  auto near = connect_here(listener, true);
  REQUIRE(near);
  Fd accepted(::accept(listener.socket.get(), nullptr, nullptr));
  while (!accepted) accepted = Fd(::accept(listener.socket.get(), nullptr, nullptr));
  Stream far(std::move(accepted), {});
  REQUIRE(far.write(as_bytes("hello")));
  CHECK(read_once(*near) == "hello");
}

TEST_CASE("a closed port and an unknown name are Unavailable") {
  Listener listener = listen_on({"127.0.0.1", 0, false}, "smtp").value();
  listener.socket.reset();
  const auto refused = connect_here(listener, true);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Code::Unavailable);
  const auto unknown = net::connect_to({"no-such-host.invalid", 25, true, milliseconds(20'000)});
  REQUIRE_FALSE(unknown);
  CHECK((unknown.error().code() == Code::Unavailable || unknown.error().code() == Code::Timeout));
}

TEST_CASE("a name is Busy if no thread can be started to look it up") {
  // The stack of the next thread would be larger than the address space.
  pthread_attr_t before, huge;
  REQUIRE(::pthread_getattr_default_np(&before) == 0);
  REQUIRE(::pthread_getattr_default_np(&huge) == 0);
  REQUIRE(::pthread_attr_setstacksize(&huge, std::size_t{1} << 47) == 0);
  REQUIRE(::pthread_setattr_default_np(&huge) == 0);
  const auto stream = net::connect_to({"localhost", 1, true, milliseconds(5000)});
  REQUIRE(::pthread_setattr_default_np(&before) == 0);
  REQUIRE_FALSE(stream);
  CHECK(stream.error().code() == Code::Busy);
}

TEST_CASE("an address that does not answer times out") {
  // A full backlog accepts no more: the handshake of the next connection hangs.
  Listener listener = listen_on({"127.0.0.1", 0, false}, "smtp", 0).value();
  std::vector<Stream> waiting;
  const auto spec = parse_listen(listener.address);
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 8; ++i) {
    auto stream = net::connect_to({"127.0.0.1", spec->port, true, milliseconds(200)});
    if (!stream) {
      CHECK(stream.error().code() == Code::Timeout);
      CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
      return;
    }
    waiting.push_back(std::move(*stream));
  }
  FAIL("the backlog accepts everything");
}

TEST_CASE("a stop of the process ends the attempt") {
  Listener listener = listen_on({"127.0.0.1", 0, false}, "smtp").value();
  stop::request();
  const auto ended = connect_here(listener, true);
  stop::withdraw();
  // On loopback the connection may succeed before the wait begins.
  if (!ended) CHECK(ended.error().code() == Code::Closed);
}

}  // namespace
}  // namespace gw::net::test
