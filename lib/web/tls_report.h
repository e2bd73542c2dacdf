// What TLS a server speaks and which certificate it shows, for people.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/stream.h"
#include "web/context.h"
#include "web/html.h"

namespace gw::web {

struct TlsReport {
  std::string address;  // that was connected to
  std::optional<net::TlsFacts> tls;
  std::optional<net::ServerCertificate> certificate;
  bool pinned = false;
  std::vector<std::string> capabilities;
};

// Sections on the connection, the certificate, and what the server offers; what is not known is left out.
Html tls_sections(const Context& context, const TlsReport& report);

// Several values, one below the other; `none` where there is none.
Html lines_of(const std::vector<std::string>& values, const Html& none);

}  // namespace gw::web
