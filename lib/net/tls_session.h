// TLS over a Channel. Private to net; Stream owns it.
//
// OpenSSL reads directly from the channel through a BIO, and writes into a buffer that is sent at
// the end of each call. A record, a flight of the handshake, or many records then need one system
// call, and OpenSSL never waits in the middle of a write.
//
// `channel` must outlive the session. After any error of read() or write() the session is unusable.
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

  // Both perform the handshake. accept() requests a client certificate if `protocol` is `smtp`. See
  // Stream::accept_tls and Stream::connect_tls for the errors.
  Result<void> accept(const ServerTls& tls, std::string_view protocol, Deadline deadline);
  Result<void> connect(const ClientTls& tls, const std::string& host, Deadline deadline);
  const TlsFacts& facts() const { return facts_; }
  // Returns the server's certificate after connect(); nullopt if there is none.
  std::optional<ServerCertificate> server_certificate() const;

  // Reads at least one byte; returns 0 at the end of the stream, with or without close_notify.
  Result<std::size_t> read(std::span<std::byte> to, Deadline deadline);
  // Encrypts and sends all pieces.
  Result<void> write(std::span<const ByteView> pieces, Deadline deadline);
  // Returns whether application data can be read without waiting. Decrypts what has arrived to find
  // out, since a record may hold no data.
  bool pending();
  // Sends close_notify; waits at most one second for room to send it. Errors are ignored.
  void say_goodbye();

  // Called by OpenSSL through the BIO.
  int bio_read(BIO* bio, char* to, int size);
  int bio_write(const char* from, int size);
  bool bio_ended() const { return ended_; }

 private:
  Result<void> begin(SSL_CTX* context);
  // Runs `step` (SSL_accept or SSL_connect) until it succeeds or fails.
  Result<void> shake_hands(int (*step)(SSL*), Deadline deadline);
  // Encrypts into outgoing_, and sends when much has gathered.
  Result<void> encrypt(ByteView data, Deadline deadline);
  // Sends and frees outgoing_.
  Result<void> flush(Deadline deadline);
  // What the last call on ssl_, which did not succeed, reports.
  struct Outcome {
    int why = 0;           // SSL_ERROR_…
    bool cut = false;      // the peer sent a FIN without close_notify
    bool refused = false;  // this side rejected the peer's certificate
    // nullopt if OpenSSL only waits for data, or the peer sent close_notify.
    std::optional<Error> failure;
  };
  Outcome outcome(int result, std::string_view what) const;
  void note_facts();

  Channel& channel_;
  SslPtr ssl_;
  // Ciphertext that is not sent yet.
  Bytes outgoing_;
  int read_errno_ = 0;  // of the last read that failed; 0: none did
  // The FIN was read. OpenSSL asks for it through BIO_CTRL_EOF.
  bool ended_ = false;
  // The ALPN name that the client may ask for; the ALPN callback reads it.
  std::string protocol_;
  TlsFacts facts_;
};

}  // namespace gw::net
