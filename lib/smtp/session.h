// The server side of one SMTP conversation (RFC 5321), without network.
//
// A Session owns no socket, clock or vault. Its driver passes in the received bytes, asks for the
// next event, and sends the output:
//
//   session.greet();
//   for (;;) {
//     const Event& event = session.next_event();
//     ...                                    // answer it, or at NeedInput:
//     send(session.take_output());
//     session.receive(bytes);
//   }
//
// The Session itself refuses commands that are malformed, out of order or over a limit. So every
// event is one that the protocol allows at this point, and the driver only decides policy: accept()
// or refuse(). Events and output do not depend on how the input is cut into pieces.
//
// One thread uses a Session at a time.
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
  std::string host;                       // this server's name, for the greeting and EHLO
  std::uint64_t max_size = 512ull << 20;  // bytes of a message; 0 for no limit
  std::size_t max_recipients = 1000;      // accepted recipients of one message
  // Bytes of a command line without its CRLF: a path of 1000 bytes and its parameters.
  std::size_t max_line = 2046;
  std::size_t max_bad_lines = 3;      // bad lines; the last one ends the connection
  std::size_t max_auth_failures = 3;  // wrong credentials (535); the last one ends the connection
  // Extensions that EHLO announces. `chunking` also decides whether BDAT is accepted.
  bool chunking = true;
  bool eight_bit = true;
  bool smtputf8 = true;
  bool enhanced_codes = true;
  bool dsn = false;
  bool limits = true;  // LIMITS RCPTMAX (RFC 9422)
  std::vector<std::string> mechanisms{"PLAIN", "LOGIN"};
  std::string manual = "gw-smtpd(8)";  // for the reply to HELP
  bool ask_data = false;               // DATA is the event DataStart; otherwise always accepted
  bool starttls = false;               // STARTTLS is available
  bool tls_active = false;             // TLS from the first byte (port 465)
  bool require_tls = false;            // refuse mail without TLS
  bool announce_auth = false;          // offer AUTH, with TLS or if plaintext_auth is set
  bool ask_auth = false;               // let AuthOffer at each EHLO decide that instead
  bool plaintext_auth = false;         // AUTH may be used without TLS
  bool reject_bare_newline = false;    // otherwise a lone CR or LF in a message is kept
};

// All input is used up. Send take_output(), then call receive() or receive_eof().
struct NeedInput {};
// STARTTLS. Call refuse(); or accept(), send take_output(), do the handshake and call
// tls_started().
struct StartTls {};
// The reply to EHLO waits for offer_auth(): can a client authenticate now? Only with ask_auth.
struct AuthOffer {};
// AUTH. Answer with challenge(), accept() or refuse(). The views are valid until then.
struct AuthStart {
  std::string_view mechanism;
  std::optional<std::string_view> initial;  // the initial response in base64, or `=`
};
// The client's response to challenge(). Answer like AuthStart.
struct AuthLine {
  std::string_view line;  // in base64
};
// MAIL and RCPT. Answer with accept() or refuse().
using MailFrom = MailArguments;
using RcptTo = RcptArguments;
// DATA. Answer with accept() or refuse(). Only with ask_data.
struct DataStart {};
// More of the message, valid until the next call. Needs no answer. After refuse() the rest of the
// message is read and dropped, and the client receives the reply at its end.
struct BodyBytes {
  ByteView bytes;
};
// The end of the message. Call accept() only after the message is durable: the client then forgets
// it.
struct BodyEnd {};
// The mail in progress ends without a message: RSET, EHLO, a limit was exceeded, or the client
// left. Forget its data.
struct Aborted {};
// Send take_output() and close the connection; no other event follows.
struct Closed {};

using Event = std::variant<NeedInput, StartTls, AuthOffer, AuthStart, AuthLine, MailFrom, RcptTo, DataStart,
                           BodyBytes, BodyEnd, Aborted, Closed>;

// Number of replies that a session sent, by class.
struct ReplyCounts {
  std::size_t completed = 0;  // 2xx, 3xx
  std::size_t deferred = 0;   // 4xx
  std::size_t refused = 0;    // 5xx
};

class Session {
 public:
  explicit Session(Options options);

  // Replaces the options, except for tls_active, which the session knows itself, and the length
  // limit of the next command line. Call it before the first bytes are received.
  void set_options(Options options);

  // Sends the greeting. Bytes received before it end the session: only spam programs send before
  // the greeting.
  void greet();

  // Passes bytes from the client. Call it only after NeedInput. The bytes must stay valid until the
  // next NeedInput. Bytes after a STARTTLS command end the session and are never read as commands
  // inside TLS (CVE-2011-0411).
  void receive(ByteView bytes);
  // Reports that the client closed its side. Commands received before are still executed.
  void receive_eof();

  // Returns the next event, valid until the next call of any function. While an event waits for an
  // answer, returns the same event again.
  const Event& next_event();

  // These functions answer the current event; without an event that waits, they do nothing.

  // Accepts with the usual reply, or with the usual code and `text`.
  void accept(std::string_view text = {});
  // Accepts with this reply, which must be positive.
  void accept(const Reply& reply);
  void refuse(const Reply& reply);
  void refuse(Refusal refusal) { refuse(reply(refusal)); }
  // Answers AuthStart and AuthLine with a challenge (334); the event AuthLine follows.
  void challenge(std::string_view base64);
  // Answers AuthOffer: AUTH is announced and accepted, or neither.
  void offer_auth(bool offered);

  // Call it after the TLS handshake. The session starts again without a greeting, and the client's
  // name, authentication and mail are forgotten (RFC 3207 section 4.2).
  void tls_started();
  // Sends this refusal, one of those that end the connection, and ends the session in any state.
  void close(Refusal refusal);

  // Returns the bytes to send and removes them.
  std::string take_output();
  std::size_t output_size() const { return output_.size(); }

  const std::string& helo() const { return helo_; }  // the client's name; empty before HELO or EHLO
  bool extended() const { return extended_; }        // the client sent EHLO
  bool tls_active() const { return options_.tls_active; }
  bool in_body() const { return mode_ == Mode::Data || mode_ == Mode::Chunk; }
  bool quit() const { return quit_; }                      // the client sent QUIT
  const ReplyCounts& replies() const { return replies_; }  // so far
  int last_permanent() const { return last_permanent_; }   // code of the last 5xx reply; 0 if none
  // Returns true if an AUTH failed because of an internal error (4xx) and none has succeeded since.
  // A recipient that needs AUTH is then deferred and not rejected, because the client did its part.
  bool auth_trouble() const { return auth_trouble_; }
  // Returns the refusal for a command that needs TLS when TLS is not active: TlsUnavailable (4xx)
  // if the server cannot start TLS at the moment, otherwise TlsRequired.
  Refusal without_tls() const {
    return tls_trouble_ || !options_.starttls ? Refusal::TlsUnavailable : Refusal::TlsRequired;
  }

 private:
  enum class Mode : unsigned char { Greeting, Command, Auth, Data, Chunk, Done };

  // Functions that return a pointer return the event to report, or null if next_event() shall go
  // on.
  const Event& give(Event event, bool awaits = false);
  const Event* line_event();
  const Event* data_event();
  const Event* chunk_event();
  const Event* body_event(ByteView data);
  const Event* bad_line(const wire::LineReader::Found& found);
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
  const Event* abort_mail();              // returns Aborted if the driver knows of a mail
  const Event* discard(Refusal refusal);  // drops the rest of a body that has begun
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
  bool tls_trouble_ = false;  // STARTTLS was refused because of an internal error
  bool hello_waits_ = false;  // AuthOffer must be reported before EHLO is answered

  // The mail in progress.
  bool mail_ = false;
  bool smtputf8_ = false;
  std::size_t recipients_ = 0;
  bool deferred_recipient_ = false;  // a recipient was refused with 4xx
  bool chunked_ = false;             // a BDAT was accepted; RCPT and DATA are no longer allowed
  std::uint64_t size_ = 0;
  bool after_cr_ = false;           // the body's last byte was a CR; for reject_bare_newline
  std::optional<Reply> verdict_;    // the body is being dropped; this is the reply at its end
  std::optional<Refusal> trouble_;  // found in the body directly after the last BodyBytes

  std::uint64_t chunk_bytes_ = 0;       // size of the current BDAT chunk
  std::uint64_t chunk_left_ = 0;        // bytes of it that are not read yet
  bool chunk_last_ = false;             // it has LAST
  std::optional<Reply> chunk_refusal_;  // it is dropped; this is the reply after it
  std::optional<Reply> spoiled_;        // the reply to BDAT after a failed one (RFC 3030 section 2)
};

}  // namespace gw::smtp
