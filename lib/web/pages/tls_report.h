// Shows which TLS a server speaks and which certificate it presents.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/stream.h"
#include "web/context.h"
#include "web/ui/html.h"

namespace gw::web {

// What is known about a connection to a server.
struct TlsReport {
  // The address that was connected to; empty if no connection was made.
  std::string address;
  // Nullopt if the connection is not encrypted.
  std::optional<net::TlsFacts> tls;
  std::optional<net::ServerCertificate> certificate;
  // Whether the route compares the certificate with a pin instead of checking its name and chain.
  bool pinned = false;
  // What the server announces in its EHLO or CAPA reply.
  std::vector<std::string> capabilities;
};

// Returns sections on the connection, the certificate and the capabilities, without the unknown
// ones.
Html tls_sections(const Context& context, const TlsReport& report);

// Returns several values, one below the other, or `none` if there are none.
Html lines_of(const std::vector<std::string>& values, const Html& none);

}  // namespace gw::web
