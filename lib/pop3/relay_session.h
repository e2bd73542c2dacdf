// The client's side of a POP3 relay, without the network: what a client may ask of a server behind us.
//
//   session.receive(octets);
//   for (;;) {
//     const RelaySession::Event& event = session.next_event();
//     ...                                // send session.output(); ok() or refuse(); or stop at NeedInput
//   }
//
// Commands that are malformed or out of state are refused here. All others become events and wait for the
// answer of the server behind, one after the other: a client that sends many at once is served in order. The
// session knows nothing of the mailbox; it numbers, deletes and keeps nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/secret.h"
#include "pop3/command.h"
#include "pop3/command_lines.h"
#include "pop3/reply_counts.h"
#include "sasl/pass_through.h"

namespace gw::pop3 {

struct RelayOptions {
  bool tls = false;                    // the session begins within TLS
  bool tls_available = false;          // STLS can be offered
  bool allow_plaintext = false;        // login without TLS
  std::size_t line_limit = 12'288;     // a token in AUTH may be long (RFC 4954 section 4)
  std::size_t malformed_limit = 3;     // lines with NUL, bare CR or LF, or too long; this one closes
  std::size_t output_mark = 64 << 10;  // output_full() from here on
};

class RelaySession {
 public:
  struct NeedInput {};  // send the output; receive() or receive_eof()
  struct StartTls {};   // ok(), send the output, handshake, tls_started(); or refuse()
  struct Capa {};       // list()
  struct User {         // ok() or refuse()
    std::string name;
  };
  struct Pass {  // the same; after ok() the client is in
    Secret password;
  };
  struct Auth {  // the same; or challenge(), and a Response follows
    std::unique_ptr<sasl::PassThrough> said;
  };
  struct Response {  // the line that answers challenge(), as it came
    Secret line;
  };
  struct Ask {  // ok() or refuse(); where `text`, ok(), text()…, text_end()
    Verb verb = Verb::Noop;
    std::uint64_t number = 0;  // of the message, for RETR, DELE, TOP, and LIST and UIDL of one
    std::string command;       // as it goes to the server, without CRLF
    bool text = false;         // the answer has lines behind it
  };
  struct Quit {};    // ok() or refuse(); closed after either
  struct Closed {};  // send the output and close; no event follows
  using Event = std::variant<NeedInput, StartTls, Capa, User, Pass, Auth, Response, Ask, Quit, Closed>;

  // Says nothing: the first reply is the greeting, as ok() or close().
  explicit RelaySession(RelayOptions options)
      : options_(options), lines_(options.line_limit, options.malformed_limit) {}

  // Octets from the client, after NeedInput. What came in the same piece behind STLS ends the session
  // (CVE-2021-33515 and its family).
  void receive(ByteView octets) { lines_.receive(octets, state_ == State::Authorization); }
  void receive_eof() { lines_.receive_eof(); }  // what was sent before is still answered

  // Valid until the next call of anything. While an event awaits an answer, asking again gives that same one.
  const Event& next_event();

  // The mechanisms that AUTH may name (sasl/pass_through.h), upper case.
  void set_mechanisms(std::vector<std::string> mechanisms) { mechanisms_ = std::move(mechanisms); }

  // The answer to the event, or the greeting. Texts are fit to be sent (pop3/client.h, passed_text).
  void ok(std::string_view text);
  void refuse(std::string_view text);
  void challenge(std::string_view text);
  void list(const std::vector<std::string>& lines);  // +OK, the lines, and the dot
  void text(ByteView octets, bool dot);              // as Client gives it: sent again as it was sent
  void text_end();
  // Ends the session, with `-ERR text` where there is one. Within a text the output lacks the final dot.
  void close(std::string_view text = {});
  void tls_started();

  const Bytes& output() const { return output_; }
  bool output_full() const { return output_.size() >= options_.output_mark; }
  void output_sent();

  bool logged_in() const { return state_ == State::Transaction; }
  const ReplyCounts& replies() const { return replies_; }  // so far
  bool in_text() const { return in_text_; }                // behind ok(), and before text_end()
  bool tls() const { return options_.tls; }
  bool login_allowed() const { return options_.tls || options_.allow_plaintext; }
  bool can_start_tls() const { return options_.tls_available && !options_.tls; }

 private:
  enum class State : unsigned char { Authorization, Transaction, Over };

  void obey(std::string_view line);
  void obey_before_login(const Command& command);
  void obey_after_login(const Command& command);
  void auth(std::string_view argument);
  void auth_step(sasl::PassThrough::Step step);
  void answered();
  void line(std::string_view status, std::string_view text = {});
  template <class E>
  void ask(E event);

  RelayOptions options_;
  ReplyCounts replies_;
  CommandLines lines_;
  Bytes output_;
  Event event_ = NeedInput{};
  bool awaiting_ = false;
  State state_ = State::Authorization;
  bool user_given_ = false;
  bool in_text_ = false;
  bool challenged_ = false;  // by the server behind
  std::vector<std::string> mechanisms_;
  std::unique_ptr<sasl::PassThrough> exchange_;
};

}  // namespace gw::pop3
