// The server side of one POP3 session (RFC 1939), without the network and without the mail.
//
//   session.receive(octets);
//   for (;;) {
//     const Event& event = session.next_event();
//     send(session.output()), session.output_sent();   // at NeedInput, Flush, Closed, and before waiting for
//     anything
//     ...                                               // accept(), refuse(), or stop at NeedInput
//   }
//
// Commands that are malformed, out of state or about no message are refused here and never become events.
// Numbers, sizes, UIDLs and deletion marks live here, in the snapshot that the driver gives at login: STAT,
// LIST, UIDL, DELE, RSET, NOOP and CAPA need nobody. Nothing is ever deleted here; QUIT names what is to be
// deleted.
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

struct Listed {
  MessageId id;              // its UIDL, as 32 hex digits
  std::uint64_t octets = 0;  // as RETR sends it, without dot-stuffing
};

struct Flush {};     // send the output, then ask again: there is more
struct StartTls {};  // accept(), send the output, handshake, tls_started()
struct Login {       // accept(messages) or refuse(); from USER and PASS, or from AUTH
  std::string user;
  Secret password;
};
struct Retrieve {  // accept(), body()…, body_end(); or refuse()
  std::size_t number = 0;
};
struct Top {  // the same; the driver cuts with pop3::TopCut
  std::size_t number = 0;
  std::uint64_t lines = 0;
};
struct Update {  // accept() once all are deleted durably and the mailbox is free; refuse() if none is
  std::vector<std::size_t> deleted;
};
struct Closed {};  // send the output and close; no event follows

using Event = std::variant<NeedInput, Flush, StartTls, Login, Retrieve, Top, Update, Closed>;

struct Options {
  std::string host;
  bool tls = false;                    // the session begins within TLS
  bool tls_available = false;          // STLS can be offered
  bool allow_plaintext = false;        // login without TLS
  std::size_t line_limit = 4096;       // octets of a command; over RFC 2449's 255 for passwords and AUTH
  std::size_t malformed_limit = 3;     // lines with NUL, bare CR or LF, or too long; this one closes
  std::size_t output_mark = 64 << 10;  // output is asked to be sent from here on
};

class Session {
 public:
  // The greeting is in the output.
  explicit Session(Options options);

  // Octets from the client, after NeedInput. What came in the same piece behind a STLS command ends the
  // session and is never read as commands within TLS (CVE-2021-33515 and its family).
  void receive(ByteView octets) { lines_.receive(octets, state_ == State::Authorization); }
  // The client has closed its side. What it sent before is still answered.
  void receive_eof() { lines_.receive_eof(); }

  // The next thing that happened; valid until the next call of anything. While an event awaits an answer,
  // asking again gives that same event.
  const Event& next_event();

  void accept();                              // StartTls, Retrieve, Top, Update
  void accept(std::vector<Listed> messages);  // Login: the snapshot, in the order of its numbers
  // `-ERR text`; `text` begins with its response code, if it has one (RFC 2449 section 8). After Update:
  // closed.
  void refuse(std::string_view text);
  // Retrieve, Top: the same for a message that cannot be read. DELE of it is refused until it is read after
  // all.
  void refuse_damaged(std::string_view text);
  // Ends the session now, with `-ERR text` where there is one. Before body_end() the output lacks the final
  // dot.
  void close(std::string_view text = {});
  void tls_started();

  // More of the accepted message in CRLF form; dots are stuffed here. The output may be sent in between.
  void body(ByteView text) { dots_.write(text, output_); }
  void body_end();

  const Bytes& output() const { return output_; }
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
  // The message that `number` names; none, and refused, where there is no such or no longer.
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
    bool damaged = false;
  };

  Options options_;
  ReplyCounts replies_;
  CommandLines lines_;
  wire::DotWriter dots_;
  Bytes output_;
  Event event_ = NeedInput{};
  bool awaiting_ = false;
  State state_ = State::Authorization;
  std::string user_;
  std::optional<sasl::Exchange> exchange_;
  std::vector<Entry> messages_;
  std::size_t count_ = 0;     // not deleted
  std::uint64_t octets_ = 0;  // of these
  Listing listing_ = Listing::None;
  std::size_t listed_ = 0;
};

}  // namespace gw::pop3
