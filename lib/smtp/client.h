// The client side of one SMTP conversation (RFC 5321), without the network: what a server's octets mean, and
// how what is sent to it is written.
//
//   Client client;                          // the greeting is due
//   client.receive(octets);
//   for (;;) {
//     const Client::Event& event = client.next_event();
//     ...                                   // until NeedInput, or Idle: then expect() and send a command
//   }
//
// The server is not trusted. It speaks only when it was asked: octets that come when no reply is due, or
// behind a reply, are Broken, and so is a reply whose lines do not belong together, have a NUL or a bare CR
// or LF in them, or do not end (NO STARTTLS, 2021). Commands go one by one: with several under way there
// would be no telling an early reply from a quick one.
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
  struct Idle {};       // nothing is due
  struct NeedInput {};  // the octets received are used up: receive() more, or receive_eof()
  struct Answer {
    Reply reply;  // lines as they came, enhanced codes in them
  };
  struct Broken {  // the server broke the protocol or has gone: close the connection. No event follows
    std::string reason;
  };
  using Event = std::variant<Idle, NeedInput, Answer, Broken>;

  static constexpr std::size_t kLongestLine = 12'288;  // a challenge may be long (RFC 4954 section 4)
  static constexpr std::size_t kMostLines = 256;
  static constexpr std::size_t kLongestReply = 64 << 10;

  Client() : reader_(kLongestLine) {}

  // A command is about to be sent; call at Idle.
  void expect() { due_ = true; }

  // Octets of the server. They must stay where they are until next_event() has given NeedInput or Broken.
  void receive(ByteView octets) { input_ = octets; }
  void receive_eof() { eof_ = true; }
  const Event& next_event();

  // After the reply to STARTTLS and the handshake: nothing is due. Octets that are not yet received are the
  // caller's to look for (CVE-2011-0411).
  void tls_started() { reader_.forget(); }

 private:
  const Event& broken(std::string reason);
  const Event& line(std::string_view text);

  wire::LineReader reader_;
  ByteView input_;
  bool due_ = true;
  bool eof_ = false;
  Reply reply_;  // as far as it has come
  std::size_t octets_ = 0;
  Event event_ = NeedInput{};
};

// What a server says that it can do.
struct Capabilities {
  bool starttls = false;
  bool pipelining = false;
  bool eight_bit = false;
  bool smtputf8 = false;
  bool enhanced_codes = false;
  bool dsn = false;
  bool size = false;
  std::uint64_t max_size = 0;           // 0: no limit, or none said
  std::vector<std::string> mechanisms;  // of AUTH, upper case
};
Capabilities parse_capabilities(const Reply& ehlo);

// The enhanced status code that a reply begins with (RFC 2034), as `5.7.8`; empty where there is none.
std::string enhanced_code(const Reply& reply);

// Commands with their CRLF, rebuilt from what was parsed: no octet of the client's line is passed on
// unseen. Parameters that the server does not offer are left out: SIZE, BODY=7BIT, AUTH, RET, ENVID, NOTIFY,
// ORCPT. What cannot be left out is for the caller to judge.
std::string mail_command(const MailArguments& mail, const Capabilities& server);
std::string rcpt_command(const RcptArguments& rcpt, const Capabilities& server);

}  // namespace gw::smtp
