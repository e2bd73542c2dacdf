// The capabilities of a POP3 server (CAPA, RFC 2449), and those that gw-proxy may announce for it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gw::pop3 {

struct Capabilities {
  bool known = false;  // the server supports CAPA
  bool top = false;
  bool uidl = false;
  bool user = false;
  bool resp_codes = false;
  bool auth_resp_code = false;
  bool stls = false;
  std::string utf8;               // the line `UTF8` with its arguments; empty if not offered
  std::string expire;             // the line `EXPIRE 0`; empty if not offered
  std::string login_delay;        // the line `LOGIN-DELAY 300`; empty if not offered
  std::vector<std::string> sasl;  // mechanisms, in upper case

  // Reads one line of the server's list, without its line ending. Ignores unknown capabilities: the
  // proxy can only pass on what it understands.
  void add(std::string_view line);
  // Returns true if the server offers this SASL mechanism, named in any case.
  bool offers(std::string_view mechanism) const;

  // Returns the capabilities of a server without CAPA: login by USER and PASS.
  static Capabilities without_capa();
  // Returns everything that an upstream may offer, for a listener whose upstream depends on the
  // login name and is not known yet.
  static Capabilities unchosen();
};

// The state of the connection between the client and the proxy.
struct Hop {
  bool stls = false;       // STLS is available
  bool login = false;      // credentials are accepted now: TLS is active, or not required
  bool logged_in = false;  // neither login nor STLS is offered any more
};

// Returns the lines of the proxy's own CAPA: what upstream supports and the proxy can pass on, and
// what the proxy does itself. Never contains LANG, because replies are reduced to ASCII, or a SASL
// mechanism that cannot pass a proxy (sasl/credential_forwarder.h).
std::vector<std::string> announced(const Capabilities& upstream, const Hop& hop);

}  // namespace gw::pop3
