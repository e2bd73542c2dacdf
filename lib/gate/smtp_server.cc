#include "gate/smtp_server.h"

#include <chrono>
#include <map>
#include <optional>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "gate/smtp_auth.h"
#include "gate/smtp_client_side.h"
#include "gate/smtp_mail.h"
#include "gate/smtp_policy.h"
#include "gate/transaction.h"
#include "net/limits.h"
#include "net/serve.h"
#include "smtp/session.h"

namespace gw::gate {
namespace {

using smtp::Refusal;
using std::chrono::milliseconds;

constexpr std::size_t kIdsInReply = 12;        // fit into one reply line
constexpr std::size_t kLoggedRecipients = 10;  // refused ones of a session; the last line counts all

class Connection {
 public:
  Connection(net::Stream stream, const SmtpListener& listener, const SmtpService& service)
      : client_(std::move(stream),
                {service.idle_timeout, service.data_timeout, service.handshake_timeout, service.grace}),
        listener_(listener),
        service_(service),
        name_(new_transaction()),
        peer_(client_.stream().peer().address.empty() ? "local" : client_.stream().peer().address),
        tally_("smtp", service.report) {}

  void serve();

 private:
  smtp::Options session_options() const;
  SmtpClientSide::Tls certificate() const;
  bool step();
  bool need_input();
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
  void refuse_unknown(const smtp::RcptTo& to);
  vault::Envelope envelope(const smtp::MailFrom& from) const;

  smtp::Session& session() { return client_.session(); }
  const smtp::Session& session() const { return client_.session(); }

  SmtpClientSide client_;
  const SmtpListener& listener_;
  const SmtpService& service_;
  std::string name_;
  std::string peer_;
  SessionTally tally_;
  store::Store* store_ = nullptr;
  std::optional<sasl::Exchange> exchange_;  // AUTH under way
  std::optional<MailboxId> sender_;         // whose token was given
  std::optional<SmtpMail> mail_;
  std::uint64_t announced_ = 0;  // by SIZE
  std::size_t mails_ = 0;        // begun
  std::size_t accepted_ = 0;
  std::size_t recipients_refused_ = 0;
  std::size_t unknown_ = 0;  // of these
  std::optional<std::chrono::steady_clock::time_point> body_begun_;
  std::uint64_t octets_before_ = 0;  // read until then
  // A mailbox that a mail could go to, and has not yet.
  struct Named {
    std::string name;
    std::size_t refused_before;  // replies of 5xx
  };
  std::map<MailboxId, Named> named_;
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
  options.plaintext_auth = service_.allow_plaintext_auth && client_.stream().peer().loopback();
  options.reject_bare_newline = service_.reject_bare_newline;
  return options;
}

SmtpClientSide::Tls Connection::certificate() const {
  if (!service_.tls) return Error(Code::Config, "no certificate is configured");
  return service_.tls();
}

void Connection::serve() {
  if (!listener_.implicit_tls || client_.handshake(certificate())) {
    client_.begin(session_options(), !service_.listen_for_early_talk);
    while (step()) {
    }
  }
  mail_.reset();
  client_.stream().close();
  store::Tally& counts = tally_.counts();
  counts.tls = client_.stream().tls() ? 1 : 0;
  if (client_.begun()) {
    counts.completed = session().replies().completed;
    counts.deferred = session().replies().deferred;
    counts.refused = session().replies().refused;
    if (counts.refused > 0) note_refusals();
  }
  log::info("smtp session ended", {{"session", name_},
                                   {"peer", peer_},
                                   {"accepted", accepted_},
                                   {"refused", recipients_refused_},
                                   {"reason", client_.reason()}});
  tally_.end();
}

// Does the next thing. False: the connection has ended.
bool Connection::step() {
  const smtp::Event& event = session().next_event();
  if (std::holds_alternative<smtp::NeedInput>(event)) return need_input();
  if (const auto* bytes = std::get_if<smtp::BodyBytes>(&event)) {
    body(bytes->bytes);
    return true;
  }
  if (std::holds_alternative<smtp::Closed>(event)) {
    mail_.reset();
    client_.say_goodbye();
    return false;
  }
  if (std::holds_alternative<smtp::StartTls>(event)) {
    // Who was authenticated in clear is nobody within TLS (RFC 3207 section 4.2).
    sender_.reset();
    return client_.start_tls(certificate());
  }
  if (const auto* from = std::get_if<smtp::MailFrom>(&event)) {
    mail(*from);
  } else if (const auto* to = std::get_if<smtp::RcptTo>(&event)) {
    rcpt(*to);
  } else if (std::holds_alternative<smtp::BodyEnd>(event)) {
    body_end();
  } else if (std::holds_alternative<smtp::Aborted>(event)) {
    mail_.reset();
  } else if (std::holds_alternative<smtp::AuthOffer>(event)) {
    session().offer_auth(announce_auth(store()));
  } else if (const auto* start = std::get_if<smtp::AuthStart>(&event)) {
    exchange_.emplace(sasl::make_mechanism(start->mechanism));
    auth_step(exchange_->start(start->initial));
  } else if (const auto* line = std::get_if<smtp::AuthLine>(&event)) {
    auth_step(exchange_->respond(line->line));
  }
  return !client_.must_flush() || client_.flush();
}

bool Connection::need_input() {
  if (!session().in_body()) {
    body_begun_.reset();
  } else if (!body_begun_) {
    body_begun_ = std::chrono::steady_clock::now();
    octets_before_ = client_.octets();
    if (mail_ && store_ != nullptr) mail_->prepare(*store_);
  }
  if (!service_.scarce()) return client_.read();
  if (body_begun_ && too_slow()) {
    client_.close(Refusal::Idle, "too slow while connections are scarce");
    return true;
  }
  return client_.read(service_.scarce_timeout);
}

bool Connection::too_slow() const {
  using std::chrono::duration_cast;
  const auto passed = duration_cast<milliseconds>(std::chrono::steady_clock::now() - *body_begun_);
  return passed > service_.scarce_timeout &&
         (client_.octets() - octets_before_) * 1000 <
             service_.scarce_rate * static_cast<std::uint64_t>(passed.count());
}

// A journal source that hears 5xx gives its mail up: `gw-store doctor` says so, by what is noted here. The
// keeper keeps one note an hour of each mailbox and code, so that strangers cannot fill the history.
void Connection::note_refusals() {
  for (const auto& [id, named] : named_) {
    if (session().replies().refused == named.refused_before) continue;
    log::warning("sender heard 5xx", {{"session", name_},
                                      {"peer", peer_},
                                      {"mailbox", named.name},
                                      {"code", session().last_permanent()},
                                      {"replies", session().replies().refused}});
    store::Leaf leaf;
    leaf.type = store::LeafType::Refused;
    leaf.mailbox = id;
    leaf.value = static_cast<std::uint64_t>(session().last_permanent());
    leaf.actor = "smtp " + peer_;
    if (const auto noted = store_->note(id, leaf); !noted) fail(noted.error(), "cannot note a refusal");
  }
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
  if (const auto* challenge = std::get_if<sasl::Challenge>(&step))
    return session().challenge(challenge->text);
  exchange_.reset();
  client_.had_secret();
  const auto* credentials = std::get_if<sasl::Credentials>(&step);
  if (credentials == nullptr)
    return session().refuse(std::holds_alternative<sasl::Cancelled>(step) ? Refusal::ExchangeCancelled
                                                                          : Refusal::BadExchange);
  store::Store* const vault = store();
  if (vault == nullptr) return session().refuse(Refusal::AuthUnavailable);
  const auto mailbox = authenticate_sender(*vault, *credentials);
  if (mailbox) {
    sender_ = mailbox->id;
    log::info("sender authenticated", {{"session", name_}, {"peer", peer_}, {"mailbox", mailbox->name}});
    return session().accept();
  }
  if (mailbox.error().code() != Code::Denied) {
    fail(mailbox.error(), "cannot look a sender up");
    return session().refuse(Refusal::AuthUnavailable);
  }
  ++tally_.counts().failed_logins;
  // The name is not logged: people type their password into the wrong field.
  log::warning("login failed", {{"rhost", peer_}, {"session", name_}});
  session().refuse(Refusal::WrongCredentials);
}

vault::Envelope Connection::envelope(const smtp::MailFrom& from) const {
  vault::Envelope envelope;
  envelope.reverse_path = from.address;
  envelope.parameters = from.parameters;
  envelope.helo = session().helo();
  envelope.host = service_.host;
  envelope.peer = client_.stream().peer().address;
  if (const auto& tls = client_.stream().tls()) {
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
  if (net::stop::requested()) return client_.close(Refusal::Stopping, "stopping");
  ++mails_;
  body_begun_.reset();
  announced_ = from.size;
  mail_.emplace(envelope(from));
  log::verbose("mail",
               {{"transaction", mail_->envelope().transaction}, {"peer", peer_}, {"from", from.address}});
  session().accept();
}

void Connection::refuse_recipient(const smtp::RcptTo& to, Refusal refusal) {
  const smtp::RefusalRow& row = smtp::row(refusal);
  ++recipients_refused_;
  if (recipients_refused_ <= kLoggedRecipients)
    log::info("recipient refused", {{"transaction", mail_->envelope().transaction},
                                    {"peer", peer_},
                                    {"code", row.code},
                                    {"reason", row.name}});
  log::verbose("recipient refused", {{"transaction", mail_->envelope().transaction}, {"to", to.address}});
  session().refuse(refusal);
}

// Addresses can be guessed, but not fast and not without end.
void Connection::refuse_unknown(const smtp::RcptTo& to) {
  if (service_.guesses != nullptr) {
    const std::string source = net::source_of(peer_);
    const milliseconds wait = service_.guesses->wait(source);
    service_.guesses->failed(source);
    if (wait.count() > 0 && client_.flush()) net::stop::wait(wait);
  }
  if (++unknown_ < service_.max_unknown)
    return refuse_recipient(to, refusal_of_unknown(to.address, service_.host));
  ++recipients_refused_;
  client_.close(Refusal::TooManyUnknown, "too many unknown recipients");
}

void Connection::rcpt(const smtp::RcptTo& to) {
  if (store() == nullptr) return refuse_recipient(to, Refusal::StoreTrouble);
  const auto found = store_->resolve(to.address, store::Lookup::Recipient);
  if (!found) {
    if (found.error().code() == Code::NotFound) return refuse_unknown(to);
    fail(found.error(), "cannot look a recipient up");
    return refuse_recipient(to, Refusal::StoreTrouble);
  }
  const Named named{found->mailbox.name, session().replies().refused};
  const SmtpClient client{client_.stream().peer().address, session().tls_active(), sender_};
  if (auto refusal = judge(*found, client, announced_)) {
    // What the client could not do for trouble of ours is no reason to give its mail up.
    if (*refusal == Refusal::TlsRequired) refusal = session().without_tls();
    if (*refusal == Refusal::AuthRequired && session().auth_trouble()) refusal = Refusal::AuthUnavailable;
    if (*refusal == Refusal::TlsRequired || *refusal == Refusal::AuthRequired)
      named_.emplace(found->mailbox.id, named);
    return refuse_recipient(to, *refusal);
  }
  if (const auto refusal = mail_->add(*found, to)) return refuse_recipient(to, *refusal);
  named_.emplace(found->mailbox.id, named);
  log::verbose(
      "recipient",
      {{"transaction", mail_->envelope().transaction}, {"mailbox", found->mailbox.name}, {"to", to.address}});
  session().accept();
}

void Connection::body(ByteView octets) {
  const Result<void> written = mail_->write(*store_, octets);
  if (written) return;
  fail(written.error(), "cannot store");
  mail_.reset();
  session().refuse(smtp::refusal_for(written.error().code()));
}

void Connection::body_end() {
  const auto ids = mail_->finish(*store_);
  client_.must_be_heard();
  if (!ids) {
    fail(ids.error(), "cannot store");
    mail_.reset();
    return session().refuse(smtp::refusal_for(ids.error().code()));
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
  std::erase_if(named_, [&](const auto& each) { return mail_->goes_to(each.first); });
  mail_.reset();
  session().accept(shown + "stored");
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

AuthPolicy guess_policy() {
  return {.free = 100, .longest_wait = std::chrono::seconds(4)};
}

std::string too_many_connections() {
  return smtp::reply(Refusal::TooManyConnections).wire();
}

}  // namespace gw::gate
