// Opens connections to the upstream servers of gw-proxy's routes.
//
// The handshake checks the name and the chain of the server's certificate, or only its pin if the
// route has one. The server's address must be public unless the route allows private ones
// (net/connect.h). CA files are read when a route first needs them, and again after reload().
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "net/stream.h"
#include "net/tls.h"
#include "vault/route.h"

namespace gw::proxy {

// All members may be called from several threads at the same time.
class Upstreams {
 public:
  // Judged verifies certificates. Inspect accepts every certificate, so that a test can show it;
  // the caller must not send credentials or mail over that connection.
  enum class Verification : unsigned char { Verify, Inspect };
  explicit Upstreams(Verification trusting = Verification::Verify) : trusting_(trusting) {}

  // Connects to the route's server, with a TLS handshake if the route has implicit TLS. `timeout`
  // covers both. Fails with Denied if the server has no permitted address or its certificate is not
  // accepted, with Unavailable if the name is unknown or no server listens, and with Timeout or
  // Closed.
  Result<net::Stream> open(const vault::Route& route, std::chrono::milliseconds timeout);
  // Does the handshake after a positive reply to STARTTLS or STLS. Fails with Closed if bytes have
  // arrived already: they came in clear, and would be taken for a reply within TLS (CVE-2011-0411).
  Result<void> start_tls(net::Stream& stream, const vault::Route& route, std::chrono::milliseconds timeout);
  // Forgets the CA files that were read. Connections that are open are not affected.
  void reload();

 private:
  using Trust = std::shared_ptr<const net::ClientTls>;
  Result<Trust> trust(const vault::Route& route);

  Verification trusting_;
  std::mutex mutex_;
  std::map<std::string, Trust> trusts_;  // by CA file or pin
};

}  // namespace gw::proxy
