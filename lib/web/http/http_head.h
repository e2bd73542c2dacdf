// Parses and checks the head of a request, before any other code reads it (RFC 9112).
//
// This parser is strict on purpose. Request smuggling works when two programs interpret the same
// bytes differently, for example this one and a reverse proxy. Whatever RFC 9112 lets a server
// interpret in two ways is refused.
//
// It is not a general HTTP parser: it accepts no chunked bodies, no absolute request targets, no
// `*`, no CONNECT and no OPTIONS, and it does not unfold header lines.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "web/http/http.h"

namespace gw::web {

// The limits of a head: bytes of the request line and all fields together, bytes of the request
// target, and number of header fields. Longer heads and more fields are refused with 431, a longer
// target with 414.
inline constexpr std::size_t kMaxHead = 32 << 10;
inline constexpr std::size_t kMaxTarget = 8000;
inline constexpr std::size_t kMaxFields = 100;

// An accepted head. It owns its texts and does not refer to the bytes that it was parsed from.
struct Head {
  std::string method;
  std::string target;
  // Names in lower case; values without leading and trailing white space.
  Fields headers;
  // Content-Length in bytes; 0 if there is none, since a request without it has no body.
  std::uint64_t body = 0;
  // Whether the client waits for `100 Continue` before it sends the body (Expect: 100-continue).
  bool awaits_continue = false;
  // Whether the request is HTTP/1.0, whose clients cannot read chunks.
  bool old = false;
  // Whether the client wants the connection closed after the response: HTTP/1.0 or Connection:
  // close.
  bool closes = false;
};

// A refusal: the status of the response and a reason in English, which goes to the client and to
// the log. `why` points to static storage.
struct BadHead {
  int status = 400;
  std::string_view why;
};

// Parses a whole head, up to and including its empty line. The caller finds that line and enforces
// kMaxHead; the behaviour is undefined unless `data` ends in "\r\n\r\n". Returns a refusal for
// everything that is malformed, ambiguous or unsupported.
std::variant<Head, BadHead> parse_head(std::string_view data);

// Returns the cookies of all Cookie fields (RFC 6265, section 5.4), at most 50. Pieces without a
// name or without `=` are skipped. Values are not decoded.
Fields parse_cookies(const Fields& headers);

}  // namespace gw::web
