// The server side of one SMTP conversation (RFC 5321), without the network.
//
// A Session owns no socket, clock or vault. Its driver passes in the bytes that arrived, asks what they mean,
// and sends what the Session wants sent:
//
//   session.greet();
//   for (;;) {
//     const Event& event = session.next_event();
//     ...                                    // answer it, or at NeedInput:
//     send(session.take_output());
//     session.receive(bytes);
//   }
//
// Commands that are malformed, out of order or over a limit are refused here and never become events. So
// every event the driver sees is one that the protocol allows now, and its only job is policy: accept() or
// refuse(). How the input is cut into pieces makes no difference to events and output.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "smtp/command.h"
#include "smtp/refusals.h"
#include "smtp/reply.h"
#include "wire/dot_reader.h"
#include "wire/line_reader.h"

namespace gw::smtp {

struct Options {
  std::string host;                       // ours: greeting and EHLO
  std::uint64_t max_size = 512ull << 20;  // octets of a message; 0: no limit
  std::size_t max_recipients = 1000;
  std::size_t max_line = 2046;    // octets of a command without its CRLF: a path of 1,000 and its parameters
  std::size_t max_bad_lines = 3;  // the last one ends the connection
  std::size_t max_auth_failures = 3;
  // What EHLO announces, and what is understood.
  bool chunking = true;
  bool eight_bit = true;
  bool smtputf8 = true;
  bool enhanced_codes = true;
  bool dsn = false;
  bool limits = true;  // RCPTMAX
  std::vector<std::string> mechanisms{"PLAIN", "LOGIN"};
  std::string manual = "gw-smtpd(8)";
  bool ask_data = false;             // DATA is an event: its driver has somebody to ask
  bool starttls = false;             // can be had
  bool tls_active = false;           // from the first octet on (port 465)
  bool require_tls = false;          // nothing but TLS first
  bool announce_auth = false;        // AUTH, where it may be used
  bool ask_auth = false;             // asks by AuthOffer at each EHLO where it may be used
  bool plaintext_auth = false;       // it may be used without TLS
  bool reject_bare_newline = false;  // else a lone CR or LF in a message is kept as it is
};

struct NeedInput {};  // send take_output(); then receive() or receive_eof(). All input so far is used up
struct StartTls {};   // accept(), send take_output(), handshake, tls_started()
// EHLO's answer waits for offer_auth(): can anybody authenticate now?
struct AuthOffer {};
// Awaits challenge(), accept() or refuse(). Views are valid until then.
struct AuthStart {
  std::string_view mechanism;
  std::optional<std::string_view> initial;  // in base64
};
struct AuthLine {
  std::string_view line;  // in base64
};
using MailFrom = MailArguments;  // awaits an answer
using RcptTo = RcptArguments;    // awaits an answer
struct DataStart {};             // awaits an answer; only with ask_data
// More of the message; valid until the next call. Needs no answer; after refuse() the rest is read and
// dropped, and the sender hears the reply at its end.
struct BodyBytes {
  ByteView bytes;
};
struct BodyEnd {};  // awaits accept() once the message is durable
struct Aborted {};  // forget the mail in progress: RSET, EHLO, over a limit, or the client left
struct Closed {};   // send take_output() and close; nothing follows

using Event = std::variant<NeedInput, StartTls, AuthOffer, AuthStart, AuthLine, MailFrom, RcptTo, DataStart,
                           BodyBytes, BodyEnd, Aborted, Closed>;

// Replies that a session gave, by class.
struct ReplyCounts {
  std::size_t completed = 0;  // 2xx, 3xx
  std::size_t deferred = 0;   // 4xx
  std::size_t refused = 0;    // 5xx
};

class Session {
 public:
  explicit Session(Options options);

  // Replaces what EHLO announces and what is understood, before the first octets are obeyed. Whether TLS is
  // active stays the session's own.
  void set_options(Options options);

  // Says who we are. Whatever is received before ends the session (early talk).
  void greet();

  // Gives the session bytes from the client, where the last event was NeedInput. They must stay as they are
  // until it is NeedInput again. Bytes behind a STARTTLS command end the session and are never read as
  // commands inside TLS (CVE-2011-0411).
  void receive(ByteView bytes);
  // The client sends no more.
  void receive_eof();

  // The next thing that happened. While an event awaits an answer, asking again gives that same event.
  const Event& next_event();

  // Answers the event in hand: with the usual reply or, behind its code, with `text`.
  void accept(std::string_view text = {});
  void accept(const Reply& reply);  // the same with this reply, which is positive
  void refuse(const Reply& reply);
  void refuse(Refusal refusal) { refuse(reply(refusal)); }
  void challenge(std::string_view base64);  // AuthStart and AuthLine: 334
  void offer_auth(bool offered);            // AuthOffer: announced and taken, or neither

  // The handshake after StartTls is done: the session starts anew, without a greeting.
  void tls_started();
  // Ends the session from our side, whatever it is at: 421.
  void close(Refusal refusal);

  // What is to be sent. Taking it leaves nothing.
  std::string take_output();
  std::size_t output_size() const { return output_.size(); }

  const std::string& helo() const { return helo_; }  // as the client called itself
  bool extended() const { return extended_; }        // by EHLO
  bool tls_active() const { return options_.tls_active; }
  bool in_body() const { return mode_ == Mode::Data || mode_ == Mode::Chunk; }
  bool quit() const { return quit_; }                      // the client has taken its leave
  const ReplyCounts& replies() const { return replies_; }  // so far
  int last_permanent() const { return last_permanent_; }   // code of the last one; 0: none
  // An AUTH was refused for trouble of ours, and none has succeeded since. A recipient that needs AUTH is
  // then deferred: the client did what it could.
  bool auth_trouble() const { return auth_trouble_; }
  // What a command hears that needs TLS while there is none: deferred if it is ours to mend that there is
  // none.
  Refusal without_tls() const {
    return tls_trouble_ || !options_.starttls ? Refusal::TlsUnavailable : Refusal::TlsRequired;
  }

 private:
  enum class Mode : unsigned char { Greeting, Command, Auth, Data, Chunk, Done };

  const Event& give(Event event, bool awaits = false);
  const Event* line_event();
  const Event* data_event();
  const Event* chunk_event();
  const Event* body_event(ByteView octets);
  const Event* bad_line(std::string_view text);
  const Event* obey(std::string_view line);
  const Event* hello(Verb verb, std::string_view name);
  const Event* start_tls(std::string_view argument);
  const Event* auth(std::string_view argument);
  const Event* mail(std::string_view argument);
  const Event* rcpt(std::string_view argument);
  const Event* data(std::string_view argument);
  const Event* bdat(std::string_view argument);
  const Event* body_done();

  const Event* say(const Reply& reply);
  const Event* say(Refusal refusal) { return say(reply(refusal)); }
  const Event* abort_mail();              // Aborted if a mail was in progress
  const Event* discard(Refusal refusal);  // the rest of a body that has begun
  Refusal without_recipient() const;
  void reset_mail();
  void finish();
  void announce();
  bool may_authenticate() const { return options_.tls_active || options_.plaintext_auth; }

  Options options_;
  Mode mode_ = Mode::Greeting;
  wire::LineReader lines_;
  wire::DotReader dots_;
  ByteView input_;
  bool eof_ = false;
  std::string output_;
  Event event_;
  bool awaiting_ = false;
  bool quit_ = false;
  std::size_t bad_lines_ = 0;
  std::size_t auth_failures_ = 0;
  ReplyCounts replies_;
  int last_permanent_ = 0;

  std::string helo_;
  bool extended_ = false;
  bool authenticated_ = false;
  bool auth_trouble_ = false;
  bool tls_trouble_ = false;  // STARTTLS was refused for trouble of ours
  bool hello_waits_ = false;  // an EHLO is to be answered once AuthOffer is

  // The mail in progress.
  bool mail_ = false;
  bool smtputf8_ = false;
  std::size_t recipients_ = 0;
  bool deferred_recipient_ = false;  // one was refused with 4xx
  bool chunked_ = false;             // a BDAT of it was taken
  std::uint64_t octets_ = 0;
  bool after_cr_ = false;           // of its content, for reject_bare_newline
  std::optional<Reply> verdict_;    // it is being read and dropped; the reply at its end
  std::optional<Refusal> trouble_;  // of the body, behind the octets that were given last

  std::uint64_t chunk_octets_ = 0;
  std::uint64_t chunk_left_ = 0;
  bool chunk_last_ = false;
  std::optional<Reply> chunk_refusal_;  // this chunk is no part of a mail; the reply behind its octets
  std::optional<Reply> spoiled_;        // what each BDAT behind a failed one hears (RFC 3030 section 2)
};

}  // namespace gw::smtp
