#include "proxy/pop3_proxy.h"

#include <optional>

#include "base/log.h"
#include "daemon/pop3_connection.h"
#include "net/limits.h"
#include "net/serve.h"
#include "pop3/proxy_session.h"
#include "proxy/pop3_login.h"
#include "proxy/pop3_mails.h"

namespace gw::proxy {
namespace {

using pop3::ProxySession;
using ClientSide = daemon::Pop3Connection<ProxySession>;

pop3::ProxyOptions session_options(const net::Peer& peer, const Pop3ProxyListener& listener,
                                   const Pop3ProxyService& service) {
  pop3::ProxyOptions options;
  options.tls = listener.implicit_tls;
  options.tls_available = static_cast<bool>(service.tls);
  options.allow_plaintext = service.allow_plaintext_auth && (peer.address.empty() || peer.loopback());
  return options;
}

class Connection {
 public:
  Connection(net::Stream&& stream, const Pop3ProxyListener& listener, const Pop3ProxyService& service)
      : client_(std::move(stream), {service.idle_timeout, service.handshake_timeout, service.login},
                session_options(stream.peer(), listener, service)),
        session_(client_.session()),
        listener_(listener),
        service_(service),
        stats_("proxy", service.report),
        login_(listener_, service_, client_.stream(), stats_) {}

  void serve();

 private:
  ClientSide::Tls certificate() const;
  void greet();
  void connect();
  bool step();
  bool need_input();
  bool start_tls();
  void log_in(const Pop3ProxyLogin::Answer& answer);
  void capabilities();
  void ask(const ProxySession::Ask& asked);
  void utf8();
  void quit();
  Pop3Upstream& upstream() { return *login_.upstream(); }

  ClientSide client_;
  ProxySession& session_;
  const Pop3ProxyListener& listener_;
  const Pop3ProxyService& service_;
  daemon::SessionStats stats_;
  Pop3ProxyLogin login_;
  std::optional<Pop3ProxyMails> mails_;  // after the login
};

ClientSide::Tls Connection::certificate() const {
  if (!service_.tls) return Error(Code::Config, "no certificate is configured");
  return service_.tls();
}

void Connection::serve() {
  if (!listener_.implicit_tls || client_.handshake(certificate())) {
    greet();
    while (step()) {
    }
  }
  // Closes the upstream without QUIT, so that it deletes nothing. If the client has sent QUIT,
  // quit() has closed it already.
  login_.close();
  client_.stream().close();
  const Pop3ProxyMails::Counts counts = mails_ ? mails_->counts() : Pop3ProxyMails::Counts{};
  log::info("pop3 relay ended", {{"transaction", login_.transaction()},
                                 {"peer", login_.peer()},
                                 {"route", login_.route_name()},
                                 {"retrieved", counts.retrieved},
                                 {"bytes", counts.size},
                                 {"copied", mails_ ? mails_->copies().stored() : 0},
                                 {"known", mails_ ? mails_->copies().known() : 0},
                                 {"uncopied", counts.uncopied},
                                 {"reason", client_.reason()}});
  if (login_.has_route()) stats_.of_route(login_.route_name());
  store::ServerStats& stats = stats_.counts();
  stats.tls = client_.stream().tls() ? 1 : 0;
  stats.completed = session_.replies().completed;
  stats.deferred = session_.replies().deferred;
  stats.refused = session_.replies().refused;
  stats_.end();
}

// Connects to the upstream of a listener of one route. This happens after the client's first bytes
// have arrived, so that port scans do not reach the provider, and before its first command is
// executed, because the reply to CAPA depends on the upstream.
void Connection::connect() {
  if (const auto refused = login_.connect_listeners_route()) {
    client_.set_reason("upstream not reached");
    return session_.close(*refused);
  }
  if (session_.login_allowed()) session_.set_mechanisms(login_.mechanisms());
}

void Connection::greet() {
  if (session_.login_allowed()) session_.set_mechanisms(login_.mechanisms());
  // The greeting must not contain a timestamp in angle brackets: it would announce APOP (RFC 1939,
  // section 7), which a proxy cannot pass on.
  session_.ok((service_.host.empty() ? "" : pop3::passed_text(service_.host) + " ") + "POP3 server ready");
}

// Handles the next event. Returns false if the connection has ended.
bool Connection::step() {
  const ProxySession::Event& event = session_.next_event();
  if (std::holds_alternative<ProxySession::NeedInput>(event)) return need_input();
  if (std::holds_alternative<ProxySession::Closed>(event)) {
    client_.say_goodbye();
    return false;
  }
  if (std::holds_alternative<ProxySession::StartTls>(event)) return start_tls();
  if (std::holds_alternative<ProxySession::Capa>(event))
    capabilities();
  else if (const auto* user = std::get_if<ProxySession::User>(&event))
    log_in(login_.user(user->name));
  else if (const auto* pass = std::get_if<ProxySession::Pass>(&event))
    log_in(login_.pass(pass->password));
  else if (const auto* auth = std::get_if<ProxySession::Auth>(&event))
    log_in(login_.auth(*auth->said));
  else if (const auto* response = std::get_if<ProxySession::Response>(&event))
    log_in(login_.respond(response->line));
  else if (const auto* asked = std::get_if<ProxySession::Ask>(&event))
    ask(*asked);
  else if (std::holds_alternative<ProxySession::Quit>(event))
    quit();
  // Replies are collected for a client that pipelines commands, and sent when there are many or
  // when input is needed.
  return !client_.gone() && (!session_.output_full() || client_.flush());
}

bool Connection::need_input() {
  if (!client_.flush()) return false;
  // All replies have been sent. A stop of the process may end the session immediately again, which
  // retrieve() has delayed for its mail.
  client_.stream().finish(std::chrono::seconds(0));
  if (login_.upstream() != nullptr) upstream().finish(std::chrono::seconds(0));
  const bool first = !client_.spoke();
  if (!client_.read()) return false;
  if (first && client_.spoke() && !listener_.route.empty()) connect();
  return true;
}

bool Connection::start_tls() {
  if (!client_.start_tls(certificate(), [this] { session_.ok(""); })) return false;
  // start_tls() also returns true if STLS was refused. Mechanisms are announced when TLS permits
  // logins.
  if (session_.tls()) session_.set_mechanisms(login_.mechanisms());
  return true;
}

void Connection::log_in(const Pop3ProxyLogin::Answer& answer) {
  using Kind = Pop3ProxyLogin::Answer::Kind;
  switch (answer.kind) {
    case Kind::Challenge:
      return session_.challenge(answer.text);
    case Kind::Refused:
      return session_.refuse(answer.text);
    case Kind::Over:
      client_.set_reason(answer.reason);
      return session_.close(answer.text);
    case Kind::Ok:
      break;
  }
  if (login_.done())
    mails_.emplace(session_, login_, client_.stream(), service_.grace, [this] { return client_.flush(); });
  session_.ok(answer.text);
}

void Connection::capabilities() {
  pop3::Hop hop;
  hop.stls = session_.can_start_tls();
  hop.login = session_.login_allowed();
  hop.logged_in = session_.logged_in();
  // The upstream may announce other capabilities after the login (RFC 2449, section 5).
  if (hop.logged_in) {
    if (const auto learned = upstream().learn_capabilities(); !learned) {
      mails_->server_lost(learned.error());
      client_.set_reason(mails_->end());
      return;
    }
  }
  session_.list(pop3::announced(login_.capabilities(), hop));
}

void Connection::ask(const ProxySession::Ask& asked) {
  if (asked.verb == pop3::Verb::Utf8) return utf8();
  if (asked.verb == pop3::Verb::Retr)
    mails_->retrieve(asked);
  else if (asked.verb == pop3::Verb::Dele)
    mails_->remove(asked);
  else
    mails_->pass(asked);
  if (!mails_->end().empty()) client_.set_reason(mails_->end());
}

// Handles UTF8 (RFC 6856), which comes before the login. On a listener of several routes no
// upstream is connected before USER or AUTH, so the command is refused there.
void Connection::utf8() {
  if (login_.upstream() == nullptr || login_.capabilities().utf8.empty())
    return session_.refuse("Command not supported");
  const auto reply = upstream().ask("UTF8");
  if (!reply) return log_in(login_.lost(reply.error()));
  reply->ok() ? session_.ok(reply->text) : session_.refuse(reply->text);
}

void Connection::quit() {
  // If the process stops now, the client must still learn whether its mails were deleted.
  client_.stream().finish(service_.grace);
  client_.set_reason("quit");
  if (login_.upstream() == nullptr) return session_.ok("");
  // QUIT makes the upstream delete mails. At this point every mail that DELE has marked has a
  // durable copy, or the route permits deletion without one: DELE was refused otherwise.
  upstream().finish(service_.grace);
  const auto reply = upstream().ask("QUIT");
  login_.close();
  if (!reply) {
    client_.set_reason(reply.error().text());
    return session_.refuse("[SYS/TEMP] Upstream server did not confirm QUIT");
  }
  reply->ok() ? session_.ok(reply->text) : session_.refuse(reply->text);
}

}  // namespace

void serve_pop3_proxy(net::Stream stream, const Pop3ProxyListener& listener,
                      const Pop3ProxyService& service) {
  Connection(std::move(stream), listener, service).serve();
}

}  // namespace gw::proxy
