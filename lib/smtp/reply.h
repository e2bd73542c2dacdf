// What an SMTP server says: a code, an enhanced status code (RFC 2034, RFC 3463), and a text of some lines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gw::smtp {

struct Reply {
  int code = 0;
  std::string enhanced;            // `2.1.0`; empty: none, as in greetings and 3xx
  std::vector<std::string> lines;  // at least one; what is not printable ASCII is sent as `?`

  Reply() = default;
  Reply(int reply_code, std::string_view enhanced_code, std::string_view text);

  bool positive() const { return code < 400; }
  bool temporary() const { return code >= 400 && code < 500; }
  bool permanent() const { return code >= 500; }
  // Ends the connection (RFC 5321 section 3.8).
  bool closes() const { return code == 421; }

  // Lines as they are sent, each with its CRLF and at most 512 octets.
  std::string wire() const;

  friend bool operator==(const Reply&, const Reply&) = default;
};

}  // namespace gw::smtp
