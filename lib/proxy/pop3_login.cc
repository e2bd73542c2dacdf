#include "proxy/pop3_login.h"

#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "daemon/session_id.h"

namespace gw::proxy {
namespace {

using pop3::Due;
using Kind = Pop3ProxyLogin::Answer::Kind;

constexpr std::string_view kNoServer = "[SYS/TEMP] Upstream server is unavailable, try again later";
constexpr std::string_view kNoVault = "[SYS/TEMP] Cannot store the archive copy, try again later";
constexpr std::string_view kNoRoute = "[AUTH] No route for this login";
// Challenges that the upstream may send after the client's own messages. XOAUTH2 needs one, to
// report an error (RFC 7628 has the same for OAUTHBEARER). The limit ends an exchange with a server
// that never stops.
constexpr std::size_t kMaxChallenges = 10;

Pop3ProxyLogin::Answer refused(std::string_view text) {
  return {Kind::Refused, std::string(text), {}};
}

// Returns whether an -ERR of the upstream means wrong credentials. Other response codes, such as
// [IN-USE] or [SYS/TEMP], report a problem of the server (RFC 2449, RFC 3206) and must not count as
// password guessing.
bool wrong_credentials(std::string_view text) {
  return !text.starts_with('[') || istarts_with(text, "[AUTH]");
}

}  // namespace

Pop3ProxyLogin::Pop3ProxyLogin(const Pop3ProxyListener& listener, const Pop3ProxyService& service,
                               const net::Stream& client, daemon::SessionStats& stats)
    : listener_(listener),
      service_(service),
      client_(client),
      stats_(stats),
      peer_(client.peer().address.empty() ? "local" : client.peer().address),
      transaction_(daemon::new_session_id()),
      guard_(service.limits, service.store, peer_) {}

std::optional<std::string> Pop3ProxyLogin::connect_listeners_route() {
  const auto routes = service_.routes();
  if (!routes) {
    log::error("routes not read", {{"transaction", transaction_}, {"reason", routes.error().text()}});
    return std::string(kNoVault);
  }
  const auto named = [&](const vault::Route& route) {
    return route.name == listener_.route && route.protocol == vault::Protocol::Pop3;
  };
  const auto found = std::find_if(routes->begin(), routes->end(), named);
  if (found == routes->end()) {
    log::error("route not found", {{"transaction", transaction_}, {"route", listener_.route}});
    return "[SYS/TEMP] No such route, try again later";
  }
  route_ = *found;
  return connect();
}

// Connects to the route's upstream. Returns nullopt if that succeeds, otherwise the text for the
// client.
std::optional<std::string> Pop3ProxyLogin::connect() {
  auto opened = Pop3Upstream::open(*service_.upstreams, *route_, service_.times);
  if (!opened) {
    const Error& error = opened.error();
    stats_.trouble(error.code() == Code::Denied ? "upstream rejected" : "upstream not reached", error);
    log::error(error.code() == Code::Denied ? "upstream rejected" : "upstream not reached",
               {{"transaction", transaction_}, {"route", route_->name}, {"reason", error.text()}});
    return std::string(kNoServer);
  }
  if (const auto& refusal = (*opened)->refusal()) {
    log::warning("upstream refused connection",
                 {{"transaction", transaction_}, {"route", route_->name}, {"reply", *refusal}});
    return *refusal;
  }
  upstream_ = std::move(*opened);
  return std::nullopt;
}

std::vector<std::string> Pop3ProxyLogin::mechanisms() const {
  std::vector<std::string> both;
  for (const std::string_view mechanism : sasl::kPassedMechanisms)
    if (capabilities().offers(mechanism)) both.emplace_back(mechanism);
  return both;
}

const pop3::Capabilities& Pop3ProxyLogin::capabilities() const {
  static const pop3::Capabilities kUnchosen = pop3::Capabilities::unchosen();
  return upstream_ ? upstream_->capabilities() : kUnchosen;
}

// On a listener of several routes, chooses the route that the login names and removes its name from
// `login`. Returns nullopt if there is a route, otherwise the text for the client.
std::optional<std::string> Pop3ProxyLogin::choose(std::string& login) {
  if (!listener_.route.empty()) return std::nullopt;
  const auto routes = service_.routes();
  if (!routes) {
    log::error("routes not read", {{"transaction", transaction_}, {"reason", routes.error().text()}});
    return std::string(kNoVault);
  }
  const vault::Chosen chosen = vault::choose_route(*routes, vault::Protocol::Pop3, login);
  if (chosen.route == nullptr) return std::string(kNoRoute);
  // A client may try one login after another. Keep the connection only if the route is the same:
  // another route, or a changed one, may lead to another server.
  if (route_ && (route_->name != chosen.route->name || route_->version != chosen.route->version))
    upstream_.reset();
  route_ = *chosen.route;
  login = chosen.login;
  return std::nullopt;
}

// Checks that copies can be made for this login. The quota is not checked: it may have room for
// some of the mails, and Pop3Copies::begin() checks it for each one.
Result<void> Pop3ProxyLogin::check_mailbox() const {
  const Result<store::Store*> store = service_.store();
  if (!store) return store.error();
  const Result<store::Recipient> to = vault::target(**store, mailbox_);
  if (!to) return to.error();
  if (to->mailbox.status == store::Status::Suspended)
    return Error(Code::Conflict, "mailbox " + to->mailbox.name + " is suspended");
  return {};
}

// Does everything that must succeed before the upstream gets a credential: the wait of the source,
// the route, the mailbox and the connection. Removes the route's name from `login`. `acts_as` is
// the authorization identity, or the login itself. Returns nullopt if all is well, otherwise the
// reply for the client.
std::optional<Pop3ProxyLogin::Answer> Pop3ProxyLogin::prepare(std::string& login, std::string_view acts_as) {
  guard_.wait();
  // Compare before choose(), which shortens `login`. `acts_as` may be a view of the same string, so
  // it is not used after that if the two are equal.
  const bool acts_as_itself = acts_as == login;
  if (const auto wrong = choose(login)) {
    if (*wrong != kNoRoute) return refused(*wrong);
    // A login that names no route is mostly a mistake in a client's settings. Programs that ban
    // addresses look for `login failed`, and would lock out the client's whole office.
    log::warning("login without route", {{"peer", peer_}, {"transaction", transaction_}});
    return wrong_login(kNoRoute);
  }
  login_ = login;
  identity_ = acts_as_itself ? login : std::string(acts_as);
  const auto mailbox = vault::mailbox_of(*route_, identity_);
  // Both names must be permitted. The identity decides whose mailbox gets the copies, and a user
  // with access to a shared account (an authorization identity) must not bypass the rules of the
  // route by it.
  if (!vault::may_login(*route_, login_) || !vault::may_login(*route_, identity_) || !mailbox)
    return not_allowed();
  mailbox_ = *mailbox;
  if (const Result<void> ready = check_mailbox(); !ready) {
    const bool pass = route_->on_copy_failure == vault::OnCopyFailure::Pass;
    stats_.trouble("copies unavailable", ready.error());
    log::error(pass ? "copies unavailable, mail passed" : "copies unavailable",
               {{"transaction", transaction_}, {"route", route_->name}, {"reason", ready.error().text()}});
    if (!pass) return refused(kNoVault);
  }
  if (upstream_) return std::nullopt;
  if (const auto wrong = connect()) {
    // A listener of one route has announced the capabilities of its upstream. Without it the
    // session is of no use. On a listener of several routes the client may try another login.
    return Answer{listener_.route.empty() ? Kind::Refused : Kind::Over, *wrong, "upstream not reached"};
  }
  return std::nullopt;
}

Pop3ProxyLogin::Answer Pop3ProxyLogin::user(std::string_view name) {
  std::string login(name);
  if (auto wrong = prepare(login, login)) return *wrong;
  return judge(upstream_->ask("USER " + login_), false);
}

Pop3ProxyLogin::Answer Pop3ProxyLogin::pass(const Secret& password) {
  return judge(upstream_->ask("PASS ", password, Due::Line), true);
}

Pop3ProxyLogin::Answer Pop3ProxyLogin::auth(sasl::CredentialForwarder& said) {
  std::string login = said.login();
  if (auto wrong = prepare(login, said.acts_as())) return *wrong;
  said.set_login(login);
  challenges_ = 0;
  // `login` lacks the route's name now; the upstream must get it in this form.
  const pop3::Capabilities& server = upstream_->capabilities();
  if (server.offers(said.mechanism())) return judge(say_again(said), true);
  // A listener of several routes announces mechanisms before it knows the upstream, which may not
  // support this one. If the client has sent a password, log in with USER and PASS instead. That
  // form has no authorization identity, so it only works if the client acts as itself.
  const bool takes_user = server.user || !server.known;
  if (said.password() == nullptr || !takes_user || identity_ != login_)
    return refused("[SYS/PERM] Upstream server does not support this mechanism");
  const auto named = upstream_->ask("USER " + login_);
  if (!named || !named->ok()) return judge(named, true);
  return pass(*said.password());
}

// Repeats the client's SASL messages to the upstream. It does not use an initial response: RFC
// 5034, section 4 limits the command line to 255 bytes, and a token is often longer.
Result<Pop3ProxyLogin::Reply> Pop3ProxyLogin::say_again(const sasl::CredentialForwarder& said) {
  Result<Reply> reply = upstream_->ask("AUTH " + std::string(said.mechanism()), Due::Exchange);
  for (const Secret& message : said.messages()) {
    if (!reply) return reply;
    // +OK before the credentials were sent means that the session belongs to no known user. The
    // client's mails must not be fetched through it.
    if (reply->ok())
      return Error(Code::Closed,
                   route_->upstream() + ": the server accepted a login before it received credentials");
    if (!reply->challenge()) return reply;
    reply = upstream_->ask("", message, Due::Exchange);
  }
  return reply;
}

Pop3ProxyLogin::Answer Pop3ProxyLogin::respond(const Secret& line) {
  return judge(upstream_->ask("", line, Due::Exchange), true);
}

// Converts the upstream's reply into the reply for the client. `last` is set if +OK completes the
// login; it is not set for USER.
Pop3ProxyLogin::Answer Pop3ProxyLogin::judge(const Result<Reply>& reply, bool last) {
  if (!reply) return lost(reply.error());
  if (reply->challenge()) {
    if (++challenges_ > kMaxChallenges)
      return lost(Error(Code::Closed, "the server sent too many challenges"));
    // A challenge is base64, but the upstream is not trusted: a control character must not reach
    // the client.
    std::string text = reply->text;
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return {Kind::Challenge, std::move(text), {}};
  }
  if (reply->ok()) {
    if (!last) return {Kind::Ok, reply->text, {}};
    done_ = true;
    guard_.right();
    const auto tls = [](const auto& facts) { return facts ? facts->version : std::string("none"); };
    log::info("pop3 relay login", {{"transaction", transaction_},
                                   {"peer", peer_},
                                   {"route", route_->name},
                                   {"tls", tls(client_.tls())},
                                   {"upstream-tls", tls(upstream_->tls())}});
    log::verbose("pop3 relay login", {{"transaction", transaction_}, {"login", identity_}});
    return {Kind::Ok, reply->text, {}};
  }
  // Do not log the name: people type their password into the wrong field.
  const bool wrong = wrong_credentials(reply->text);
  if (wrong)
    log::warning("login failed", {{"rhost", peer_}, {"transaction", transaction_}, {"route", route_->name}});
  else
    log::warning("login refused upstream",
                 {{"transaction", transaction_}, {"peer", peer_}, {"route", route_->name}});
  if (!wrong) return {Kind::Refused, reply->text, {}};
  return wrong_login(reply->text);
}

Pop3ProxyLogin::Answer Pop3ProxyLogin::not_allowed() {
  log::warning("login failed", {{"rhost", peer_},
                                {"transaction", transaction_},
                                {"route", route_->name},
                                {"reason", "login not allowed on the route"}});
  return wrong_login(kNoRoute);
}

// Counts a wrong password, or a login that no route accepts. Both count, because otherwise an
// attacker could try out without any delay which logins a route accepts.
Pop3ProxyLogin::Answer Pop3ProxyLogin::wrong_login(std::string_view text) {
  ++stats_.counts().failed_logins;
  return {guard_.wrong() ? Kind::Over : Kind::Refused, std::string(text), "too many wrong passwords"};
}

Pop3ProxyLogin::Answer Pop3ProxyLogin::lost(const Error& error) {
  stats_.trouble("upstream lost", error);
  log::warning("upstream lost",
               {{"transaction", transaction_}, {"route", route_->name}, {"reason", error.text()}});
  upstream_.reset();
  return {Kind::Over, std::string(kNoServer), error.text()};
}

Pop3Copies Pop3ProxyLogin::copies() const {
  vault::Envelope envelope;
  envelope.host = service_.host;
  envelope.peer = client_.peer().address;
  if (const auto& tls = client_.tls()) {
    envelope.tls = tls->version + " " + tls->cipher;
    envelope.client_certificate = tls->client_certificate;
  }
  envelope.auth = login_;
  envelope.listener = listener_.name;
  envelope.transaction = transaction_;
  envelope.origin = vault::Origin::ProxyPop3;
  envelope.route = route_->name;
  envelope.login = identity_;
  return Pop3Copies(service_.store, mailbox_, {*service_.fingerprint_key, route_->name, identity_},
                    std::move(envelope));
}

}  // namespace gw::proxy
