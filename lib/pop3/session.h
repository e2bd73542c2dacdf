// The server side of one POP3 session (RFC 1939), without network and without access to the mail.
//
//   session.receive(data);
//   for (;;) {
//     const Event& event = session.next_event();
//     send(session.output()), session.output_sent();  // at NeedInput, Flush, Closed
//     ...                                             // accept(), refuse(), or stop at NeedInput
//   }
//
// The session itself refuses commands that are malformed, not allowed in the current state, or name
// no message. It keeps the list of messages that its driver passes at login, with their numbers,
// sizes, UIDLs and deletion marks, and answers STAT, LIST, UIDL, DELE, RSET, NOOP and CAPA itself.
// It never deletes: QUIT reports which messages the driver must delete.
//
// One thread uses a session at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/id.h"
#include "base/secret.h"
#include "pop3/command.h"
#include "pop3/command_lines.h"
#include "pop3/need_input.h"
#include "pop3/reply_counts.h"
#include "sasl/mechanism.h"
#include "wire/dot_writer.h"

namespace gw::pop3 {

// A message of the mailbox at login.
struct Listed {
  MessageId id;            // also its UIDL, as 32 hex digits
  std::uint64_t size = 0;  // bytes that RETR sends, without dot-stuffing
};

// The output is full. Send it and call next_event() again.
struct Flush {};
// STLS. Call refuse(); or accept(), send the output, do the handshake and call tls_started().
struct StartTls {};
// A login, by USER and PASS or by AUTH. Answer with accept(messages) or refuse().
struct Login {
  std::string user;
  Secret password;
};
// RETR. Call refuse(); or accept(), then body() with all of the message, then body_end().
struct Retrieve {
  std::size_t number = 0;  // from 1, as in the list that accept() received
};
// TOP. Answer like Retrieve; the driver cuts the message with pop3::TopCut.
struct Top {
  std::size_t number = 0;
  std::uint64_t lines = 0;  // of the body
};
// QUIT after login. Call accept() after all these messages are deleted durably and the lease on the
// mailbox is released, or refuse() if none is deleted. Both end the session.
struct Update {
  std::vector<std::size_t> deleted;  // numbers, ascending; may be empty
};
// Send the output and close the connection; no other event follows.
struct Closed {};

using Event = std::variant<NeedInput, Flush, StartTls, Login, Retrieve, Top, Update, Closed>;

struct Options {
  std::string host;                    // this server's name in the greeting; may be empty
  bool tls = false;                    // TLS is active from the start (port 995)
  bool tls_available = false;          // STLS is available
  bool allow_plaintext = false;        // login is allowed without TLS
  std::size_t line_limit = 4096;       // bytes of a line; RFC 2449's 255 are too few for AUTH
  std::size_t malformed_limit = 3;     // malformed lines; the last one ends the session
  std::size_t output_mark = 64 << 10;  // bytes of output that cause a Flush
};

class Session {
 public:
  // Puts the greeting into the output.
  explicit Session(Options options);

  // Passes bytes from the client, which are copied. Call it only after NeedInput. Bytes after STLS
  // in the same piece end the session and are never read as commands inside TLS (CVE-2021-33515 and
  // related).
  void receive(ByteView data) { lines_.receive(data, state_ == State::Authorization); }
  // Reports that the client closed its side. Commands received before are still answered.
  void receive_eof() { lines_.receive_eof(); }

  // Returns the next event, valid until the next call of any function. While an event waits for an
  // answer, returns the same event again.
  const Event& next_event();

  // Answers StartTls, Retrieve, Top or Update positively.
  void accept();
  // Answers Login positively. The first message has the number 1.
  void accept(std::vector<Listed> messages);
  // Answers the event with `-ERR text`; a response code (RFC 2449 section 8) is part of `text`.
  // Ends the session if the event is Update.
  void refuse(std::string_view text);
  // Answers Retrieve or Top for a message that cannot be read. From then on DELE refuses this
  // message, until a later RETR or TOP of it is accepted.
  void refuse_damaged(std::string_view text);
  // Ends the session, after `-ERR text` if `text` is not empty. Between accept() and body_end()
  // pass none: without the final dot the client recognises that the message is incomplete.
  void close(std::string_view text = {});
  // Call it after the TLS handshake.
  void tls_started();

  // Sends a piece of the accepted message, which must have CRLF line endings (mail/wire_form.h).
  // Dot-stuffs it. The output may be sent in between.
  void body(ByteView text) { dots_.write(text, output_); }
  // Ends the message: sends the final dot.
  void body_end();

  // Returns the bytes to send. After sending all of them, call output_sent().
  const Bytes& output() const { return output_; }
  // Returns true if the output should be sent before more is produced.
  bool output_full() const { return output_.size() >= options_.output_mark; }
  void output_sent();
  bool logged_in() const { return state_ == State::Transaction; }
  const ReplyCounts& replies() const { return replies_; }  // so far

 private:
  enum class State : unsigned char { Authorization, Transaction, Over };
  enum class Listing : unsigned char { None, Sizes, Ids };

  void obey(std::string_view line);
  void obey_before_login(Verb verb, std::string_view argument);
  void obey_after_login(Verb verb, std::string_view argument);
  void auth(std::string_view argument);
  void auth_step(sasl::Step step);
  void capabilities();
  void list(Listing what, std::string_view argument);
  void list_line(Listing what, std::size_t number);
  void go_on_listing();
  void stat();
  void dele(std::string_view argument);
  // Returns true if the message exists and is not marked as deleted; otherwise sends the refusal.
  bool exists(const std::optional<std::uint64_t>& number);
  template <class E>
  void ask(E event);
  void say(std::string_view text);
  void line(std::string_view text);
  void error(std::string_view text);
  void number(std::uint64_t value);
  bool login_allowed() const { return options_.tls || options_.allow_plaintext; }

  struct Entry : Listed {
    bool deleted = false;
    bool damaged = false;  // refuse_damaged() was called for it
  };

  Options options_;
  ReplyCounts replies_;
  CommandLines lines_;
  wire::DotWriter dots_;
  Bytes output_;
  Event event_ = NeedInput{};
  bool awaiting_ = false;
  State state_ = State::Authorization;
  std::string user_;                        // from USER, until PASS
  std::optional<sasl::Exchange> exchange_;  // an AUTH that is not complete
  std::vector<Entry> messages_;
  std::size_t count_ = 0;            // messages that are not marked as deleted
  std::uint64_t size_ = 0;           // their size in bytes
  Listing listing_ = Listing::None;  // the listing that is being sent
  std::size_t listed_ = 0;           // messages of it that are sent or skipped
};

}  // namespace gw::pop3
