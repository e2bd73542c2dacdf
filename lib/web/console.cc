#include "web/console.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "web/api/api.h"
#include "web/context.h"
#include "web/pages/pages.h"
#include "web/strings/strings.h"
#include "web/ui/assets.h"
#include "web/ui/layout.h"

namespace gw::web {
namespace {

// Browsers accept a cookie with this prefix only over TLS, only for the host that sets it and only
// with the path `/` (RFC 6265bis, section 4.1.3.2). Another host of the same domain therefore
// cannot plant one. Over plain HTTP on loopback the cookie has its name without the prefix.
constexpr std::string_view kBound = "__Host-";
constexpr std::string_view kSession = "gw";
constexpr std::string_view kBrowser = "gw-browser";
constexpr std::chrono::hours kBrowserLife{24 * 180};

constexpr std::size_t kBodyOfAnybody = 8 << 10;  // the longest sign-in form has about 6 KiB
constexpr std::size_t kBodyOfKnown = 1 << 20;

constexpr std::size_t kMaxHomes = 10'000;

// Returns the host of `host:port` in lower case, without the brackets of an IPv6 address.
std::string host_of(std::string_view authority) {
  if (authority.starts_with('[')) return lower(authority.substr(1, authority.find(']') - 1));
  return lower(authority.substr(0, authority.find(':')));
}

bool is_loopback(const std::string& address) {
  return address == "::1" || address.starts_with("127.") || address.empty() || address == "unix";
}

// Returns whether the browser uses TLS. Some of the evidence comes from the client, who can forge
// it; that harms only the client, whose browser would then not store the cookie.
bool is_secure(const Request& request) {
  return request.tls || iequals(request.headers.get("x-forwarded-proto"), "https") ||
         istarts_with(request.headers.get("origin"), "https://") ||
         request.cookies.has(std::string(kBound) + std::string(kSession));
}

// Returns the value of a cookie. Over TLS the name without the prefix never counts: a plain HTTP
// page of the same host name could have set it.
std::string cookie_in(const Request& request, std::string_view name) {
  const std::string bound = std::string(kBound) + std::string(name);
  if (request.cookies.has(bound) || request.tls) return std::string(request.cookies.get(bound));
  return std::string(request.cookies.get(name));
}

std::string line_of(const Request& request, std::string_view name, std::string_view value,
                    std::optional<std::chrono::seconds> life) {
  std::string line(request.secure ? kBound : "");
  // SameSite=Strict: a link or form on another site is sent without the session.
  line.append(name).append("=").append(value).append("; Path=/; HttpOnly; SameSite=Strict");
  if (request.secure) line += "; Secure";
  if (life) line += "; Max-Age=" + std::to_string(life->count());
  return line;
}

// Returns whether two texts are the same IP address, however they are written. IPv4 is compared
// with IPv4 and IPv6 with IPv6 only.
bool same_address(const std::string& a, const std::string& b) {
  in6_addr one{}, other{};
  for (const int family : {AF_INET, AF_INET6}) {
    if (::inet_pton(family, a.c_str(), &one) == 1 && ::inet_pton(family, b.c_str(), &other) == 1)
      return std::equal(std::begin(one.s6_addr), std::end(one.s6_addr), std::begin(other.s6_addr));
  }
  return false;
}

// Returns whether a form was posted from a page of this console. A browser states the origin with
// every POST, in Origin or at least in Referer; a client that states none is no browser and has no
// business with forms (programs use the API).
bool from_our_origin(const Request& request) {
  const std::string_view host = request.headers.get("host");
  std::string_view origin = request.headers.get("origin");
  // `null` is the origin of a sandboxed frame, such as the one that shows the HTML of a mail.
  if (origin.empty() || origin == "null") {
    const std::string_view referer = request.headers.get("referer");
    const std::size_t scheme = referer.find("://");
    if (!request.headers.has("referer") || scheme == std::string_view::npos || origin == "null") return false;
    origin = referer.substr(0, referer.find('/', scheme + 3));
  }
  if (iequals(origin, "https://" + std::string(host))) return true;
  // Over loopback, a browser may use the console without TLS.
  return !request.tls && iequals(origin, "http://" + std::string(host));
}

// Compares in constant time, so that the time of a refusal reveals no part of the token.
bool token_fits(const Request& request, const std::string& token) {
  return !token.empty() && equal_secrets(as_bytes(request.form.get("csrf")), as_bytes(token));
}

Response to_sign_in(const Request& request, bool ended) {
  // After the sign-in the browser returns to this page, but only if it was read: a POST is not
  // repeated.
  std::string to = "/sign-in";
  if (request.reads() && request.path != "/") to += "?next=" + url_part(request.target);
  if (ended) to += std::string(to.find('?') == std::string::npos ? "?" : "&") + "ended=1";
  Response response = redirect(to);
  if (ended) response.set("Set-Cookie", cookie_line(request, ""));
  return response;
}

}  // namespace

std::string session_of(const Request& request) {
  return cookie_in(request, kSession);
}

std::string cookie_line(const Request& request, std::string_view id) {
  return line_of(request, kSession, id, id.empty() ? std::optional(std::chrono::seconds(0)) : std::nullopt);
}

std::string browser_of(const Request& request) {
  return cookie_in(request, kBrowser);
}

std::string browser_line(const Request& request, std::string_view browser) {
  return line_of(request, kBrowser, browser, kBrowserLife);
}

Console::Console(ConsoleOptions options)
    : options_(std::move(options)),
      sessions_(options_.sessions),
      sources_(options_.sign_in),
      accounts_(options_.sign_in),
      confirmations_(options_.sign_in),
      views_(options_.sessions.clock),
      api_tries_(options_.sign_in),
      api_pace_({.clock = options_.sign_in.clock}),
      opened_mailboxes_(options_.sessions.clock) {}

Console::~Console() = default;

void Console::remember(const std::string& account, std::string_view browser) {
  const std::lock_guard lock(mutex_);
  // Forgetting all browsers costs users only their own allowance of wrong passwords.
  if (homes_.size() >= kMaxHomes) homes_.clear();
  homes_.emplace(account, sha256(as_bytes(browser)));
}

bool Console::knows(const std::string& account, std::string_view browser) const {
  const std::lock_guard lock(mutex_);
  return !browser.empty() && homes_.contains({account, sha256(as_bytes(browser))});
}

std::size_t Console::most_body(const Request& request) {
  // The path is not yet decoded here. A target that hides `/api/` by escapes is judged as a page,
  // which at worst refuses a large body.
  const bool known = request.target.starts_with("/api/") ? shows_token(*this, request)
                                                         : sessions_.find(session_of(request)).has_value();
  return known ? kBodyOfKnown : kBodyOfAnybody;
}

// Protects against DNS rebinding: a foreign page whose host name is made to resolve to the address
// of this console is of the same origin as the console for the browser, but its Host header has the
// foreign name. Names are accepted from the configuration and the certificate, addresses only if
// the connection came to them.
bool Console::host_is_ours(const Request& request) const {
  const std::string host = host_of(request.headers.get("host"));
  if (host.empty()) return false;
  if (iequals(host, options_.host)) return true;
  const auto same = [&](const std::string& each) { return iequals(host, each); };
  if (std::ranges::any_of(options_.hosts, same)) return true;
  if (same_address(host, request.peer.local_address)) return true;
  // Loopback names are accepted only on connections that came over loopback (or over a Unix socket
  // from a web server).
  if (host == "localhost" || host == "127.0.0.1" || host == "::1")
    return is_loopback(request.peer.local_address);
  if (!request.tls || !options_.tls) return false;
  const auto tls = options_.tls();
  return tls && (*tls)->covers(host);
}

Response Console::answer(Request& request) {
  // Must precede everything that limits or logs by address.
  request.peer.address = client_address(request.headers, request.peer.address, options_.trusted_proxy);
  request.secure = is_secure(request);
  Response response = routed(request);
  if (request.secure) response.set("Strict-Transport-Security", std::string(kStrictTransport));
  ++counts_.requests;
  if (response.status >= 500) ++counts_.errors;
  return response;
}

Result<std::optional<Console::Visitor>> Console::visitor(store::Store& store, const std::string& id,
                                                         bool use) {
  std::optional<Session> session = sessions_.find(id, use);
  if (!session) return std::optional<Visitor>();
  Result<vault::Account> account = vault::find_account(store, session->account);
  if (!account && account.error().code() != Code::NotFound) return account.error();
  // The account is read at each request, so a change takes effect immediately in all sessions, also
  // if another process (gw-store) has made it.
  if (!account || account->disabled || account->password_generation != session->password_generation) {
    sessions_.end(id);
    return std::optional<Visitor>();
  }
  Visitor visitor{std::move(*account), std::move(*session), id, false};
  if (visitor.account.role == visitor.session.role) return std::optional(std::move(visitor));
  // The rights have changed: the session gets a new id, and forms that were loaded before are void.
  visitor.id = sessions_.renew(id, visitor.account);
  visitor.renewed = true;
  // Reads the new CSRF token.
  session = sessions_.find(visitor.id);
  if (!session) return std::optional<Visitor>();
  visitor.session = std::move(*session);
  return std::optional(std::move(visitor));
}

Response Console::routed(Request& request) {
  // Static files hold nothing private, and the sign-in page needs them.
  if (auto asset = asset_response(request)) return std::move(*asset);
  if (request.path.starts_with("/api/")) return answer_api(*this, request);
  Found found = find_route(routes(), request.method, request.path);
  request.parameters = std::move(found.parameters);
  const bool is_public = found.route != nullptr && found.route->access == Access::Public;
  const Language asked = accepted_language(request.headers.get("accept-language"));
  const Context nobody(*this, nullptr, asked);
  // Health checks of programs that watch this process: they may address it by any name, and they
  // must work while the keeper is away.
  if (is_public && found.route->kind == Kind::Plain) {
    Context program(*this, nullptr, asked);
    return found.route->page(program, request);
  }
  // A token is checked before Host and session; a request without a token continues as that of a
  // browser.
  if (found.route != nullptr && request.path == kMetricsPath)
    if (auto answered = answer_metrics(*this, request)) return std::move(*answered);
  // Before the session: a foreign page must not even learn whether there is one.
  if (!host_is_ours(request)) return refused(nobody, request, 421);

  const std::string id = session_of(request);
  // A page that loads itself again shows no presence of its user.
  const bool use = !(request.reads() && request.query.has(kUnattended));
  const bool for_programs = found.route != nullptr && found.route->kind == Kind::Plain;
  // Answers clients without a session before it opens the store: an outage of the keeper then does
  // not show an error to clients that are not signed in, and these cause no work for the keeper.
  if (!is_public && !sessions_.find(id, use)) {
    if (for_programs) return plain(401, "sign in first\n").set("WWW-Authenticate", "Bearer");
    return to_sign_in(request, !id.empty());
  }
  const Result<store::Store*> store = options_.store();
  if (!store) return failed(nobody, request, store.error());
  Result<std::optional<Visitor>> found_visitor = visitor(**store, id, use);
  if (!found_visitor) return failed(nobody, request, found_visitor.error());
  if (!*found_visitor && !is_public) return to_sign_in(request, true);

  std::optional<Visitor>& who = *found_visitor;
  // The account's own language precedes that of the browser.
  Context context(*this, *store, who ? parse_language(who->account.language).value_or(asked) : asked);
  std::string present;
  if (who) {
    present = who->id;
    const std::string actor = "console " + who->account.name + " from " + request.peer.address;
    context.sign_in(std::move(who->account), std::move(who->session), who->id, actor);
  }
  Response response = let_in(context, request, found);
  // A cookie that the page itself sets, for example at sign-out, precedes that of the renewal.
  if (who && who->renewed && !response.headers.has("Set-Cookie"))
    response.set("Set-Cookie", cookie_line(request, present));
  return response;
}

// Checks that the page exists, that the account may call it, and that a change comes from a form of
// this session.
Response Console::let_in(Context& context, const Request& request, const Found& found) {
  if (found.route == nullptr) {
    if (found.allowed.empty()) return refused(context, request, 404);
    return refused(context, request, 405).set("Allow", found.allowed);
  }
  if (!may_call(context, *found.route)) return refused(context, request, 403);
  if (!request.reads()) {
    // The sign-in form has no session yet, hence no token; Origin alone protects it against a
    // sign-in that another site forges (login CSRF).
    const bool has_token = found.route->access == Access::Public || token_fits(request, context.csrf());
    if (!from_our_origin(request) || !has_token) {
      log::warning("form refused", {{"path", request.path}, {"rhost", request.peer.address}});
      return form_refused(context, request);
    }
  }
  return found.route->page(context, request);
}

}  // namespace gw::web
