// Parses SMTP command lines (RFC 5321 section 4.1).
//
// The parser is strict about framing and tolerant about data: verbs and the syntax of parameters
// are checked, while of an address only the end is searched and the text is returned as sent.
// Returned views point into the line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "smtp/refusals.h"

namespace gw::smtp {

inline constexpr std::size_t kMaxPath = 1000;  // bytes of an address

enum class Verb : unsigned char {
  Helo,
  Ehlo,
  StartTls,
  Auth,
  Mail,
  Rcpt,
  Data,
  Bdat,
  Rset,
  Noop,
  Vrfy,
  Help,
  Quit,
  NotOffered,  // defined by an RFC and not supported here: EXPN ETRN TURN …
  Unknown,
};

struct Command {
  Verb verb = Verb::Unknown;
  std::string_view argument;  // without white space around it; empty for Unknown
};
// Parses a line without its CRLF. Ignores the case of the verb.
Command parse_command(std::string_view line);

// Returns true if the line begins with an HTTP method. A browser can be made to send HTTP requests
// with SMTP commands in them to this port (ALPACA, CVE-2021-3618).
bool looks_like_http(std::string_view line);
// Returns true if the line begins like a TLS handshake record: the client expects TLS from the
// first byte.
bool looks_like_tls(std::string_view line);

// Checks the name of HELO and EHLO: not empty and without control characters. Real clients send all
// kinds of names, so the syntax of domains is not required.
bool valid_helo(std::string_view name);

struct MailArguments {
  std::string address;     // without <> and source route; empty for the null sender
  std::string parameters;  // as sent, with one space between
  std::uint64_t size = 0;  // SIZE in bytes (RFC 1870); 2^64-1 if it is greater; 0 if not given
  bool eight_bit = false;  // BODY=8BITMIME
  bool smtputf8 = false;
};
// Parses the argument of MAIL. Returns Malformed, UnknownParameter, Needs8bitAddresses or BadSender
// if it must be refused.
std::variant<MailArguments, Refusal> parse_mail(std::string_view argument);

struct RcptArguments {
  std::string address;     // without <> and source route; never empty
  std::string parameters;  // as sent, with one space between
};
// Parses the argument of RCPT. `smtputf8` tells that MAIL had the parameter SMTPUTF8. Returns
// Malformed, UnknownParameter, Needs8bitAddresses or BadRecipient if it must be refused.
std::variant<RcptArguments, Refusal> parse_rcpt(std::string_view argument, bool smtputf8);

struct Chunk {
  std::uint64_t size = 0;  // bytes that follow the command line
  bool last = false;
};
// Parses the argument of BDAT (RFC 3030). Returns nullopt if it is malformed.
std::optional<Chunk> parse_bdat(std::string_view argument);

struct AuthArguments {
  std::string_view mechanism;
  std::optional<std::string_view> initial;  // the initial response in base64, or `=`
};
// Parses the argument of AUTH (RFC 4954). Returns nullopt if it is malformed.
std::optional<AuthArguments> parse_auth(std::string_view argument);

}  // namespace gw::smtp
