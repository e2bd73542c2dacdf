// The client side of one POP3 session (RFC 1939), without network: splits a server's bytes into
// replies.
//
//   Client client;                          // expects the greeting
//   client.receive(data);
//   for (;;) {
//     const Event& event = client.next_event();
//     ...                         // until NeedInput, or Idle: then send a command and expect() it
//   }
//
// The server is not trusted. It may only send when a reply is due: bytes at any other time, or
// after a reply, are Broken. So is a status line that begins with neither +OK nor -ERR, contains
// NUL or a bare CR or LF, or is too long. Otherwise an attacker on the network could inject replies
// before STLS (NO STARTTLS, 2021). Commands are not pipelined: with several commands on their way,
// a reply that was injected early could not be distinguished from a quick one.
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

// The form of the reply that is due.
enum class Due : unsigned char {
  Line,      // +OK or -ERR
  Text,      // +OK and lines up to the final dot, or -ERR alone
  Exchange,  // `+ challenge`, +OK or -ERR (RFC 5034)
};

struct Idle {};  // no reply is due
// The status line of a reply.
struct Answer {
  enum class Kind : unsigned char { Ok, Refused, Challenge };
  Kind kind = Kind::Ok;
  // The text after `+OK `, `-ERR ` or `+ `, unchanged; valid until the next call. Use passed_text()
  // before sending it to a client.
  std::string_view text;
};
// A piece of the lines after the status line.
struct TextPart {
  ByteView data;     // without dot-stuffing; valid as long as the received bytes
  bool dot = false;  // a stuffed dot was removed before these bytes
};
struct TextEnd {};  // the final dot
// The server violated the protocol or closed the connection. Close the connection; no other event
// follows.
struct Broken {
  std::string reason;
};

class Client {
 public:
  using Event = std::variant<Idle, NeedInput, Answer, TextPart, TextEnd, Broken>;

  // Bytes of a status line. A challenge may be long (RFC 4954 section 4).
  static constexpr std::size_t kMaxReply = 12'288;

  Client() : reader_(kMaxReply) {}

  // Announces that a command is about to be sent, and the form of its reply. Call it only at Idle.
  // After a Challenge, call it again with Exchange when the response is about to be sent.
  void expect(Due due);

  // Passes bytes from the server. They must stay valid until next_event() returns NeedInput or
  // Broken.
  void receive(ByteView data);
  // Reports that the server closed the connection.
  void receive_eof();
  // Returns the next event, valid until the next call.
  const Event& next_event();

  // Call it after the +OK to STLS and the TLS handshake. Before the handshake the session must be
  // Idle, and the caller must check that no bytes wait in its own buffers or in the socket
  // (CVE-2011-0411).
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

// Returns the text of a reply in a form that can be sent to another client: printable ASCII, and at
// most 512 bytes with `-ERR ` and CRLF (RFC 2449 section 4). Every other byte becomes a question
// mark. A response code in brackets stays.
std::string passed_text(std::string_view text);

}  // namespace gw::pop3
