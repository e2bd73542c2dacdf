// The client side of one POP3 session (RFC 1939), without the network: what a server's octets mean.
//
//   Client client;                          // the greeting is due
//   client.receive(octets);
//   for (;;) {
//     const Event& event = client.next_event();
//     ...                                   // until NeedInput, or Idle: then send a command and expect() it
//   }
//
// The server is not trusted. It speaks only when it was asked: octets that come when no reply is due, or
// behind a reply, are Broken, and so is a status line that is neither +OK nor -ERR, has NUL or a bare CR or
// LF in it, or does not end (NO STARTTLS, 2021). Several commands under way at once are not supported: there
// would be no telling an early reply from a quick one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "pop3/need_input.h"
#include "wire/dot_reader.h"
#include "wire/line_reader.h"

namespace gw::pop3 {

// What a reply may be.
enum class Due : unsigned char {
  Line,      // +OK or -ERR
  Text,      // +OK and lines up to the final dot, or -ERR
  Exchange,  // `+ challenge`, +OK or -ERR (RFC 5034)
};

struct Idle {};  // nothing is due
struct Answer {  // the status line
  enum class Kind : unsigned char { Ok, Refused, Challenge };
  Kind kind = Kind::Ok;
  std::string_view text;  // behind `+OK `, `-ERR ` or `+ `, as it came; valid until the next call
};
struct TextPart {    // of a text
  ByteView octets;   // without the dots that were put in front; valid as long as the octets received
  bool dot = false;  // a dot was taken off in front of them: what was sent is a dot and these octets
};
struct TextEnd {};  // the final dot
struct Broken {     // the server broke the protocol or has gone: close the connection. No event follows
  std::string reason;
};

class Client {
 public:
  using Event = std::variant<Idle, NeedInput, Answer, TextPart, TextEnd, Broken>;

  static constexpr std::size_t kLongestReply = 12'288;  // a challenge may be long (RFC 4954 section 4)

  Client() : reader_(kLongestReply) {}

  // A command is about to be sent; call at Idle, or where an Exchange has brought a challenge, with the
  // answer to it. For an Exchange that has ended nothing is due.
  void expect(Due due);

  // Octets of the server. They must stay where they are until next_event() has given NeedInput.
  void receive(ByteView octets);
  void receive_eof();
  const Event& next_event();

  // After the +OK to STLS and the handshake. What the caller has received before it must all be used up
  // (Idle says so); it looks itself for octets that it has not yet received (CVE-2011-0411).
  void tls_started() { reader_.forget(); }

 private:
  enum class State : unsigned char { Idle, Status, Text, Challenged, Broken };

  const Event& broken(std::string reason);
  const Event& status(std::string_view line);
  const Event& text();

  wire::LineReader reader_;
  wire::DotReader dots_;
  ByteView input_;
  State state_ = State::Status;
  Due due_ = Due::Line;
  bool eof_ = false;
  Event event_ = NeedInput{};
};

// Fit to be passed on to another client: printable ASCII, at most 512 octets with `+OK ` or `-ERR ` and CRLF
// (RFC 2449 section 4). Any other octet becomes a question mark; a response code in brackets stays as it is.
std::string passed_text(std::string_view text);

}  // namespace gw::pop3
