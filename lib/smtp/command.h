// SMTP command lines (RFC 5321 section 4.1), taken apart.
//
// Strict where it frames, lenient where it is only data: verbs, order and the syntax of parameters are
// judged, while an address is only looked at as far as it takes to find its end, and is given back as it was
// sent. Views are of the line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "smtp/refusals.h"

namespace gw::smtp {

inline constexpr std::size_t kMaxPath = 1000;  // octets of an address

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
  NotOffered,  // of an RFC, and not here: EXPN ETRN TURN …
  Unknown,
};

struct Command {
  Verb verb = Verb::Unknown;
  std::string_view argument;  // without the blanks around it
};
Command parse_command(std::string_view line);

// The beginning of a line that some other protocol's client sent: an HTTP method (ALPACA, CVE-2021-3618).
bool looks_like_http(std::string_view line);
// A TLS handshake record.
bool looks_like_tls(std::string_view line);

// What HELO and EHLO may name: anything without control characters.
bool valid_helo(std::string_view name);

struct MailArguments {
  std::string address;     // without <>, source route dropped; empty: the null sender
  std::string parameters;  // as sent, one blank between
  std::uint64_t size = 0;  // SIZE (RFC 1870); the largest value if it does not fit. 0: not said
  bool eight_bit = false;  // BODY=8BITMIME
  bool smtputf8 = false;
};
// What stands behind MAIL. Malformed, UnknownParameter, Needs8bitAddresses, BadSender.
std::variant<MailArguments, Refusal> parse_mail(std::string_view argument);

struct RcptArguments {
  std::string address;
  std::string parameters;
};
// What stands behind RCPT. Malformed, UnknownParameter, Needs8bitAddresses, BadRecipient.
std::variant<RcptArguments, Refusal> parse_rcpt(std::string_view argument, bool smtputf8);

struct Chunk {
  std::uint64_t octets = 0;
  bool last = false;
};
// What stands behind BDAT (RFC 3030).
std::optional<Chunk> parse_bdat(std::string_view argument);

struct AuthArguments {
  std::string_view mechanism;
  std::optional<std::string_view> initial;
};
// What stands behind AUTH (RFC 4954).
std::optional<AuthArguments> parse_auth(std::string_view argument);

}  // namespace gw::smtp
