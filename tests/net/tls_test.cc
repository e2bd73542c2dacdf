#include "net/tls.h"

#include <openssl/ssl.h>
// GCC, which builds the tests of the other sanitizers, does not ship this header.
#if defined(GW_SANITIZED) && __has_include(<sanitizer/allocator_interface.h>)
#define GW_HAS_ALLOCATOR_HOOKS
#include <sanitizer/allocator_interface.h>
#endif
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/clock.h"
#include "base/digest.h"
#include "support.h"

using namespace gw;
using namespace gw::net;
using namespace gw::net::test;
using namespace std::chrono_literals;

namespace {

std::shared_ptr<const ServerTls> server_tls(const std::vector<CertificateFiles>& files) {
  auto loaded = ServerTls::load(files);
  REQUIRE(loaded);
  return *loaded;
}

std::shared_ptr<const ClientTls> client_tls(const ClientPolicy& policy) {
  auto made = ClientTls::make(policy);
  REQUIRE(made);
  return *made;
}

struct Met {
  Result<void> server;
  Result<void> client;
};

Met shake_hands(Stream& server, Stream& client, const ServerTls& theirs, const ClientTls& ours,
                const std::string& host) {
  Met met;
  std::thread accepting([&] { met.server = server.accept_tls(theirs, 10s); });
  met.client = client.connect_tls(ours, host, 10s);
  if (!met.client) client.close();
  accepting.join();
  return met;
}

// Connects with OpenSSL itself, for what ClientTls does not offer. Returns the first error's text or "".
std::string raw_handshake(Fd socket, int most_version, std::string_view alpn, const char* name = nullptr,
                          std::string* subject = nullptr) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context, most_version);
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, socket.get());
  if (!alpn.empty()) {
    const std::string list = static_cast<char>(alpn.size()) + std::string(alpn);
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(list.data()),
                        static_cast<unsigned>(list.size()));
  }
  if (name != nullptr) {
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, std::string(name).data());
  }
  std::string failure;
  if (SSL_connect(ssl) != 1) {
    failure = "failed";
  } else if (subject != nullptr) {
    X509* certificate = SSL_get1_peer_certificate(ssl);
    char text[128];
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text, sizeof text);
    *subject = text;
    X509_free(certificate);
  }
  SSL_free(ssl);
  SSL_CTX_free(context);
  return failure;
}

}  // namespace

TEST_CASE("A handshake succeeds if the certificate's name and chain are valid, and reports its facts") {
  const Directory directory;
  const auto files = self_signed(directory, "gateway.example.com");
  const auto server = server_tls({files});
  const auto client = client_tls({files.certificate, "", true});
  for (const std::string host : {"gateway.example.com", "localhost", "127.0.0.1", "::1"}) {
    auto [a, b] = stream_pair();
    const Met met = shake_hands(a, b, *server, *client, host);
    INFO(host << ": " << (met.client ? "" : met.client.error().text()));
    REQUIRE(met.server);
    REQUIRE(met.client);
    REQUIRE(a.tls());
    CHECK(a.tls()->version == "TLSv1.3");
    CHECK_FALSE(a.tls()->cipher.empty());
    CHECK(a.tls()->client_certificate.empty());
    REQUIRE(b.write(as_bytes("EHLO x\r\n")));
    CHECK(read_once(a) == "EHLO x\r\n");
    REQUIRE(a.write(as_bytes("250 y\r\n")));
    CHECK(read_once(b) == "250 y\r\n");
    a.close();
    CHECK(read_once(b).empty());
  }
  CHECK(server->not_after() > now() + 3600ll * 24 * 365 * 9 * 1'000'000);
}

TEST_CASE("A certificate for another host is Denied") {
  const Directory directory;
  const auto files = self_signed(directory, "gateway.example.com");
  auto [a, b] = stream_pair();
  const Met met = shake_hands(a, b, *server_tls({files}), *client_tls({files.certificate, "", true}),
                              "other.example.com");
  REQUIRE(!met.client);
  CHECK(met.client.error().code() == Code::Denied);
  CHECK(met.client.error().text().find("hostname mismatch") != std::string::npos);
  CHECK_FALSE(met.server);
}

TEST_CASE("A certificate that no trusted authority has signed is Denied unless nothing is verified") {
  const Directory directory;
  const auto files = self_signed(directory, "localhost");
  const auto server = server_tls({files});
  {
    auto [a, b] = stream_pair();
    const Met met = shake_hands(a, b, *server, *client_tls({}), "localhost");
    REQUIRE(!met.client);
    CHECK(met.client.error().code() == Code::Denied);
  }
  auto [a, b] = stream_pair();
  CHECK(shake_hands(a, b, *server, *client_tls({"", "", false}), "localhost").client);
}

TEST_CASE("A pin is the certificate's digest and replaces the check of name and chain") {
  const Directory directory;
  const auto files = self_signed(directory, "gateway.example.com");
  const auto server = server_tls({files});
  X509* certificate = SSL_CTX_get0_certificate(server->context());
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  std::string pin = to_hex(sha256(std::as_bytes(std::span(der, static_cast<std::size_t>(size)))));
  OPENSSL_free(der);
  {
    auto [a, b] = stream_pair();
    CHECK(shake_hands(a, b, *server, *client_tls({"", pin, true}), "whatever.example").client);
  }
  pin[0] = pin[0] == '0' ? '1' : '0';
  auto [a, b] = stream_pair();
  const Met met = shake_hands(a, b, *server, *client_tls({"", pin, true}), "gateway.example.com");
  REQUIRE(!met.client);
  CHECK(met.client.error().code() == Code::Denied);
  const auto bad = ClientTls::make({"", "abc", true});
  REQUIRE(!bad);
  CHECK(bad.error().code() == Code::Config);
}

TEST_CASE("TLS 1.1 is refused and 1.2 accepted") {
  const Directory directory;
  const auto server = server_tls({self_signed(directory, "localhost")});
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION}) {
    auto [a, b] = socket_pair();
    Stream stream(std::move(a), Peer{});
    Result<void> accepted;
    std::thread accepting([&] { accepted = stream.accept_tls(*server, 10s); });
    const std::string failure = raw_handshake(std::move(b), version, "");
    accepting.join();
    CAPTURE(version);
    CHECK(failure.empty() == (version == TLS1_2_VERSION));
    CHECK(accepted.has_value() == (version == TLS1_2_VERSION));
    if (!accepted) CHECK(accepted.error().code() == Code::Closed);
    if (accepted) CHECK(stream.tls()->version == "TLSv1.2");
  }
}

TEST_CASE("ALPN for another protocol ends the handshake; the expected protocol, or no ALPN, is accepted") {
  const Directory directory;
  const auto server = server_tls({self_signed(directory, "localhost")});
  struct Case {
    std::string asked, served;
    bool works;
  };
  for (const Case& each :
       {Case{"", "smtp", true}, Case{"smtp", "smtp", true}, Case{"smtp", "", true}, Case{"pop3", "", true},
        Case{"pop3", "smtp", false}, Case{"http/1.1", "", false}, Case{"h2", "pop3", false}}) {
    auto [a, b] = socket_pair();
    Stream stream(std::move(a), Peer{});
    Result<void> accepted;
    std::thread accepting([&] { accepted = stream.accept_tls(*server, 10s, each.served); });
    const std::string failure = raw_handshake(std::move(b), TLS1_3_VERSION, each.asked);
    accepting.join();
    CAPTURE(each.asked, each.served);
    CHECK(failure.empty() == each.works);
  }
}

TEST_CASE("The name that a client asks for selects the certificate; the first one is for all others") {
  const Directory directory;
  const auto server =
      server_tls({self_signed(directory, "one.example.com"), self_signed(directory, "two.example.com")});
  for (const std::string asked : {"one.example.com", "two.example.com", "three.example.com", ""}) {
    auto [a, b] = socket_pair();
    Stream stream(std::move(a), Peer{});
    // The client closes immediately, so sending the ticket may fail: that result is ignored.
    std::thread accepting([&] { (void)stream.accept_tls(*server, 10s); });
    std::string subject;
    const auto* name = asked.empty() ? nullptr : asked.c_str();
    const std::string failure = raw_handshake(std::move(b), TLS1_3_VERSION, "", name, &subject);
    accepting.join();
    CHECK(failure.empty());
    CHECK(subject == (asked == "two.example.com" ? "two.example.com" : "one.example.com"));
  }
}

TEST_CASE("Much data passes through TLS in both directions, in pieces of every size") {
  const Directory directory;
  const auto files = self_signed(directory, "localhost");
  const auto server = server_tls({files});
  auto [a, b] = stream_pair();
  REQUIRE(shake_hands(a, b, *server, *client_tls({files.certificate, "", true}), "localhost").client);
  std::string text;
  for (int i = 0; text.size() < 3'000'000; ++i) text += std::to_string(i) + ",";
  bool written = true;
  std::thread writer([&, stream = &a] {
    std::string_view rest = text;
    for (std::size_t step = 1; !rest.empty(); step = step * 3 % 200'003 + 1) {
      std::vector<ByteView> pieces;
      for (int i = 0; i < 3 && !rest.empty(); ++i) {
        pieces.push_back(as_bytes(rest.substr(0, step)));
        rest.remove_prefix(std::min(step, rest.size()));
      }
      written = written && stream->write(pieces);
    }
    stream->close();
  });
  const std::string got = read_all(b);
  writer.join();
  CHECK(written);
  CHECK(got.size() == text.size());
  CHECK(got == text);
}

#ifdef GW_HAS_ALLOCATOR_HOOKS
TEST_CASE("Pieces that TLS joins are wiped before their memory is freed") {
  const Directory directory;
  const auto files = self_signed(directory, "localhost");
  const auto server = server_tls({files});
  auto [a, b] = stream_pair();
  REQUIRE(shake_hands(a, b, *server, *client_tls({files.certificate, "", true}), "localhost").client);
  static constexpr std::string_view kSecret = "correct horse battery staple";
  static thread_local bool looking;
  static thread_local int found;
  looking = false;
  found = 0;
  // The hooks cannot be removed, so `looking` turns them off.
  __sanitizer_install_malloc_and_free_hooks(
      [](const volatile void*, std::size_t) {},
      [](const volatile void* block) {
        if (!looking || block == nullptr) return;
        const auto* text = const_cast<const char*>(static_cast<const volatile char*>(block));
        const std::string_view all(text, __sanitizer_get_allocated_size(block));
        if (all.find(kSecret) != all.npos) ++found;
      });
  looking = true;
  delete new std::string(std::string(kSecret) + " is on the heap");
  CHECK(std::exchange(found, 0) > 0);  // the hook works
  for (const std::size_t more : {2u, 30'000u}) {
    const std::string rest(more, 'x');
    const std::array<ByteView, 4> pieces{as_bytes("PASS "), as_bytes(kSecret), as_bytes(rest),
                                         as_bytes("\r\n")};
    REQUIRE(a.write(pieces));
    CHECK(std::exchange(found, 0) == 0);
    looking = false;
    CHECK(read_until(b, "\r\n").size() == 5 + kSecret.size() + more + 2);
    looking = true;
  }
  looking = false;
}
#endif

TEST_CASE("pending() reports data inside TLS, and a session ticket is not data") {
  const Directory directory;
  const auto files = self_signed(directory, "localhost");
  const auto server = server_tls({files});
  auto [a, b] = stream_pair();
  REQUIRE(shake_hands(a, b, *server, *client_tls({files.certificate, "", true}), "localhost").client);
  CHECK_FALSE(a.pending());
  CHECK_FALSE(b.pending());  // the ticket is in the system's buffer
  REQUIRE(b.write(as_bytes("one two")));
  CHECK(a.pending());
  CHECK(read_once(a, 3) == "one");
  CHECK(a.pending());
  CHECK(read_once(a) == " two");
  CHECK_FALSE(a.pending());
  b.close();
  CHECK_FALSE(a.pending());
}

TEST_CASE("A FIN without close_notify is the end of the peer's side") {
  const Directory directory;
  const auto files = self_signed(directory, "localhost");
  const auto server = server_tls({files});
  auto [a, b] = socket_pair();
  const Fd raw(::dup(b.get()));
  Stream stream(std::move(a), Peer{});
  Stream client(std::move(b), Peer{});
  REQUIRE(
      shake_hands(stream, client, *server, *client_tls({files.certificate, "", true}), "localhost").client);
  REQUIRE(client.write(as_bytes("DATA")));
  REQUIRE(::shutdown(raw.get(), SHUT_WR) == 0);
  CHECK(read_all(stream) == "DATA");
}

TEST_CASE("Data after STARTTLS is pending before the handshake") {
  auto [a, b] = stream_pair();
  REQUIRE(a.write(as_bytes("STARTTLS\r\nRSET\r\n")));
  CHECK(read_once(b, 10) == "STARTTLS\r\n");
  CHECK(b.pending());
}

TEST_CASE("A peer that is silent in the handshake ends at the deadline, one that sends garbage is Closed") {
  const Directory directory;
  const auto server = server_tls({self_signed(directory, "localhost")});
  {
    auto [a, b] = stream_pair();
    const auto done = a.accept_tls(*server, 60ms);
    REQUIRE(!done);
    CHECK(done.error().code() == Code::Timeout);
  }
  {
    auto [a, b] = stream_pair();
    REQUIRE(b.write(as_bytes("EHLO not.tls.example.com\r\n")));
    const auto done = a.accept_tls(*server, 10s);
    REQUIRE(!done);
    CHECK(done.error().code() == Code::Closed);
    CHECK(done.error().text().starts_with("TLS handshake: "));
  }
  auto [a, b] = stream_pair();
  b.close();
  const auto done = a.accept_tls(*server, 10s);
  REQUIRE(!done);
  CHECK(done.error().code() == Code::Closed);
}

TEST_CASE("A deadline and a stop work inside TLS too") {
  const Directory directory;
  const auto files = self_signed(directory, "localhost");
  const auto server = server_tls({files});
  auto [a, b] = stream_pair();
  REQUIRE(shake_hands(a, b, *server, *client_tls({files.certificate, "", true}), "localhost").client);
  a.set_timeout(50ms);
  CHECK(read_once(a) == "<timed out>");
  const auto full = a.write(Bytes(std::size_t{8} << 20));
  REQUIRE(!full);
  CHECK(full.error().code() == Code::Timeout);
  b.set_timeout(10s);
  std::thread stopper([] { stop::request(); });
  std::string last;
  while ((last = read_once(b)).front() != '<') {
  }
  stopper.join();
  CHECK(last == "<stopping>");
  stop::withdraw();
}

TEST_CASE("A certificate that cannot be used is Config, and the error names the file and the reason") {
  const Directory directory;
  const auto one = self_signed(directory, "one.example.com");
  const auto two = self_signed(directory, "two.example.com");
  const auto reason = [](const CertificateFiles& files) {
    const auto loaded = ServerTls::load({files});
    REQUIRE(!loaded);
    CHECK(loaded.error().code() == Code::Config);
    return loaded.error().text();
  };
  CHECK(reason({directory / "none.crt", one.key}).find("none.crt") != std::string::npos);
  CHECK(reason({directory / "none.crt", one.key}).find("No such file") != std::string::npos);
  CHECK(reason({one.certificate, two.key}) ==
        two.key + ": the key does not match the certificate in " + one.certificate);
  std::ofstream(directory / "empty.crt");
  CHECK(reason({directory / "empty.crt", one.key})
            .starts_with(directory / "empty.crt: no usable certificate: "));
  std::ofstream(directory / "bad.key") << "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
  CHECK(reason({one.certificate, directory / "bad.key"})
            .starts_with(directory / "bad.key: no usable private key: "));
  const auto none = ServerTls::load({});
  REQUIRE(!none);
  CHECK(none.error().code() == Code::Config);
}

TEST_CASE("A self-signed key is readable by its owner only, and no file is overwritten") {
  const Directory directory;
  const auto files = self_signed(directory, "localhost");
  struct stat facts {};
  REQUIRE(::stat(files.key.c_str(), &facts) == 0);
  CHECK((facts.st_mode & 0777) == 0600);
  const auto again = make_self_signed("localhost", files);
  REQUIRE(!again);
  CHECK(again.error().code() == Code::Exists);
  std::filesystem::remove(files.key);
  CHECK_FALSE(make_self_signed("localhost", files));
  CHECK_FALSE(std::filesystem::exists(files.key));
  const auto odd = make_self_signed("a,DNS:evil.example", {directory / "x.crt", directory / "x.key"});
  REQUIRE(!odd);
  CHECK(odd.error().code() == Code::Usage);
  CHECK(make_self_signed("192.0.2.7", {directory / "ip.crt", directory / "ip.key"}));
  CHECK(make_self_signed(std::string(100, 'a') + ".example.com", {directory / "l.crt", directory / "l.key"}));
}
