#include "gate/smtp_server.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <utility>

#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "gate/smtp_auth.h"
#include "gate/smtp_mail.h"
#include "gate/smtp_policy.h"
#include "gate/transaction.h"
#include "net/serve.h"
#include "smtp/session.h"

namespace gw::gate {
namespace {

using smtp::Refusal;
using std::chrono::milliseconds;

constexpr std::size_t kCommandBuffer = 4 << 10;  // on the stack, of which an idle connection touches little
constexpr std::size_t kBodyBuffer = 64 << 10;    // made when a message comes in, given back behind it
constexpr std::size_t kOutput = 16 << 10;        // replies that are gathered before they are sent
constexpr milliseconds kLastWords{2'000};        // for the 421 of a process that stops
constexpr std::size_t kIdsInReply = 12;          // fit into one reply line
constexpr std::string_view kGone = "closed by the client";

class Connection {
 public:
  Connection(net::Stream stream, const SmtpListener& listener, const SmtpService& service)
      : stream_(std::move(stream)),
        listener_(listener),
        service_(service),
        name_(new_transaction()),
        peer_(stream_.peer().address.empty() ? "local" : stream_.peer().address),
        tally_("smtp", service.report),
        session_(session_options()) {}

  void serve();

 private:
  smtp::Options session_options() const;
  void converse();
  bool step();
  bool need_input();
  bool flush();
  bool handshake();
  bool start_tls();
  store::Store* store();
  void auth_step(sasl::Step step);
  void mail(const smtp::MailFrom& from);
  void rcpt(const smtp::RcptTo& to);
  void body(ByteView octets);
  void body_end();
  void fail(const Error& error, std::string_view what);
  bool too_slow() const;
  void note_refusals();
  void refuse_recipient(const smtp::RcptTo& to, Refusal refusal);
  vault::Envelope envelope(const smtp::MailFrom& from) const;

  net::Stream stream_;
  const SmtpListener& listener_;
  const SmtpService& service_;
  std::string name_;
  std::string peer_;
  SessionTally tally_;
  smtp::Session session_;
  std::array<std::byte, kCommandBuffer> command_;
  std::unique_ptr<std::byte[]> body_;
  store::Store* store_ = nullptr;
  std::optional<sasl::Exchange> exchange_;  // AUTH under way
  std::optional<MailboxId> sender_;         // whose token was given
  bool secret_in_buffer_ = false;           // of AUTH
  std::optional<SmtpMail> mail_;
  std::uint64_t announced_ = 0;  // by SIZE
  std::size_t mails_ = 0;        // begun
  std::size_t accepted_ = 0;
  std::size_t recipients_refused_ = 0;
  std::chrono::steady_clock::time_point body_begun_;
  std::uint64_t body_octets_ = 0;           // that came since
  std::map<MailboxId, std::string> known_;  // mailboxes that were named
  std::string reason_{kGone};
};

smtp::Options Connection::session_options() const {
  smtp::Options options;
  options.host = service_.host;
  options.max_size = service_.max_size;
  options.max_recipients = service_.max_recipients;
  options.starttls = static_cast<bool>(service_.tls);
  options.tls_active = listener_.implicit_tls;
  options.require_tls = service_.require_tls;
  options.ask_auth = true;
  options.plaintext_auth = service_.allow_plaintext_auth && stream_.peer().loopback();
  options.reject_bare_newline = service_.reject_bare_newline;
  return options;
}

void Connection::serve() {
  if (!listener_.implicit_tls || handshake()) converse();
  stream_.close();
  if (session_.replies().refused > 0) note_refusals();
  log::info("smtp session ended", {{"session", name_},
                                   {"peer", peer_},
                                   {"accepted", accepted_},
                                   {"refused", recipients_refused_},
                                   {"reason", reason_}});
  store::Tally& counts = tally_.counts();
  counts.tls = stream_.tls() ? 1 : 0;
  counts.completed = session_.replies().completed;
  counts.deferred = session_.replies().deferred;
  counts.refused = session_.replies().refused;
  tally_.end();
}

void Connection::converse() {
  if (service_.listen_for_early_talk && stream_.pending()) {
    static constexpr std::array<std::byte, 1> kSomething{};
    session_.receive(kSomething);
  } else {
    session_.greet();
  }
  while (step()) {
  }
}

// Does the next thing. False: the connection has ended.
bool Connection::step() {
  const smtp::Event& event = session_.next_event();
  if (std::holds_alternative<smtp::NeedInput>(event)) return need_input();
  if (const auto* bytes = std::get_if<smtp::BodyBytes>(&event)) {
    body(bytes->bytes);
    return true;
  }
  if (std::holds_alternative<smtp::Closed>(event)) {
    if (session_.output_size() > 0 && reason_ == kGone) reason_ = "ended by our reply";
    stream_.last_words(kLastWords);
    flush();
    return false;
  }
  if (std::holds_alternative<smtp::StartTls>(event)) return start_tls();
  if (const auto* from = std::get_if<smtp::MailFrom>(&event)) {
    mail(*from);
  } else if (const auto* to = std::get_if<smtp::RcptTo>(&event)) {
    rcpt(*to);
  } else if (std::holds_alternative<smtp::BodyEnd>(event)) {
    body_end();
  } else if (std::holds_alternative<smtp::Aborted>(event)) {
    mail_.reset();
  } else if (std::holds_alternative<smtp::AuthOffer>(event)) {
    session_.offer_auth(senders_known(store()));
  } else if (const auto* start = std::get_if<smtp::AuthStart>(&event)) {
    exchange_.emplace(sasl::make_mechanism(start->mechanism));
    auth_step(exchange_->start(start->initial));
  } else if (const auto* line = std::get_if<smtp::AuthLine>(&event)) {
    auth_step(exchange_->respond(line->line));
  }
  return session_.output_size() < kOutput || flush();
}

bool Connection::need_input() {
  if (!flush()) return false;
  // All input is used up: not before, for commands may stand behind an AUTH in the same buffer.
  if (std::exchange(secret_in_buffer_, false)) wipe(command_);
  const bool in_body = session_.in_body();
  if (in_body && mail_ && store_ != nullptr) mail_->prepare(*store_);
  if (in_body && !body_) {
    body_ = std::make_unique_for_overwrite<std::byte[]>(kBodyBuffer);
    body_begun_ = std::chrono::steady_clock::now();
    body_octets_ = 0;
  }
  if (!in_body) body_.reset();
  const std::span<std::byte> buffer =
      in_body ? std::span(body_.get(), kBodyBuffer) : std::span<std::byte>(command_);
  // A message that is on its way may end; everything else is told at once that the process stops.
  stream_.finish(in_body ? service_.grace : milliseconds(0));
  const milliseconds patience = in_body ? service_.data_timeout : service_.idle_timeout;
  stream_.set_timeout(service_.scarce() ? std::min(patience, service_.scarce_timeout) : patience);
  const Result<std::size_t> got = stream_.read(buffer);
  if (got && in_body) body_octets_ += *got;
  if (got && in_body && service_.scarce() && too_slow()) {
    mail_.reset();
    reason_ = "too slow while connections are scarce";
    session_.close(Refusal::Idle);
    return true;
  }
  if (got) {
    *got == 0 ? session_.receive_eof() : session_.receive(buffer.first(*got));
    return true;
  }
  mail_.reset();
  reason_ = got.error().text();
  if (got.error().code() == Code::Timeout) {
    session_.close(Refusal::Idle);
  } else if (net::stop::requested()) {
    session_.close(Refusal::Stopping);
  } else {
    return false;
  }
  return true;
}

bool Connection::too_slow() const {
  using std::chrono::duration_cast;
  const auto passed = duration_cast<milliseconds>(std::chrono::steady_clock::now() - body_begun_);
  return passed > service_.scarce_timeout &&
         body_octets_ * 1000 < service_.scarce_rate * static_cast<std::uint64_t>(passed.count());
}

// A journal source that hears 5xx gives its mail up: `gw-store doctor` says so, by what is noted here.
void Connection::note_refusals() {
  for (const auto& [id, name] : known_) {
    log::warning("sender heard 5xx", {{"session", name_},
                                      {"peer", peer_},
                                      {"mailbox", name},
                                      {"code", session_.last_permanent()},
                                      {"replies", session_.replies().refused}});
    store::Leaf leaf;
    leaf.type = store::LeafType::Refused;
    leaf.mailbox = id;
    leaf.value = static_cast<std::uint64_t>(session_.last_permanent());
    leaf.actor = "smtp " + peer_;
    if (const auto noted = store_->note(id, leaf); !noted) fail(noted.error(), "cannot note a refusal");
  }
}

bool Connection::flush() {
  if (session_.output_size() == 0) return true;
  const std::string output = session_.take_output();
  const Result<void> sent = stream_.write(as_bytes(output));
  if (!sent) reason_ = sent.error().text();
  return sent.has_value();
}

bool Connection::handshake() {
  const auto tls = service_.tls ? service_.tls() : Error(Code::Config, "no certificate is configured");
  if (!tls) {
    log::error("no TLS", {{"session", name_}, {"reason", tls.error().text()}});
    reason_ = tls.error().text();
    return false;
  }
  const Result<void> done = stream_.accept_tls(**tls, service_.handshake_timeout, "smtp");
  if (!done) reason_ = "handshake: " + done.error().text();
  return done.has_value();
}

bool Connection::start_tls() {
  const auto tls = service_.tls();
  if (!tls) {
    log::error("no TLS", {{"session", name_}, {"reason", tls.error().text()}});
    session_.refuse(Refusal::TlsUnavailable);
    return true;
  }
  if (stream_.pending()) {
    // It came behind STARTTLS, if in another packet (CVE-2011-0411).
    static constexpr std::array<std::byte, 1> kSomething{};
    session_.receive(kSomething);
    return true;
  }
  session_.accept();
  if (!flush()) return false;
  const Result<void> done = stream_.accept_tls(**tls, service_.handshake_timeout, "smtp");
  if (!done) {
    reason_ = "handshake: " + done.error().text();
    return false;
  }
  session_.tls_started();
  sender_.reset();
  return true;
}

// The store; null, with the reason in the log, where it cannot be reached now.
store::Store* Connection::store() {
  if (store_ != nullptr) return store_;
  const auto store = service_.store();
  if (!store) {
    fail(store.error(), "no vault");
    return nullptr;
  }
  return store_ = *store;
}

void Connection::auth_step(sasl::Step step) {
  if (const auto* challenge = std::get_if<sasl::Challenge>(&step)) return session_.challenge(challenge->text);
  exchange_.reset();
  secret_in_buffer_ = true;
  const auto* credentials = std::get_if<sasl::Credentials>(&step);
  if (credentials == nullptr)
    return session_.refuse(std::holds_alternative<sasl::Cancelled>(step) ? Refusal::ExchangeCancelled
                                                                         : Refusal::BadExchange);
  store::Store* const vault = store();
  if (vault == nullptr) return session_.refuse(Refusal::StoreTrouble);
  const auto mailbox = authenticate_sender(*vault, *credentials);
  if (mailbox) {
    sender_ = mailbox->id;
    log::info("sender authenticated", {{"session", name_}, {"peer", peer_}, {"mailbox", mailbox->name}});
    return session_.accept();
  }
  if (mailbox.error().code() != Code::Denied) {
    fail(mailbox.error(), "cannot look a sender up");
    return session_.refuse(Refusal::StoreTrouble);
  }
  ++tally_.counts().failed_logins;
  // The name is not logged: people type their password into the wrong field.
  log::warning("login failed", {{"rhost", peer_}, {"session", name_}});
  session_.refuse(Refusal::WrongCredentials);
}

vault::Envelope Connection::envelope(const smtp::MailFrom& from) const {
  vault::Envelope envelope;
  envelope.reverse_path = from.address;
  envelope.parameters = from.parameters;
  envelope.helo = session_.helo();
  envelope.host = service_.host;
  envelope.peer = stream_.peer().address;
  if (const auto& tls = stream_.tls()) {
    envelope.tls = tls->version + " " + tls->cipher;
    envelope.client_certificate = tls->client_certificate;
  }
  if (sender_) envelope.auth = "mbx-" + sender_->hex();
  envelope.listener = listener_.name;
  envelope.transaction = name_ + "." + std::to_string(mails_);
  envelope.origin = vault::Origin::Smtp;
  return envelope;
}

void Connection::mail(const smtp::MailFrom& from) {
  if (net::stop::requested()) {
    reason_ = "stopping";
    return session_.close(Refusal::Stopping);
  }
  ++mails_;
  announced_ = from.size;
  mail_.emplace(envelope(from));
  log::verbose("mail",
               {{"transaction", mail_->envelope().transaction}, {"peer", peer_}, {"from", from.address}});
  session_.accept();
}

void Connection::refuse_recipient(const smtp::RcptTo& to, Refusal refusal) {
  const smtp::RefusalRow& row = smtp::row(refusal);
  ++recipients_refused_;
  log::info("recipient refused", {{"transaction", mail_->envelope().transaction},
                                  {"peer", peer_},
                                  {"code", row.code},
                                  {"reason", row.name}});
  log::verbose("recipient refused", {{"transaction", mail_->envelope().transaction}, {"to", to.address}});
  session_.refuse(refusal);
}

void Connection::rcpt(const smtp::RcptTo& to) {
  if (store() == nullptr) return refuse_recipient(to, Refusal::StoreTrouble);
  const auto found = store_->resolve(to.address, store::Lookup::Recipient);
  if (!found) {
    if (found.error().code() == Code::NotFound)
      return refuse_recipient(to, refusal_of_unknown(to.address, service_.host));
    fail(found.error(), "cannot look a recipient up");
    return refuse_recipient(to, Refusal::StoreTrouble);
  }
  known_.emplace(found->mailbox.id, found->mailbox.name);
  const SmtpClient client{stream_.peer().address, session_.tls_active(), sender_};
  if (const auto refusal = judge(*found, client, announced_)) return refuse_recipient(to, *refusal);
  if (!mail_->add(*found, to.address, to.parameters)) return refuse_recipient(to, Refusal::TooManyMailboxes);
  log::verbose(
      "recipient",
      {{"transaction", mail_->envelope().transaction}, {"mailbox", found->mailbox.name}, {"to", to.address}});
  session_.accept();
}

void Connection::body(ByteView octets) {
  const Result<void> written = mail_->write(*store_, octets);
  if (written) return;
  fail(written.error(), "cannot store");
  mail_.reset();
  session_.refuse(smtp::refusal_for(written.error().code()));
}

void Connection::body_end() {
  const auto ids = mail_->finish(*store_);
  stream_.last_words(kLastWords);
  if (!ids) {
    fail(ids.error(), "cannot store");
    mail_.reset();
    return session_.refuse(smtp::refusal_for(ids.error().code()));
  }
  std::string shown;
  std::string logged;
  for (std::size_t i = 0; i < ids->size(); ++i) {
    if (i < kIdsInReply) shown += (*ids)[i].hex() + " ";
    logged += (i > 0 ? "," : "") + (*ids)[i].hex();
  }
  ++accepted_;
  ++tally_.counts().messages;
  tally_.counts().octets += mail_->octets();
  tally_.now_and_then();
  log::info("accepted", {{"transaction", mail_->envelope().transaction},
                         {"peer", peer_},
                         {"mailbox", mail_->mailbox_names()},
                         {"id", logged},
                         {"octets", mail_->octets()}});
  mail_.reset();
  session_.accept(shown + "stored");
}

// Ours to look into: the sender only hears that it shall try again.
void Connection::fail(const Error& error, std::string_view what) {
  tally_.trouble(what, error);
  log::error(what,
             {{"session", name_}, {"peer", peer_}, {"code", name(error.code())}, {"reason", error.text()}});
}

}  // namespace

void serve_smtp(net::Stream stream, const SmtpListener& listener, const SmtpService& service) {
  Connection(std::move(stream), listener, service).serve();
}

std::string too_many_connections() {
  return smtp::reply(Refusal::TooManyConnections).wire();
}

}  // namespace gw::gate
