// The server to which gw-export(1) hands over mail, as a URL names it:
//
//   smtp://archive.example         SMTP, port 25, STARTTLS
//   smtps://archive.example:465    SMTP, TLS from the first byte
//   lmtp://archive.example:24      LMTP (RFC 2033), STARTTLS
//   lmtp:///run/dovecot/lmtp       LMTP over a Unix socket
//
// TLS is required unless the server is at a loopback address or a Unix socket.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "proxy/smtp_upstream.h"
#include "vault/route.h"

namespace gw::push {

struct Target {
  std::string url;
  proxy::Dialect dialect = proxy::Dialect::Smtp;
  std::string socket;   // path of the Unix socket; empty for TCP
  bool local = false;   // at a loopback address or a Unix socket: nothing crosses a network
  vault::Route server;  // host, port and TLS; the fields about clients and copies are unused
};

// Returns whether the text begins with one of these schemes, so that it can be no path.
bool is_url(std::string_view text);

// Parses a URL. The path, user and password of other URLs are not accepted: a password in an
// argument would be visible to other processes. Fails with Usage.
Result<Target> parse_target(std::string_view url);

}  // namespace gw::push
