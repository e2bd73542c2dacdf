// Connections to the servers that gw-proxy's routes lead to.
//
// Name and chain of their certificates, or the pin, are checked by the handshake; the address that is
// connected to is checked as the route says (net/connect.h). Certificates of authorities are read when a
// route first needs them, and again after reload().
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

namespace gw::gate {

// Safe from several threads.
class Upstreams {
 public:
  // Unjudged: every certificate is taken, to be looked at. Nothing that matters may be said then.
  enum class Trusting : unsigned char { Judged, Unjudged };
  explicit Upstreams(Trusting trusting = Trusting::Judged) : trusting_(trusting) {}

  // Connected, and within TLS where the route's TLS is implicit. Denied: no public address, or a certificate
  // that is not accepted. The deadline is of all of it.
  Result<net::Stream> open(const vault::Route& route, std::chrono::milliseconds timeout);
  // Behind a positive reply to STARTTLS or STLS. Closed where octets have arrived already: they came in clear
  // and would be taken for what the server says within TLS.
  Result<void> start_tls(net::Stream& stream, const vault::Route& route, std::chrono::milliseconds timeout);
  void reload();

 private:
  using Trust = std::shared_ptr<const net::ClientTls>;
  Result<Trust> trust(const vault::Route& route);

  Trusting trusting_;
  std::mutex mutex_;
  std::map<std::string, Trust> trusts_;  // by CA file or pin
};

}  // namespace gw::gate
