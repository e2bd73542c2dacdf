#include "smtpd/server.h"

#include <chrono>
#include <map>
#include <optional>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "daemon/login_guard.h"
#include "daemon/session_id.h"
#include "daemon/smtp_connection.h"
#include "net/limits.h"
#include "net/serve.h"
#include "smtp/session.h"
#include "smtpd/incoming_mail.h"
#include "smtpd/recipient_policy.h"
#include "smtpd/sender_auth.h"

namespace gw::smtpd {
namespace {

using smtp::Refusal;
using std::chrono::milliseconds;

constexpr std::size_t kIdsInReply = 12;  // this many message ids fit into one reply line
// Refused recipients of a session that get a log line each. The line at the end of the session
// counts all.
constexpr std::size_t kLoggedRecipients = 10;

class Connection {
 public:
  Connection(net::Stream stream, const SmtpListener& listener, const SmtpService& service)
      : client_(std::move(stream),
                {service.idle_timeout, service.data_timeout, service.handshake_timeout, service.grace}),
        listener_(listener),
        service_(service),
        name_(daemon::new_session_id()),
        peer_(client_.stream().peer().address.empty() ? "local" : client_.stream().peer().address),
        stats_("smtp", service.report),
        guard_(service.logins, service.store, peer_) {}

  void serve();

 private:
  smtp::Options session_options() const;
  daemon::SmtpConnection::Tls certificate() const;
  bool step();
  bool need_input();
  store::Store* store();
  void auth_step(sasl::Step step);
  void mail(const smtp::MailFrom& from);
  void rcpt(const smtp::RcptTo& to);
  void body(ByteView data);
  void body_end();
  void fail(const Error& error, std::string_view what);
  bool too_slow() const;
  void note_refusals();
  void refuse_recipient(const smtp::RcptTo& to, Refusal refusal);
  void refuse_unknown(const smtp::RcptTo& to);
  vault::Envelope envelope(const smtp::MailFrom& from) const;

  smtp::Session& session() { return client_.session(); }
  const smtp::Session& session() const { return client_.session(); }

  daemon::SmtpConnection client_;
  const SmtpListener& listener_;
  const SmtpService& service_;
  std::string name_;
  std::string peer_;
  daemon::SessionStats stats_;
  daemon::LoginGuard guard_;
  store::Store* store_ = nullptr;
  std::optional<sasl::Exchange> exchange_;  // during AUTH
  std::optional<MailboxId> sender_;         // the mailbox whose sender token the client gave
  std::optional<SmtpMail> mail_;
  std::uint64_t announced_ = 0;  // bytes, by SIZE of the current MAIL; 0 if unknown
  std::size_t mails_ = 0;        // MAIL commands
  std::size_t accepted_ = 0;
  std::size_t recipients_refused_ = 0;
  std::size_t unknown_ = 0;  // those of them that belong to no mailbox
  std::optional<std::chrono::steady_clock::time_point> body_begun_;
  std::uint64_t bytes_before_ = 0;  // client_.size() at that time
  // Mailboxes that the client has named and to which it has not delivered a mail. If the session
  // ends with a 5xx after that, a mail for the mailbox may be lost, see note_refusals().
  struct Named {
    std::string name;
    std::size_t refused_before;  // number of 5xx replies before the mailbox was named
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

daemon::SmtpConnection::Tls Connection::certificate() const {
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
  store::ServerStats& counts = stats_.counts();
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
  stats_.end();
}

// Handles the next event. Returns false if the connection has ended.
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
    // STARTTLS discards an earlier AUTH (RFC 3207, section 4.2).
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
    bytes_before_ = client_.size();
    // Begin the deliveries, which makes keys, while the client receives the 354 and sends the
    // message.
    if (!client_.flush()) return false;
    if (mail_ && store_ != nullptr) mail_->prepare(*store_);
  }
  // While connections are scarce, clients that are silent or very slow must not occupy one for
  // long.
  if (!service_.scarce()) return client_.read();
  if (body_begun_ && too_slow()) {
    client_.close(Refusal::Idle, "too slow while connections are scarce");
    return true;
  }
  return client_.read(service_.scarce_timeout);
}

// Returns whether the current message arrives at less than scarce_rate, on average since it began.
bool Connection::too_slow() const {
  using std::chrono::duration_cast;
  const auto passed = duration_cast<milliseconds>(std::chrono::steady_clock::now() - *body_begun_);
  return passed > service_.scarce_timeout &&
         (client_.size() - bytes_before_) * 1000 <
             service_.scarce_rate * static_cast<std::uint64_t>(passed.count());
}

// Notes in the history that a sender got 5xx for a mailbox. A source of journal reports that gets a
// 5xx discards the report, so `gw-store doctor` warns by these notes. The keeper stores one note
// per hour, mailbox and code, so that strangers cannot fill the history.
void Connection::note_refusals() {
  for (const auto& [id, named] : named_) {
    if (session().replies().refused == named.refused_before) continue;
    log::warning("sender received 5xx", {{"session", name_},
                                         {"peer", peer_},
                                         {"mailbox", named.name},
                                         {"code", session().last_permanent()},
                                         {"replies", session().replies().refused}});
    store::Leaf leaf;
    leaf.type = store::LeafType::Refused;
    leaf.mailbox = id;
    leaf.value = static_cast<std::uint64_t>(session().last_permanent());
    leaf.actor = "smtp " + peer_;
    if (const auto noted = store_->note(id, leaf); !noted) fail(noted.error(), "refusal not recorded");
  }
}

// Returns the store; null if it cannot be reached now. The reason is logged.
store::Store* Connection::store() {
  if (store_ != nullptr) return store_;
  const auto store = service_.store();
  if (!store) {
    fail(store.error(), "vault unavailable");
    return nullptr;
  }
  return store_ = *store;
}

void Connection::auth_step(sasl::Step step) {
  if (const auto* challenge = std::get_if<sasl::Challenge>(&step))
    return session().challenge(challenge->text);
  // The exchange has ended, one way or the other: wipe what it held, and the input buffer.
  exchange_.reset();
  client_.wipe_after_read();
  const auto* credentials = std::get_if<sasl::Credentials>(&step);
  if (credentials == nullptr)
    return session().refuse(std::holds_alternative<sasl::Cancelled>(step) ? Refusal::ExchangeCancelled
                                                                          : Refusal::BadExchange);
  store::Store* const vault = store();
  if (vault == nullptr) return session().refuse(Refusal::AuthUnavailable);
  guard_.wait();
  const auto mailbox = authenticate_sender(*vault, *credentials);
  if (mailbox) {
    sender_ = mailbox->id;
    guard_.right();
    log::info("sender authenticated", {{"session", name_}, {"peer", peer_}, {"mailbox", mailbox->name}});
    return session().accept();
  }
  if (mailbox.error().code() != Code::Denied) {
    fail(mailbox.error(), "sender lookup failed");
    return session().refuse(Refusal::AuthUnavailable);
  }
  ++stats_.counts().failed_logins;
  // Do not log the name: people type their password into the wrong field.
  log::warning("login failed", {{"rhost", peer_}, {"session", name_}});
  // The session itself counts wrong tokens and ends after the last one.
  guard_.wrong();
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

// Replies to RCPT with a refusal. The address is only logged with --verbose.
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

// Refuses an unknown recipient. The id of a mailbox works as a secret address, so guessing is
// slowed down per source and limited per session.
void Connection::refuse_unknown(const smtp::RcptTo& to) {
  if (service_.guesses != nullptr) {
    const std::string source = net::source_of(peer_);
    const milliseconds wait = service_.guesses->wait(source);
    service_.guesses->failed(source);
    // Send collected replies first, so that the wait only delays this one.
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
    fail(found.error(), "recipient lookup failed");
    return refuse_recipient(to, Refusal::StoreTrouble);
  }
  // Count the 5xx replies before this one: the refusal below must count as one after the mailbox
  // was named.
  const Named named{found->mailbox.name, session().replies().refused};
  const SmtpClient client{client_.stream().peer().address, session().tls_active(), sender_};
  if (auto refusal = judge(*found, client, announced_)) {
    // The mailbox requires TLS or AUTH. If the client could not use it because of an internal error
    // here, the refusal must be temporary, or the client would discard its mail.
    if (*refusal == Refusal::TlsRequired) refusal = session().without_tls();
    if (*refusal == Refusal::AuthRequired && session().auth_trouble()) refusal = Refusal::AuthUnavailable;
    // These two point to a sender that is configured wrongly. Other 5xx, such as an address that is
    // not allowed, are what the operator asked for.
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

void Connection::body(ByteView data) {
  const Result<void> written = mail_->write(*store_, data);
  if (written) return;
  fail(written.error(), "message not stored");
  mail_.reset();
  session().refuse(smtp::refusal_for(written.error().code()));
}

void Connection::body_end() {
  // After the commit the client must get the reply even if the process stops: otherwise it sends
  // the mail twice.
  const auto ids = mail_->finish(*store_);
  client_.flush_on_shutdown();
  if (!ids) {
    fail(ids.error(), "message not stored");
    mail_.reset();
    return session().refuse(smtp::refusal_for(ids.error().code()));
  }
  std::string shown;
  std::string logged;
  for (std::size_t i = 0; i < ids->size(); ++i) {
    if (i < kIdsInReply) shown += " " + (*ids)[i].hex();
    logged += (i > 0 ? "," : "") + (*ids)[i].hex();
  }
  ++accepted_;
  ++stats_.counts().messages;
  stats_.counts().size += mail_->size();
  stats_.report_if_due();
  log::info("accepted", {{"transaction", mail_->envelope().transaction},
                         {"peer", peer_},
                         {"mailbox", mail_->mailbox_names()},
                         {"id", logged},
                         {"bytes", mail_->size()}});
  // A delivered mail settles its mailboxes: a 5xx before it did no damage.
  std::erase_if(named_, [&](const auto& each) { return mail_->goes_to(each.first); });
  mail_.reset();
  session().accept("OK: stored as" + shown);
}

// Logs an internal error. The caller replies with 4xx, so that the client retries.
void Connection::fail(const Error& error, std::string_view what) {
  stats_.trouble(what, error);
  log::error(what,
             {{"session", name_}, {"peer", peer_}, {"code", name(error.code())}, {"reason", error.text()}});
}

}  // namespace

void serve_smtp(net::Stream stream, const SmtpListener& listener, const SmtpService& service) {
  Connection(std::move(stream), listener, service).serve();
}

net::ThrottlePolicy guess_policy() {
  // One wrong list of recipients must not delay an honest sender, so the first hundred are free.
  return {.free = 100, .longest_wait = std::chrono::seconds(4)};
}

}  // namespace gw::smtpd
