// The server side of a POP3 session in gw-proxy, without network: turns a client's commands into
// requests for the upstream server.
//
//   session.receive(data);
//   for (;;) {
//     const ProxySession::Event& event = session.next_event();
//     ...                          // send session.output(); ok() or refuse(); or stop at NeedInput
//   }
//
// The session itself refuses commands that are malformed or not allowed in the current state. All
// others become events and wait for upstream's reply, one after the other, so that a client that
// pipelines commands receives its replies in order. The session has no state of the mailbox:
// message numbers and deletion marks are upstream's.
//
// One thread uses a session at a time.
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
#include "sasl/credential_forwarder.h"

namespace gw::pop3 {

struct ProxyOptions {
  bool tls = false;                    // TLS is active from the start (port 995)
  bool tls_available = false;          // STLS is available
  bool allow_plaintext = false;        // login is allowed without TLS
  std::size_t line_limit = 12'288;     // bytes of a line; a token may be long (RFC 4954 section 4)
  std::size_t malformed_limit = 3;     // malformed lines; the last one ends the session
  std::size_t output_mark = 64 << 10;  // bytes of output from which output_full() is true
};

class ProxySession {
 public:
  // All input is used up. Send the output, then call receive() or receive_eof().
  struct NeedInput {};
  // STLS. Call refuse(); or ok(), send the output, do the handshake and call tls_started().
  struct StartTls {};
  // CAPA. Answer with list().
  struct Capa {};
  // USER. Answer with ok() or refuse().
  struct User {
    std::string name;
  };
  // PASS. Answer with ok(), which logs the client in, or refuse().
  struct Pass {
    Secret password;
  };
  // AUTH, with all messages of the client. Answer with ok(), which logs the client in, with
  // refuse(), or with challenge(), after which a Response follows.
  struct Auth {
    std::unique_ptr<sasl::CredentialForwarder> said;
  };
  // The client's response to challenge(), unchanged. Answer like Auth.
  struct Response {
    Secret line;
  };
  // A command for upstream. Answer with refuse() or ok(). If `text` is true, text() and text_end()
  // follow ok().
  struct Ask {
    Verb verb = Verb::Noop;
    std::uint64_t number = 0;  // number of the message; 0 if the command has none
    std::string command;       // the line for upstream, without CRLF
    bool text = false;         // a positive reply has lines
  };
  // QUIT. Answer with ok() or refuse(); both end the session.
  struct Quit {};
  // Send the output and close the connection; no other event follows.
  struct Closed {};
  using Event = std::variant<NeedInput, StartTls, Capa, User, Pass, Auth, Response, Ask, Quit, Closed>;

  // Sends nothing. The first reply must be the greeting: ok() or close().
  explicit ProxySession(ProxyOptions options)
      : options_(options), lines_(options.line_limit, options.malformed_limit) {}

  // Passes bytes from the client, which are copied. Call it only after NeedInput. Bytes after STLS
  // in the same piece end the session (CVE-2021-33515 and related).
  void receive(ByteView data) { lines_.receive(data, state_ == State::Authorization); }
  // Reports that the client closed its side. Commands received before are still answered.
  void receive_eof() { lines_.receive_eof(); }

  // Returns the next event, valid until the next call of any function. While an event waits for an
  // answer, returns the same event again.
  const Event& next_event();

  // Sets the mechanisms that AUTH accepts, in upper case: a subset of sasl::kPassedMechanisms.
  void set_mechanisms(std::vector<std::string> mechanisms) { mechanisms_ = std::move(mechanisms); }

  // These functions answer the current event, or send the greeting. Texts must be fit for sending:
  // see passed_text() in pop3/client.h.
  void ok(std::string_view text);
  void refuse(std::string_view text);
  // Sends a challenge, `text` in base64; the event Response follows.
  void challenge(std::string_view text);
  // Sends +OK, the lines, and the final dot.
  void list(const std::vector<std::string>& lines);
  // Sends a piece of text, with the values of Client's TextPart: the client receives what upstream
  // sent.
  void text(ByteView data, bool dot);
  // Sends the final dot.
  void text_end();
  // Ends the session, after `-ERR text` if `text` is not empty. Within a text (in_text()) pass
  // none: without the final dot the client recognises that the text is incomplete.
  void close(std::string_view text = {});
  // Call it after the TLS handshake.
  void tls_started();

  // Returns the bytes to send. After sending all of them, call output_sent().
  const Bytes& output() const { return output_; }
  // Returns true if the output should be sent before more is produced.
  bool output_full() const { return output_.size() >= options_.output_mark; }
  void output_sent();

  bool logged_in() const { return state_ == State::Transaction; }
  const ReplyCounts& replies() const { return replies_; }  // so far
  bool in_text() const { return in_text_; }                // after ok() and before text_end()
  bool tls() const { return options_.tls; }
  bool login_allowed() const { return options_.tls || options_.allow_plaintext; }
  bool can_start_tls() const { return options_.tls_available && !options_.tls; }

 private:
  enum class State : unsigned char { Authorization, Transaction, Over };

  void obey(std::string_view line);
  void obey_before_login(const Command& command);
  void obey_after_login(const Command& command);
  void auth(std::string_view argument);
  void auth_step(sasl::CredentialForwarder::Step step);
  void answered();
  void line(std::string_view status, std::string_view text = {});
  template <class E>
  void ask(E event);

  ProxyOptions options_;
  ReplyCounts replies_;
  CommandLines lines_;
  Bytes output_;
  Event event_ = NeedInput{};
  bool awaiting_ = false;
  State state_ = State::Authorization;
  bool user_given_ = false;
  bool in_text_ = false;
  bool challenged_ = false;  // upstream waits for the response to its challenge
  std::vector<std::string> mechanisms_;
  std::unique_ptr<sasl::CredentialForwarder> exchange_;  // an AUTH that is not complete, else null
};

}  // namespace gw::pop3
