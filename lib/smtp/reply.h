// An SMTP reply: a code, an enhanced status code (RFC 2034, RFC 3463) and one or more lines of
// text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gw::smtp {

struct Reply {
  int code = 0;
  std::string enhanced;            // `2.1.0`; empty in greetings and 3xx
  std::vector<std::string> lines;  // at least one; bytes other than printable ASCII become `?`

  Reply() = default;
  Reply(int reply_code, std::string_view enhanced_code, std::string_view text);

  // The class of the code. 2xx and 3xx are positive.
  bool positive() const { return code < 400; }
  bool temporary() const { return code >= 400 && code < 500; }
  bool permanent() const { return code >= 500; }
  // Returns true if the reply ends the connection (RFC 5321 section 3.8).
  bool closes() const { return code == 421; }

  // Returns the lines as they are sent, each with its CRLF. Cuts lines to 512 bytes (RFC 5321
  // section 4.5.3.1.5), and those of a 334 challenge to the 12 KiB of RFC 4954 section 4.
  std::string wire() const;

  friend bool operator==(const Reply&, const Reply&) = default;
};

}  // namespace gw::smtp
