#include "smtp/session.h"

#include <algorithm>
#include <utility>

namespace gw::smtp {
namespace {

constexpr std::size_t kMaxAuthLine = 12'288;  // RFC 4954 section 4
constexpr std::string_view kSendIt = "End data with <CR><LF>.<CR><LF>";

// Returns the position at which a lone CR or LF in `data` is recognised; their size if there is
// none. `after_cr` carries the state from one piece of the body to the next.
std::size_t find_bare_newline(ByteView data, bool& after_cr) {
  const std::string_view text = as_text(data);
  for (std::size_t at = 0; at < text.size(); ++at) {
    if ((text[at] == '\n') != after_cr) return at;
    after_cr = text[at] == '\r';
  }
  return text.size();
}

}  // namespace

Session::Session(Options options) : options_(std::move(options)), lines_(options_.max_line) {}

void Session::set_options(Options options) {
  // Only the session knows whether tls_started() was called.
  options.tls_active = options_.tls_active;
  options_ = std::move(options);
}

void Session::greet() {
  if (mode_ != Mode::Greeting) return;
  mode_ = Mode::Command;
  say({220, "", options_.host + " ESMTP gw"});
}

void Session::receive(ByteView bytes) {
  if (bytes.empty() || mode_ == Mode::Done) return;
  if (mode_ == Mode::Greeting) return close(Refusal::EarlyTalk);
  // Bytes that arrive while STARTTLS waits for its answer are plaintext injection (CVE-2011-0411),
  // like bytes in the same piece as the command, which start_tls() refuses.
  if (awaiting_ && std::holds_alternative<StartTls>(event_)) {
    say(Refusal::BehindStartTls);
    return finish();
  }
  input_ = bytes;
}

void Session::receive_eof() {
  eof_ = true;
}

std::string Session::take_output() {
  return std::exchange(output_, {});
}

const Event& Session::give(Event event, bool awaits) {
  event_ = std::move(event);
  awaiting_ = awaits;
  return event_;
}

const Event& Session::next_event() {
  if (awaiting_) return event_;
  for (;;) {
    if (mode_ == Mode::Done) return give(Closed{});
    if (std::exchange(hello_waits_, false)) return give(AuthOffer{}, true);
    // The driver has received the good bytes before the trouble. Now report it, unless the driver
    // refused the message itself.
    if (const auto trouble = std::exchange(trouble_, std::nullopt); trouble && !verdict_)
      return *discard(*trouble);
    // A BDAT chunk that is complete, or of size 0, is answered without further input.
    if (input_.empty() && !(mode_ == Mode::Chunk && chunk_left_ == 0)) {
      if (!eof_) return give(NeedInput{});
      const Event* aborted = abort_mail();
      finish();
      return aborted ? *aborted : give(Closed{});
    }
    const Event* event = nullptr;
    if (mode_ == Mode::Data)
      event = data_event();
    else if (mode_ == Mode::Chunk)
      event = chunk_event();
    else
      event = line_event();
    if (event) return *event;
  }
}

const Event* Session::line_event() {
  const wire::LineReader::Found found = lines_.next(input_);
  if (found.kind == wire::LineReader::Kind::NeedMore) return nullptr;
  if (found.kind == wire::LineReader::Kind::Fault) return bad_line(found);
  if (mode_ == Mode::Auth) {
    mode_ = Mode::Command;
    // RFC 4954 section 4: `*` cancels the exchange. Handled here, so that every mechanism supports
    // it.
    if (found.text == "*") {
      lines_.set_limit(options_.max_line);
      return say(Refusal::ExchangeCancelled);
    }
    return &give(AuthLine{found.text}, true);
  }
  return obey(found.text);
}

const Event* Session::bad_line(const wire::LineReader::Found& found) {
  const bool not_smtp = looks_like_http(found.text) || (!options_.tls_active && looks_like_tls(found.text));
  if (not_smtp && mode_ == Mode::Command) {
    close(Refusal::NotSmtp);
  } else if (++bad_lines_ >= options_.max_bad_lines) {
    close(Refusal::TooManyErrors);
  } else {
    // A malformed line ends an authentication exchange.
    if (std::exchange(mode_, Mode::Command) == Mode::Auth) lines_.set_limit(options_.max_line);
    using Fault = wire::LineReader::Fault;
    const bool bad_end = found.fault == Fault::BareLf || found.fault == Fault::BareCr;
    say(bad_end ? Refusal::BadLineEnd : Refusal::BadLine);
  }
  return nullptr;
}

const Event* Session::data_event() {
  const wire::DotReader::Piece piece = dots_.next(input_);
  if (!piece.end) return body_event(piece.data);
  mode_ = Mode::Command;
  return body_done();
}

const Event* Session::chunk_event() {
  if (chunk_left_ > 0) {
    const ByteView data =
        input_.first(static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, input_.size())));
    input_ = input_.subspan(data.size());
    chunk_left_ -= data.size();
    // The bytes of a refused chunk are dropped, but they must be read: they are data, never
    // commands.
    return chunk_refusal_ ? nullptr : body_event(data);
  }
  mode_ = Mode::Command;
  if (chunk_refusal_) return say(*std::exchange(chunk_refusal_, std::nullopt));
  if (chunk_last_) return body_done();
  if (verdict_) {
    const Reply verdict = *verdict_;
    reset_mail();
    // RFC 3030 section 2: after a failed BDAT the client may already have sent further ones. Each
    // gets the same reply and none starts a new message.
    spoiled_ = verdict;
    return say(verdict);
  }
  return say({250, "2.0.0", "OK: " + std::to_string(chunk_bytes_) + " bytes"});
}

const Event* Session::body_event(ByteView data) {
  const std::uint64_t before = std::exchange(size_, size_ + data.size());
  if (data.empty() || verdict_) return nullptr;
  // The good bytes before the trouble are reported first, so that the events do not depend on how
  // the input is cut.
  if (options_.max_size != 0 && size_ > options_.max_size) {
    data = data.first(static_cast<std::size_t>(options_.max_size - std::min(before, options_.max_size)));
    trouble_ = Refusal::TooLarge;
  }
  if (options_.reject_bare_newline) {
    const std::size_t good = find_bare_newline(data, after_cr_);
    if (good < data.size()) trouble_ = Refusal::BareNewline;
    data = data.first(good);
  }
  if (data.empty()) return discard(*std::exchange(trouble_, std::nullopt));
  return &give(BodyBytes{data});
}

const Event* Session::body_done() {
  if (!verdict_ && after_cr_) {
    // The message ends with a lone CR. After DATA that is impossible; it happens with BDAT.
    const Event* event = abort_mail();
    say(Refusal::BareNewline);
    return event;
  }
  if (!verdict_) return &give(BodyEnd{}, true);
  const Reply verdict = *verdict_;
  reset_mail();
  return say(verdict);
}

const Event* Session::discard(Refusal refusal) {
  // The driver forgets the message now, while the session reads and drops the rest. The reply must
  // wait for its end: until then the client does not read.
  verdict_ = reply(refusal);
  return &give(Aborted{});
}

void Session::accept(std::string_view text) {
  if (std::holds_alternative<AuthOffer>(event_)) return offer_auth(true);
  const auto positive = [&](int code, std::string_view enhanced, std::string_view usual) {
    accept(Reply(code, enhanced, text.empty() ? usual : text));
  };
  if (std::holds_alternative<StartTls>(event_)) {
    positive(220, "2.0.0", "Ready to start TLS");
  } else if (std::holds_alternative<AuthStart>(event_) || std::holds_alternative<AuthLine>(event_)) {
    positive(235, "2.7.0", "Authentication successful");
  } else if (std::holds_alternative<MailFrom>(event_)) {
    positive(250, "2.1.0", "OK");
  } else if (std::holds_alternative<RcptTo>(event_)) {
    positive(250, "2.1.5", "OK");
  } else if (std::holds_alternative<DataStart>(event_)) {
    positive(354, "", kSendIt);
  } else if (std::holds_alternative<BodyEnd>(event_)) {
    positive(250, "2.0.0", "OK");
  }
}

void Session::accept(const Reply& reply) {
  if (!std::exchange(awaiting_, false)) return;
  if (std::holds_alternative<AuthStart>(event_) || std::holds_alternative<AuthLine>(event_)) {
    authenticated_ = true;
    auth_trouble_ = false;
    lines_.set_limit(options_.max_line);
  } else if (const auto* from = std::get_if<MailFrom>(&event_)) {
    mail_ = true;
    smtputf8_ = from->smtputf8;
    spoiled_.reset();
  } else if (std::holds_alternative<RcptTo>(event_)) {
    ++recipients_;
  } else if (std::holds_alternative<DataStart>(event_)) {
    mode_ = Mode::Data;
    dots_.restart();
  } else if (std::holds_alternative<BodyEnd>(event_)) {
    reset_mail();
  }
  event_ = NeedInput{};
  say(reply);
}

void Session::refuse(const Reply& refusal) {
  // Refuses a message in the middle of its body: BodyBytes needs no answer, so awaiting_ is false.
  if (std::holds_alternative<BodyBytes>(event_) && mode_ != Mode::Done) {
    verdict_ = refusal;
    event_ = NeedInput{};
    return;
  }
  if (std::holds_alternative<AuthOffer>(event_)) return offer_auth(false);
  if (!std::exchange(awaiting_, false)) return;
  const bool authenticating =
      std::holds_alternative<AuthStart>(event_) || std::holds_alternative<AuthLine>(event_);
  if (authenticating) lines_.set_limit(options_.max_line);
  if (refusal.temporary()) {
    auth_trouble_ = auth_trouble_ || authenticating;
    tls_trouble_ = tls_trouble_ || std::holds_alternative<StartTls>(event_);
    deferred_recipient_ = deferred_recipient_ || std::holds_alternative<RcptTo>(event_);
  }
  // Only wrong credentials count. A store that cannot be reached must not lock out clients.
  if (authenticating && refusal.code == 535 && ++auth_failures_ >= options_.max_auth_failures) {
    event_ = NeedInput{};
    return close(Refusal::TooManyFailures);
  }
  if (std::holds_alternative<BodyEnd>(event_)) reset_mail();
  event_ = NeedInput{};
  say(refusal);
  if (refusal.closes()) finish();
}

void Session::challenge(std::string_view base64) {
  if (!std::exchange(awaiting_, false)) return;
  event_ = NeedInput{};
  mode_ = Mode::Auth;
  lines_.set_limit(kMaxAuthLine);
  say({334, "", base64});
}

void Session::offer_auth(bool offered) {
  if (!awaiting_ || !std::holds_alternative<AuthOffer>(event_)) return;
  awaiting_ = false;
  event_ = NeedInput{};
  options_.announce_auth = offered;
  announce();
}

void Session::tls_started() {
  options_.tls_active = true;
  mode_ = Mode::Command;
  lines_.forget();
  // RFC 3207 section 4.2: forget everything that the client said without TLS. auth_failures_ stays,
  // or STARTTLS would give further attempts.
  helo_.clear();
  extended_ = false;
  authenticated_ = false;
  auth_trouble_ = false;
  tls_trouble_ = false;
  bad_lines_ = 0;
  spoiled_.reset();
  reset_mail();
}

void Session::close(Refusal refusal) {
  if (mode_ == Mode::Done) return;
  say(refusal);
  finish();
}

void Session::finish() {
  mode_ = Mode::Done;
  awaiting_ = false;
  input_ = {};
  lines_.forget();
}

const Event* Session::say(const Reply& reply) {
  if (reply.permanent()) {
    ++replies_.refused;
    last_permanent_ = reply.code;
  } else {
    ++(reply.positive() ? replies_.completed : replies_.deferred);
  }
  output_ += reply.wire();
  return nullptr;
}

const Event* Session::abort_mail() {
  // If the body is being dropped, Aborted was reported before, or the driver refused the message
  // itself.
  const bool told = verdict_.has_value();
  const bool in_progress = std::exchange(mail_, false);
  reset_mail();
  spoiled_.reset();
  return in_progress && !told ? &give(Aborted{}) : nullptr;
}

void Session::reset_mail() {
  mail_ = false;
  smtputf8_ = false;
  recipients_ = 0;
  deferred_recipient_ = false;
  chunked_ = false;
  size_ = 0;
  after_cr_ = false;
  verdict_.reset();
}

}  // namespace gw::smtp
