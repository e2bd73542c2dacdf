#include "proxy/smtp_proxy.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "daemon/login_guard.h"
#include "daemon/session_id.h"
#include "daemon/smtp_connection.h"
#include "mail/address.h"
#include "net/serve.h"
#include "proxy/proxied_mail.h"

namespace gw::proxy {
namespace {

using smtp::Refusal;
using smtp::Reply;
using vault::Route;

constexpr std::size_t kMaxChallenges = 8;  // of the upstream that the client answers, in one AUTH

// Returns the reply's code and enhanced code, such as `535 5.7.8`, for the log.
std::string codes(const Reply& reply) {
  const std::string enhanced = smtp::enhanced_code(reply);
  return std::to_string(reply.code) + (enhanced.empty() ? "" : " " + enhanced);
}

bool accepted(const Reply& reply) {
  return reply.code >= 200 && reply.code < 300;
}
bool refused(const Reply& reply) {
  return reply.code >= 400;
}

class Relay {
 public:
  Relay(net::Stream stream, const SmtpProxyListener& listener, const SmtpProxyService& service)
      : listener_(listener),
        service_(service),
        name_(daemon::new_session_id()),
        peer_(stream.peer().address.empty() ? "local" : stream.peer().address),
        stats_("proxy", service.report),
        guard_(service.limits, service.store, peer_),
        patience_(service.login),
        client_(std::move(stream), {service.idle_timeout, service.data_timeout, service.handshake_timeout,
                                    service.upstream.grace}) {}

  void serve();

 private:
  daemon::SmtpConnection::Tls certificate() const;
  smtp::Options session_options();
  smtp::Session& session() { return client_.session(); }
  bool step();
  bool need_input();
  void abort_mail();

  // Choice of the route, and the connection to the upstream.
  void find_route();
  bool open_upstream(const Route& route);
  void lose_upstream(const Error& error);
  bool may_send_without_auth();

  // AUTH.
  void auth_step(sasl::CredentialForwarder::Step step);
  void auth_line(std::string_view line);
  void log_in();
  void logged_in(const Result<Reply>& reply);

  // A mail.
  void mail(const smtp::MailFrom& from);
  void answer(const Reply& reply);
  void end_mail();
  vault::Envelope envelope(const smtp::MailFrom& from);

  const SmtpProxyListener& listener_;
  const SmtpProxyService& service_;
  std::string name_;
  std::string peer_;
  daemon::SessionStats stats_;
  daemon::LoginGuard guard_;
  daemon::LoginTimeout patience_;
  daemon::SmtpConnection client_;

  std::vector<Route> routes_;  // SMTP routes at the time when the connection began
  bool routes_known_ = false;  // false: a missing route may be a temporary problem
  // The listener's; or the one that the last AUTH has chosen, perhaps without success.
  std::optional<Route> route_;
  std::unique_ptr<SmtpUpstream> upstream_;

  // An AUTH for which the client has not sent everything.
  std::unique_ptr<sasl::CredentialForwarder> exchange_;
  std::size_t challenges_ = 0;  // of the upstream in this AUTH
  bool authenticated_ = false;  // the upstream has accepted the client's AUTH
  std::string login_;           // without `#route`

  std::optional<ProxiedMail> mail_;
  std::size_t mails_ = 0;
  std::size_t relayed_ = 0;
  std::size_t refused_ = 0;
};

void Relay::serve() {
  const bool secure = !listener_.implicit_tls || client_.handshake(certificate());
  if (secure) {
    find_route();
    client_.begin(session_options(), !service_.listen_for_early_talk);
    while (step()) {
    }
  }
  // Close the client before QUIT: the upstream may take its time to reply, and the client need not
  // wait for it.
  abort_mail();
  client_.stream().close();
  if (upstream_) upstream_->quit();
  log::info("smtp relay ended", {{"session", name_},
                                 {"peer", peer_},
                                 {"route", route_ ? route_->name : "-"},
                                 {"relayed", relayed_},
                                 {"refused", refused_},
                                 {"reason", client_.reason()}});
  if (route_) stats_.of_route(route_->name);
  store::ServerStats& counts = stats_.counts();
  counts.tls = client_.stream().tls() ? 1 : 0;
  if (client_.begun()) {
    counts.completed = session().replies().completed;
    counts.deferred = session().replies().deferred;
    counts.refused = session().replies().refused;
  }
  stats_.end();
}

daemon::SmtpConnection::Tls Relay::certificate() const {
  if (!service_.tls) return Error(Code::Config, "no certificate is configured");
  return service_.tls();
}

smtp::Options Relay::session_options() {
  smtp::Options options;
  options.host = service_.host;
  options.max_size = service_.max_size;
  options.max_recipients = service_.max_recipients;
  options.starttls = static_cast<bool>(service_.tls);
  options.tls_active = listener_.implicit_tls;
  options.require_tls = service_.require_tls;
  options.announce_auth = true;
  options.plaintext_auth = service_.allow_plaintext_auth && client_.stream().peer().loopback();
  // BDAT is not passed on: the upstream may not have it, and the final dot decides about the copy.
  // RCPTMAX is not announced, since the upstream may have a lower limit.
  options.chunking = false;
  options.limits = false;
  options.ask_data = true;  // the upstream replies to DATA
  options.manual = "gw-proxy(8)";
  options.mechanisms.assign(std::begin(sasl::kPassedMechanisms), std::end(sasl::kPassedMechanisms));
  // Without an upstream everything that gw-proxy can pass on is announced. If the upstream turns
  // out to lack something, AUTH or MAIL is refused then.
  if (!upstream_) return options;
  // Announce only what both sides support.
  const smtp::Capabilities& able = upstream_->capabilities();
  options.eight_bit = able.eight_bit;
  options.smtputf8 = able.smtputf8;
  options.enhanced_codes = able.enhanced_codes;
  options.dsn = able.dsn;
  if (able.max_size != 0) options.max_size = std::min(options.max_size, able.max_size);
  std::erase_if(options.mechanisms, [&](const std::string& mechanism) {
    return std::ranges::find(able.mechanisms, mechanism) == able.mechanisms.end();
  });
  return options;
}

// Handles the next event. Returns false if the connection has ended.
bool Relay::step() {
  const smtp::Event& event = session().next_event();
  if (std::holds_alternative<smtp::NeedInput>(event)) return need_input();
  if (const auto* bytes = std::get_if<smtp::BodyBytes>(&event)) {
    // After a failure the session reads the rest of the message, drops it, and sends the reply at
    // its end.
    if (const auto failed = mail_->body(bytes->bytes)) {
      mail_.reset();
      answer(*failed);
    }
    return true;
  }
  if (std::holds_alternative<smtp::Closed>(event)) {
    client_.say_goodbye();
    return false;
  }
  if (std::holds_alternative<smtp::StartTls>(event)) {
    // STARTTLS discards an earlier AUTH, also a failed one, and what it has chosen (RFC 3207,
    // section 4.2). An upstream connection that is authenticated as that client must go too.
    if (std::exchange(authenticated_, false) || listener_.route.empty()) upstream_.reset();
    if (listener_.route.empty()) route_.reset();
    return client_.start_tls(certificate());
  }
  if (const auto* start = std::get_if<smtp::AuthStart>(&event)) {
    exchange_ = sasl::CredentialForwarder::begin(start->mechanism);
    challenges_ = 0;
    auth_step(exchange_->start(start->initial));
  } else if (const auto* line = std::get_if<smtp::AuthLine>(&event)) {
    auth_line(line->line);
  } else if (const auto* from = std::get_if<smtp::MailFrom>(&event)) {
    mail(*from);
  } else if (const auto* to = std::get_if<smtp::RcptTo>(&event)) {
    answer(mail_->rcpt(*to));
  } else if (std::holds_alternative<smtp::DataStart>(event)) {
    answer(mail_->data());
  } else if (std::holds_alternative<smtp::BodyEnd>(event)) {
    end_mail();
  } else if (std::holds_alternative<smtp::Aborted>(event)) {
    abort_mail();
  }
  return !client_.must_flush() || client_.flush();
}

bool Relay::need_input() {
  // Pass the received part of a message on before waiting for more: the upstream has a timeout as
  // well.
  if (mail_) mail_->flush();
  const bool first = client_.size() == 0;
  // The limit for logins only applies to clients that need one.
  const bool known = authenticated_ || may_send_without_auth();
  if (!client_.read(std::chrono::milliseconds::max(), known ? nullptr : &patience_)) return false;
  // On a listener of one route, connect to the upstream before the reply to EHLO, which depends on
  // its capabilities. Connect only after the client has sent something, so that port scans do not
  // reach the provider.
  if (first && client_.size() > 0 && route_ && open_upstream(*route_))
    session().set_options(session_options());
  return true;
}

void Relay::abort_mail() {
  if (mail_) mail_->abort();
  mail_.reset();
}

void Relay::find_route() {
  Result<std::vector<Route>> all = service_.routes->all();
  if (!all) return;
  routes_known_ = true;
  std::erase_if(*all, [](const Route& each) { return each.protocol != vault::Protocol::Smtp; });
  routes_ = std::move(*all);
  if (listener_.route.empty()) return;
  const auto found = std::ranges::find(routes_, listener_.route, &Route::name);
  if (found != routes_.end()) {
    route_ = *found;
    return;
  }
  // The listener is configured for a route that does not exist. That is not the client's fault, so
  // it gets a temporary error.
  routes_known_ = false;
  log::error("route not found", {{"session", name_}, {"route", listener_.route}});
}

bool Relay::open_upstream(const Route& route) {
  Result<std::unique_ptr<SmtpUpstream>> opened =
      SmtpUpstream::open(*service_.upstreams, route, service_.host, service_.upstream);
  if (opened) {
    upstream_ = std::move(*opened);
    return true;
  }
  upstream_.reset();
  log::error("upstream not reached", {{"session", name_},
                                      {"route", route.name},
                                      {"code", name(opened.error().code())},
                                      {"reason", opened.error().text()}});
  stats_.trouble("upstream not reached", opened.error());
  return false;
}

void Relay::lose_upstream(const Error& error) {
  log::error("upstream lost", {{"session", name_},
                               {"route", route_ ? route_->name : "-"},
                               {"code", name(error.code())},
                               {"reason", error.text()}});
  stats_.trouble("upstream lost", error);
  upstream_.reset();
}

// Returns whether the route lists the client's address (--clients), so that it may send without
// AUTH. Only the route of the listener counts: one that a login has chosen is nothing until the
// upstream has accepted that login.
bool Relay::may_send_without_auth() {
  return !listener_.route.empty() && route_ &&
         std::ranges::any_of(route_->clients, [&](const std::string& block) {
           return mail::in_block(client_.stream().peer().address, block);
         });
}

// AUTH: chooses the route and passes the credentials on.

void Relay::auth_step(sasl::CredentialForwarder::Step step) {
  // The input buffer may hold a part of the credentials after every step.
  client_.wipe_after_read();
  if (const auto* challenge = std::get_if<sasl::Challenge>(&step))
    return session().challenge(challenge->text);
  if (std::holds_alternative<sasl::CredentialForwarder::Ready>(step)) return log_in();
  exchange_.reset();
  session().refuse(std::holds_alternative<sasl::Cancelled>(step) ? Refusal::ExchangeCancelled
                                                                 : Refusal::BadExchange);
}

// Handles a line of the client within AUTH. While the client still sends its own messages, they are
// collected. After that the line answers a challenge of the upstream.
void Relay::auth_line(std::string_view line) {
  if (exchange_) return auth_step(exchange_->respond(line));
  client_.wipe_after_read();
  if (!upstream_) return session().refuse(Refusal::UpstreamDownAtAuth);
  logged_in(upstream_->respond(line));
}

// Chooses the route by the login and repeats the credentials to its upstream.
void Relay::log_in() {
  const auto exchange = std::exchange(exchange_, nullptr);
  login_ = exchange->login();
  std::optional<Route> wanted = route_;
  if (listener_.route.empty()) {
    vault::Chosen chosen = vault::choose_route(routes_, vault::Protocol::Smtp, login_);
    wanted = chosen.route != nullptr ? std::optional(*chosen.route) : std::nullopt;
    login_ = std::move(chosen.login);
    exchange->set_login(login_);
  }
  // If the routes are unknown, the login may be valid: reply with a temporary error and count no
  // failure.
  if (!wanted && !routes_known_) return session().refuse(Refusal::UpstreamDownAtAuth);
  // The wait comes before the upstream gets the credentials, so that gw-proxy does not help an
  // attacker to guess passwords there.
  guard_.wait();
  if (!wanted || !vault::may_login(*wanted, login_)) {
    ++stats_.counts().failed_logins;
    // A login that names no route is mostly a mistake in a client's settings. Programs that ban
    // addresses look for `login failed`, and would lock out the client's whole office.
    if (!wanted)
      log::warning("login without route", {{"peer", peer_}, {"session", name_}});
    else
      log::warning("login failed",
                   {{"rhost", peer_}, {"session", name_}, {"reason", "login not allowed on the route"}});
    guard_.wrong();
    return session().refuse(Refusal::NoRoute);
  }
  // Another login may lead to another route, and so to another server.
  const bool other = !route_ || route_->name != wanted->name;
  route_ = std::move(wanted);
  if ((other || !upstream_) && !open_upstream(*route_)) return session().refuse(Refusal::UpstreamDownAtAuth);
  // A listener of several routes announces mechanisms before it knows the upstream.
  const auto& offered = upstream_->capabilities().mechanisms;
  if (std::ranges::find(offered, exchange->mechanism()) == offered.end())
    return session().refuse(Refusal::UnknownMechanism);
  logged_in(upstream_->authenticate(*exchange));
}

// Handles the upstream's reply to AUTH, or to the answer to its challenge.
void Relay::logged_in(const Result<Reply>& reply) {
  if (!reply) {
    lose_upstream(reply.error());
    return session().refuse(Refusal::UpstreamDownAtAuth);
  }
  if (reply->code == 334 && ++challenges_ <= kMaxChallenges) return session().challenge(reply->lines.front());
  // A temporary error is no wrong password and must not make the source wait.
  if (reply->temporary()) {
    log::warning("login deferred upstream",
                 {{"session", name_}, {"peer", peer_}, {"upstream", codes(*reply)}});
    return session().refuse(*reply);
  }
  if (refused(*reply)) {
    ++stats_.counts().failed_logins;
    log::warning("login failed", {{"rhost", peer_}, {"session", name_}, {"upstream", codes(*reply)}});
    const bool last = guard_.wrong();
    session().refuse(*reply);
    if (last) client_.close(Refusal::TooManyFailures, "too many wrong passwords");
    return;
  }
  if (!accepted(*reply)) {
    lose_upstream(Error(Code::Closed, "unexpected reply to AUTH: " + codes(*reply)));
    return session().refuse(Refusal::UpstreamDownAtAuth);
  }
  authenticated_ = true;
  guard_.right();
  log::info("authenticated", {{"session", name_}, {"peer", peer_}, {"route", route_->name}});
  // Logins are personal data; they are only logged with --verbose.
  log::verbose("authenticated", {{"session", name_}, {"login", login_}});
  session().accept(*reply);
}

// The commands of a mail.

vault::Envelope Relay::envelope(const smtp::MailFrom& from) {
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
  if (authenticated_) envelope.auth = envelope.login = login_;
  envelope.listener = listener_.name;
  envelope.transaction = name_ + "." + std::to_string(mails_);
  envelope.origin = vault::Origin::ProxySmtp;
  envelope.route = route_->name;
  return envelope;
}

void Relay::mail(const smtp::MailFrom& from) {
  if (net::stop::requested()) return session().close(Refusal::Stopping);
  if (!routes_known_) return session().refuse(Refusal::StoreTrouble);
  // A client whose AUTH failed for an internal reason gets a temporary error: it has done what it
  // could.
  if (!authenticated_ && !may_send_without_auth())
    return session().refuse(session().auth_trouble() ? Refusal::UpstreamDownAtAuth : Refusal::AuthRequired);
  // The upstream is lost. Credentials are not kept, so gw-proxy cannot log in there again; the
  // client must, in a new connection.
  if (authenticated_ && !upstream_) return session().close(Refusal::UpstreamLost);
  if (!upstream_ && !open_upstream(*route_)) return session().refuse(Refusal::UpstreamDown);
  ++mails_;
  stats_.of_route(route_->name);
  mail_.emplace(ProxyParts{upstream_, service_.store, *route_, stats_}, envelope(from));
  const Reply reply = mail_->begin(from);
  if (!reply.positive()) mail_.reset();
  answer(reply);
}

void Relay::answer(const Reply& reply) {
  if (reply.positive()) return session().accept(reply);
  ++refused_;
  session().refuse(reply);
}

void Relay::end_mail() {
  const Reply reply = mail_->end();
  relayed_ += mail_->relayed() ? 1 : 0;
  mail_.reset();
  stats_.report_if_due();
  // The upstream has the mail. If the client misses the reply, it sends the mail twice.
  client_.flush_on_shutdown();
  answer(reply);
}

}  // namespace

void serve_smtp_proxy(net::Stream stream, const SmtpProxyListener& listener,
                      const SmtpProxyService& service) {
  Relay(std::move(stream), listener, service).serve();
}

}  // namespace gw::proxy
