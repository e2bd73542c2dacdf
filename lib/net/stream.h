// One connection: a socket, with or without TLS, read and written with a timeout.
//
//   Stream stream(std::move(socket), peer_of(fd));
//   stream.set_timeout(std::chrono::minutes(5));
//   Result<std::size_t> got = stream.read(buffer);   // 0: the peer has finished sending
//
// Calls block the calling thread. When the process is asked to stop (net/serve.h), they return
// immediately and fail with Closed and the text `stopping`, unless finish() grants a grace period.
// Input and output may be two descriptors (inetd, --stdio). Buffers are allocated only while there
// is data in them, so an idle connection costs little memory.
//
// Not thread-safe, and movable: a moved-from Stream can only be destroyed or assigned to.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/result.h"
#include "net/peer.h"

namespace gw::net {

class ServerTls;  // net/tls.h: certificates and policy of a listener
class ClientTls;

// What was negotiated in the handshake.
struct TlsFacts {
  std::string version;  // `TLSv1.3`
  std::string cipher;
  // Subject and SHA-256 of the certificate that the client presented; empty if none. It is not
  // verified: use it for trace lines and logs only.
  std::string client_certificate;
};

// The certificate that a server presented, whether or not it was accepted.
struct ServerCertificate {
  std::string subject;  // `CN=mail.example,O=Example`
  std::string issuer;
  // DNS names and IP addresses that it is valid for, at most 100.
  std::vector<std::string> names;
  // Its period of validity, in microseconds since the epoch.
  Micros not_before = 0;
  Micros not_after = 0;
  // SHA-256 of the certificate in DER: the value that a pin contains.
  Digest sha256{};
  // The result of OpenSSL's check of name and chain; empty if both are good. With a pin no
  // authorities are loaded, so the chain then fails.
  std::string verdict;
};

class Stream {
 public:
  // Takes over the descriptors. `input` and `output` may be pipes.
  Stream(Fd socket, Peer peer);
  Stream(Fd input, Fd output, Peer peer);
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  ~Stream();

  // Valid until set_peer() or the end of the Stream.
  const Peer& peer() const;
  // Replaces the peer, for a connection through a balancer (net/proxy_protocol.h).
  void set_peer(Peer peer);

  // Sets how long one call of read or write may take in total, however little each step of it
  // moves. It fails with Timeout afterwards. The default is 300 s; 0 means that a call does not
  // wait at all.
  void set_timeout(std::chrono::milliseconds timeout);

  // Reads at most `to.size()` bytes; waits for at least one. Returns 0 if the peer has closed its
  // side. `to` must not be empty.
  Result<std::size_t> read(std::span<std::byte> to);
  // Writes all bytes. After an error an unknown part of them has been sent.
  Result<void> write(ByteView data);
  // Writes several pieces, with one system call if possible.
  Result<void> write(std::span<const ByteView> pieces);
  // Returns whether bytes have arrived that no read has returned. Does not wait.
  bool pending();

  // Performs the server's side of the handshake on a Stream without TLS. `protocol` is the only
  // ALPN name that a client may ask for (`smtp`, `pop3`, `http/1.1`; empty: `smtp` or `pop3`).
  //
  // The caller must have checked with pending() that the client sent nothing after STARTTLS or
  // STLS. Otherwise plaintext that an attacker injected there would be taken for commands of the
  // encrypted session (CVE-2011-0411).
  //
  // Fails with Closed, with Timeout, or with another error of the connection; the Stream is then
  // unusable.
  Result<void> accept_tls(const ServerTls& tls, std::chrono::milliseconds timeout,
                          std::string_view protocol = {});
  // Performs the client's side. Checks that the certificate is valid for `host`, a name or an
  // address, as `tls` prescribes. Fails with Denied if it is not; otherwise like accept_tls().
  Result<void> connect_tls(const ClientTls& tls, const std::string& host, std::chrono::milliseconds timeout);
  // Returns nullopt before a successful handshake.
  const std::optional<TlsFacts>& tls() const;
  // Returns the server's certificate after connect_tls(), even if that failed with Denied; nullopt
  // if the server presented none.
  std::optional<ServerCertificate> server_certificate() const;

  // Lets reads and writes go on for `grace` after a stop request, for a session that must not be
  // cut off in the middle of a transaction.
  void finish(std::chrono::milliseconds grace);
  // Lets reads and writes go on for `grace` from now, even if the stop was requested long ago. For
  // a final reply to the peer.
  void allow_final_write(std::chrono::milliseconds grace);
  // Sends close_notify and the FIN without waiting for the peer's (and for at most one second for
  // room to send). Data written before still arrives: unread bytes of the peer are discarded from
  // the receive buffer first, because closing with unread data would make the kernel send a reset.
  // The destructor calls it.
  void close();
  // Like close(), for a peer that may still be sending a request that was refused: after the FIN,
  // reads and discards what arrives until the peer closes its side, for at most 2 s and 256 KiB.
  // Otherwise these bytes would cause the reset (RFC 9112, section 9.6).
  void close_lingering();

 private:
  void close(std::chrono::milliseconds linger);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gw::net
