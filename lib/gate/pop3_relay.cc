#include "gate/pop3_relay.h"

#include <array>
#include <optional>

#include "base/log.h"
#include "gate/pop3_relay_login.h"
#include "gate/pop3_relay_mails.h"
#include "net/limits.h"
#include "net/serve.h"
#include "pop3/relay_session.h"

namespace gw::gate {
namespace {

using pop3::RelaySession;

constexpr std::size_t kReadSize = 4096;
constexpr std::chrono::seconds kLastWords{5};

class Connection {
 public:
  Connection(net::Stream stream, const Pop3RelayListener& listener, const Pop3RelayService& service)
      : stream_(std::move(stream)),
        listener_(listener),
        service_(service),
        tally_("proxy", service.report),
        session_(session_options()),
        login_(listener_, service_, stream_, tally_) {}

  void serve();

 private:
  pop3::RelayOptions session_options() const;
  bool greet();
  bool step();
  bool need_input();
  bool flush();
  bool handshake(const net::ServerTls& tls);
  bool start_tls();
  void log_in(const Pop3RelayLogin::Answer& answer);
  void capabilities();
  void ask(const RelaySession::Ask& asked);
  void utf8();
  void quit();
  Pop3Upstream& upstream() { return *login_.upstream(); }

  net::Stream stream_;
  const Pop3RelayListener& listener_;
  const Pop3RelayService& service_;
  SessionTally tally_;
  RelaySession session_;
  Pop3RelayLogin login_;
  std::optional<Pop3RelayMails> mails_;  // once in
  bool client_gone_ = false;
  std::string reason_ = "closed by the client";
};

pop3::RelayOptions Connection::session_options() const {
  pop3::RelayOptions options;
  options.tls = listener_.implicit_tls;
  options.tls_available = static_cast<bool>(service_.tls);
  options.allow_plaintext =
      service_.allow_plaintext_auth && (stream_.peer().address.empty() || stream_.peer().loopback());
  return options;
}

void Connection::serve() {
  stream_.set_timeout(service_.idle_timeout);
  bool going = true;
  if (listener_.implicit_tls) {
    const auto tls = service_.tls ? service_.tls() : Error(Code::Config, "no certificate is configured");
    if (!tls) log::error("pop3 without certificate", {{"reason", tls.error().text()}});
    going = tls && handshake(**tls);
  }
  going = going && greet();
  while (going) going = step();
  login_.close();  // without QUIT, unless that has passed
  stream_.close();
  const Pop3RelayMails::Counts counts = mails_ ? mails_->counts() : Pop3RelayMails::Counts{};
  log::info("pop3 relay ended", {{"transaction", login_.transaction()},
                                 {"peer", login_.peer()},
                                 {"route", login_.route_name()},
                                 {"retrieved", counts.retrieved},
                                 {"octets", counts.octets},
                                 {"copied", mails_ ? mails_->copies().stored() : 0},
                                 {"known", mails_ ? mails_->copies().known() : 0},
                                 {"uncopied", counts.uncopied},
                                 {"reason", reason_}});
  if (login_.has_route()) tally_.of_route(login_.route_name());
  store::Tally& tally = tally_.counts();
  tally.tls = stream_.tls() ? 1 : 0;
  tally.completed = session_.replies().completed;
  tally.deferred = session_.replies().deferred;
  tally.refused = session_.replies().refused;
  tally_.end();
}

// A listener of one route is connected before it greets: what it announces is what that server has.
bool Connection::greet() {
  if (!listener_.route.empty()) {
    if (const auto refused = login_.connect_listeners_route()) {
      reason_ = "no server";
      session_.close(*refused);
      return true;
    }
  }
  if (session_.login_allowed()) session_.set_mechanisms(login_.mechanisms());
  // No <…> in it: that would announce APOP (RFC 1939 section 7).
  session_.ok((service_.host.empty() ? "" : pop3::passed_text(service_.host) + " ") + "POP3 ready");
  return true;
}

// Does the next thing. False: the connection has ended.
bool Connection::step() {
  const RelaySession::Event& event = session_.next_event();
  if (std::holds_alternative<RelaySession::NeedInput>(event)) return need_input();
  if (std::holds_alternative<RelaySession::Closed>(event)) {
    stream_.last_words(kLastWords);
    flush();
    return false;
  }
  if (std::holds_alternative<RelaySession::StartTls>(event)) return start_tls();
  if (std::holds_alternative<RelaySession::Capa>(event))
    capabilities();
  else if (const auto* user = std::get_if<RelaySession::User>(&event))
    log_in(login_.user(user->name));
  else if (const auto* pass = std::get_if<RelaySession::Pass>(&event))
    log_in(login_.pass(pass->password));
  else if (const auto* auth = std::get_if<RelaySession::Auth>(&event))
    log_in(login_.auth(*auth->said));
  else if (const auto* response = std::get_if<RelaySession::Response>(&event))
    log_in(login_.respond(response->line));
  else if (const auto* asked = std::get_if<RelaySession::Ask>(&event))
    ask(*asked);
  else if (std::holds_alternative<RelaySession::Quit>(event))
    quit();
  // Gathered for a client that sends many commands at once.
  return !client_gone_ && (!session_.output_full() || flush());
}

bool Connection::need_input() {
  if (!flush()) return false;
  // Nothing is on its way any more.
  stream_.finish(std::chrono::seconds(0));
  if (login_.upstream() != nullptr) upstream().finish(std::chrono::seconds(0));
  std::array<std::byte, kReadSize> octets;
  const Result<std::size_t> got = stream_.read(octets);
  if (!got) {
    // No reply: the client would take it for the answer to its next command (RFC 1939 section 3).
    reason_ = got.error().text();
    return false;
  }
  if (*got == 0)
    session_.receive_eof();
  else
    session_.receive(ByteView(octets).first(*got));
  if (!session_.logged_in()) wipe(octets);
  return true;
}

bool Connection::flush() {
  if (session_.output().empty()) return true;
  const Result<void> sent = stream_.write(session_.output());
  session_.output_sent();
  if (!sent) reason_ = sent.error().text();
  client_gone_ = client_gone_ || !sent;
  return sent.has_value();
}

bool Connection::start_tls() {
  if (stream_.pending()) {
    session_.close("nothing may follow STLS");
    return true;
  }
  const auto tls = service_.tls();
  if (!tls) {
    log::error("pop3 without certificate", {{"reason", tls.error().text()}});
    session_.refuse("[SYS/TEMP] TLS is not available now");
    return true;
  }
  session_.ok("");
  if (!flush() || !handshake(**tls)) return false;
  session_.tls_started();
  session_.set_mechanisms(login_.mechanisms());
  return true;
}

bool Connection::handshake(const net::ServerTls& tls) {
  const Result<void> done = stream_.accept_tls(tls, service_.handshake_timeout, "pop3");
  if (!done) reason_ = done.error().text();
  return done.has_value();
}

void Connection::log_in(const Pop3RelayLogin::Answer& answer) {
  using Kind = Pop3RelayLogin::Answer::Kind;
  switch (answer.kind) {
    case Kind::Challenge:
      return session_.challenge(answer.text);
    case Kind::Refused:
      return session_.refuse(answer.text);
    case Kind::Over:
      reason_ = answer.reason;
      return session_.close(answer.text);
    case Kind::Ok:
      break;
  }
  if (login_.done()) mails_.emplace(session_, login_, stream_, service_.grace, [this] { return flush(); });
  session_.ok(answer.text);
}

void Connection::capabilities() {
  pop3::Hop hop;
  hop.stls = session_.can_start_tls();
  hop.login = session_.login_allowed();
  hop.logged_in = session_.logged_in();
  if (hop.logged_in) {
    if (const auto learned = upstream().learn_capabilities(); !learned) {
      mails_->server_lost(learned.error());
      reason_ = mails_->end();
      return;
    }
  }
  session_.list(pop3::announced(login_.capabilities(), hop));
}

void Connection::ask(const RelaySession::Ask& asked) {
  if (asked.verb == pop3::Verb::Utf8) return utf8();
  if (asked.verb == pop3::Verb::Retr)
    mails_->retrieve(asked);
  else if (asked.verb == pop3::Verb::Dele)
    mails_->remove(asked);
  else
    mails_->pass(asked);
  if (!mails_->end().empty()) reason_ = mails_->end();
}

// Before login, and only where there is a server that has it.
void Connection::utf8() {
  if (login_.upstream() == nullptr || login_.capabilities().utf8.empty())
    return session_.refuse("not offered here");
  const auto reply = upstream().ask("UTF8");
  if (!reply) return log_in(login_.lost(reply.error()));
  reply->ok() ? session_.ok(reply->text) : session_.refuse(reply->text);
}

void Connection::quit() {
  // A stop of the process does not keep the client from hearing how this ends.
  stream_.finish(service_.grace);
  reason_ = "quit";
  if (login_.upstream() == nullptr) return session_.ok("");
  // All copies are durable: a RETR or DELE whose copy was not has been refused, or has ended the session.
  upstream().finish(service_.grace);
  const auto reply = upstream().ask("QUIT");
  login_.close();
  if (!reply) {
    reason_ = reply.error().text();
    return session_.refuse("[SYS/TEMP] the server did not confirm the end");
  }
  reply->ok() ? session_.ok(reply->text) : session_.refuse(reply->text);
}

}  // namespace

void serve_pop3_relay(net::Stream stream, const Pop3RelayListener& listener,
                      const Pop3RelayService& service) {
  Connection(std::move(stream), listener, service).serve();
}

}  // namespace gw::gate
