// The client side of one SMTP conversation (RFC 5321), without network: splits a server's bytes
// into replies, and writes commands.
//
//   Client client;                          // expects the greeting
//   client.receive(data);
//   for (;;) {
//     const Client::Event& event = client.next_event();
//     ...                         // until NeedInput, or Idle: then expect() and send a command
//   }
//
// The server is not trusted. It may only send when a reply is due: bytes at any other time, or
// after a reply, are Broken. So is a reply whose lines have different codes, contain NUL or a bare
// CR or LF, or exceed the limits. Otherwise an attacker on the network could inject replies before
// STARTTLS (NO STARTTLS, 2021). With several commands on their way, a reply that was injected early
// cannot be distinguished from a quick one. So pipeline only commands that do not decide about the
// security of the connection, such as MAIL and RCPT.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "smtp/command.h"
#include "smtp/reply.h"
#include "wire/line_reader.h"

namespace gw::smtp {

class Client {
 public:
  struct Idle {};       // no reply is due
  struct NeedInput {};  // all received bytes are used up: call receive() or receive_eof()
  struct Answer {
    // `lines` are as received without the code, and still begin with the enhanced codes; `enhanced`
    // is empty.
    Reply reply;
  };
  // The server violated the protocol or closed the connection. Close the connection; no other event
  // follows.
  struct Broken {
    std::string reason;
  };
  using Event = std::variant<Idle, NeedInput, Answer, Broken>;

  // Limits of one reply, in bytes and lines. A challenge may be long (RFC 4954 section 4).
  static constexpr std::size_t kMaxLine = 12'288;
  static constexpr std::size_t kMaxLines = 256;
  static constexpr std::size_t kMaxReply = 64 << 10;

  Client() : reader_(kMaxLine) {}

  // Announces that commands are about to be sent, so that `replies` replies are due: one for each
  // command. In LMTP, the end of a message has one for each accepted recipient (RFC 2033). Call it
  // only at Idle.
  void expect(std::size_t replies = 1) { due_ = replies; }

  // Passes bytes from the server. They must stay valid until next_event() returns NeedInput or
  // Broken, or the last Answer that is due.
  void receive(ByteView data) { input_ = data; }
  // Reports that the server closed the connection.
  void receive_eof() { eof_ = true; }
  // Returns the next event, valid until the next call.
  const Event& next_event();

  // Call it after the reply to STARTTLS and the TLS handshake; no reply is due then. Before the
  // handshake the caller must check that no bytes wait in its own buffers or in the socket
  // (CVE-2011-0411).
  void tls_started() { reader_.forget(); }

 private:
  const Event& broken(std::string reason);
  const Event& line(std::string_view text);

  wire::LineReader reader_;
  ByteView input_;
  std::size_t due_ = 1;  // replies
  bool eof_ = false;
  Reply reply_;           // the lines received so far
  std::size_t size_ = 0;  // their size
  Event event_ = NeedInput{};
};

// What a server announces in its reply to EHLO.
struct Capabilities {
  bool starttls = false;
  bool pipelining = false;
  bool eight_bit = false;
  bool smtputf8 = false;
  bool chunking = false;  // BDAT (RFC 3030)
  bool binary = false;    // BODY=BINARYMIME (RFC 3030)
  bool enhanced_codes = false;
  bool dsn = false;
  bool size = false;
  std::uint64_t max_size = 0;           // bytes (RFC 1870); 0 if there is no limit or none is known
  std::vector<std::string> mechanisms;  // of AUTH, in upper case
};
// Reads a positive reply to EHLO. Ignores unknown lines.
Capabilities parse_capabilities(const Reply& ehlo);

// Returns the enhanced status code with which a reply begins (RFC 2034), as `5.7.8`; empty if there
// is none or its class differs from the reply code.
std::string enhanced_code(const Reply& reply);

// Return the command with its CRLF. It is rebuilt from the parsed arguments, so that no byte of the
// client's line is passed on unchecked. Parameters are left out if the server does not offer their
// extension: SIZE, BODY, AUTH, RET, ENVID, NOTIFY, ORCPT. SMTPUTF8 is always kept. The caller must
// check before that the server supports 8-bit mail and UTF-8 addresses if the mail needs them.
std::string mail_command(const MailArguments& mail, const Capabilities& server);
std::string rcpt_command(const RcptArguments& rcpt, const Capabilities& server);

}  // namespace gw::smtp
