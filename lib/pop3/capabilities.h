// What a POP3 server says it can do (CAPA, RFC 2449), and what a relay in front of it may say.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gw::pop3 {

struct Capabilities {
  bool known = false;  // the server has CAPA at all
  bool top = false;
  bool uidl = false;
  bool user = false;
  bool resp_codes = false;
  bool auth_resp_code = false;
  bool stls = false;
  std::string utf8;               // `UTF8` with its arguments; empty: not offered
  std::string expire;             // `EXPIRE 0`
  std::string login_delay;        // `LOGIN-DELAY 300`
  std::vector<std::string> sasl;  // mechanisms, upper case

  // One line of the list. What is not known here is left out: a relay passes on what it understands.
  void add(std::string_view line);
  bool offers(std::string_view mechanism) const;

  // Of a server without CAPA: name and password, which RFC 1939 has always had.
  static Capabilities without_capa();
  // Of no server in particular, where upstream is not yet chosen: what any may turn out to have.
  static Capabilities unchosen();
};

// The client's side of a relay.
struct Hop {
  bool stls = false;       // can be offered now
  bool login = false;      // credentials are taken now
  bool logged_in = false;  // then neither login nor STLS is offered
};

// The lines of the relay's own CAPA: what upstream and the hop to the client can both do. Never APOP (it is
// no capability), LANG (texts are ASCII), or a mechanism that a relay cannot lead.
std::vector<std::string> announced(const Capabilities& upstream, const Hop& hop);

}  // namespace gw::pop3
