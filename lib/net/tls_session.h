// TLS over a Channel. Inside net only.
//
// OpenSSL reads straight from the channel and writes into a buffer that one call's end sends: so a record, a
// flight of the handshake, or many records leave in one system call, and OpenSSL never waits in the middle of
// a write.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "net/channel.h"
#include "net/openssl_private.h"
#include "net/stream.h"
#include "net/tls.h"

namespace gw::net {

class TlsSession {
 public:
  using Deadline = Channel::Clock::time_point;

  explicit TlsSession(Channel& channel) : channel_(channel) {}
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  Result<void> accept(const ServerTls& tls, std::string_view protocol, Deadline deadline);
  Result<void> connect(const ClientTls& tls, const std::string& host, Deadline deadline);
  const TlsFacts& facts() const { return facts_; }
  std::optional<ServerCertificate> server_certificate() const;  // after connect()

  Result<std::size_t> read(std::span<std::byte> to, Deadline deadline);
  Result<void> write(std::span<const ByteView> pieces, Deadline deadline);
  bool pending();      // octets of the application; reads what has arrived to find out
  void say_goodbye();  // close_notify, waiting a second at most for room to send it

  // What OpenSSL calls through its BIO.
  int bio_read(BIO* bio, char* to, int size);
  int bio_write(const char* from, int size);
  bool bio_ended() const { return ended_; }

 private:
  Result<void> begin(SSL_CTX* context);
  Result<void> shake_hands(int (*step)(SSL*), Deadline deadline);
  Result<void> encrypt(ByteView octets, Deadline deadline);
  Result<void> flush(Deadline deadline);
  // What the last call on ssl_, which did not succeed, says.
  struct Outcome {
    int why = 0;                   // SSL_ERROR_…
    bool cut = false;              // a FIN without close_notify
    bool refused = false;          // our own check of the peer's certificate
    std::optional<Error> failure;  // where it is one: all but waiting and the peer's close_notify
  };
  Outcome outcome(int result, std::string_view what) const;
  void note_facts();

  Channel& channel_;
  SslPtr ssl_;
  Bytes outgoing_;
  int read_errno_ = 0;  // of the last read that failed
  bool ended_ = false;  // the FIN has been read
  std::string protocol_;
  TlsFacts facts_;
};

}  // namespace gw::net
