// One connection: a socket, perhaps under TLS, read and written with a deadline.
//
// Blocking: the calling thread waits. It wakes at once when the process is asked to stop (net/serve.h); then
// reads and writes answer Closed with the text `stopping`, unless the Stream is told to finish(). Under inetd
// and --stdio input and output may be two descriptors. Buffers are made when there is something in hand and
// given back when there is not, so an idle connection costs little.
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

struct TlsFacts {
  std::string version;  // `TLSv1.3`
  std::string cipher;
  std::string client_certificate;  // subject and SHA-256, not verified; empty: none
};

// What a server showed of itself, whether or not it was accepted.
struct ServerCertificate {
  std::string subject;  // `CN=mail.example,O=Example`
  std::string issuer;
  std::vector<std::string> names;  // for which it is, at most 100
  Micros not_before = 0;
  Micros not_after = 0;
  Digest sha256{};      // of its DER: what a pin names
  std::string verdict;  // on name and chain, in OpenSSL's words; empty: both are good
};

class Stream {
 public:
  Stream(Fd socket, Peer peer);
  Stream(Fd input, Fd output, Peer peer);
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  ~Stream();

  const Peer& peer() const;
  void set_peer(Peer peer);  // as a balancer says (net/proxy_protocol.h)

  // How long one call of read or write may take, however little each step brings. Timeout when it passes; the
  // default is 300 s.
  void set_timeout(std::chrono::milliseconds timeout);

  // What has arrived, at most `to.size()` octets; waits for at least one. 0: the peer has closed its side.
  Result<std::size_t> read(std::span<std::byte> to);
  // All of it.
  Result<void> write(ByteView octets);
  // Several pieces as one write where the system can.
  Result<void> write(std::span<const ByteView> pieces);
  // Octets that have arrived and were not read, without waiting; at most what one call gives.
  bool pending();

  // The server's handshake on a plain Stream. The caller has seen that nothing was pending when it said "go
  // ahead" (CVE-2011-0411). `protocol` is the one ALPN name that a client may ask for (`smtp`, `pop3`; empty:
  // either).
  Result<void> accept_tls(const ServerTls& tls, std::chrono::milliseconds timeout,
                          std::string_view protocol = {});
  // The client's; `host`, a name or an address, is checked against the certificate as `tls` says: Denied
  // where it does not fit. Any other failed handshake, of either side, is Closed or Timeout.
  Result<void> connect_tls(const ClientTls& tls, const std::string& host, std::chrono::milliseconds timeout);
  const std::optional<TlsFacts>& tls() const;
  // After connect_tls().
  std::optional<ServerCertificate> server_certificate() const;

  // From now on a stop of the process does not end reads and writes before `grace` has passed since the stop.
  void finish(std::chrono::milliseconds grace);
  // The same, but for `grace` from now, where the stop was a while ago: for what the peer must still hear.
  void last_words(std::chrono::milliseconds grace);
  // Sends close_notify and the FIN, waiting for neither answer (and one second at most for room). What was
  // written still arrives: octets of the peer that nobody read are taken from the system first, as far as
  // they are here, since they would turn the FIN into a reset.
  void close();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gw::net
