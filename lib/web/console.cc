#include "web/console.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "web/api.h"
#include "web/assets.h"
#include "web/context.h"
#include "web/layout.h"
#include "web/pages.h"
#include "web/words.h"

namespace gw::web {
namespace {

// RFC 6265bis: a cookie of such a name is taken over TLS only, for this host alone. On loopback without TLS
// it has the name without the prefix.
constexpr std::string_view kBound = "__Host-";
constexpr std::string_view kSession = "gw";
constexpr std::string_view kBrowser = "gw-browser";
constexpr std::chrono::hours kBrowserLife{24 * 180};

constexpr std::size_t kBodyOfAnybody = 8 << 10;  // a sign-in form at its longest has some 6 KiB
constexpr std::size_t kBodyOfKnown = 1 << 20;

constexpr std::size_t kMostHomes = 10'000;

// `host` of `Host: host:port`, brackets of IPv6 taken off, in lower case.
std::string host_of(std::string_view authority) {
  if (authority.starts_with('[')) return lower(authority.substr(1, authority.find(']') - 1));
  return lower(authority.substr(0, authority.find(':')));
}

bool is_loopback(const std::string& address) {
  return address == "::1" || address.starts_with("127.") || address.empty() || address == "unix";
}

// A browser that lies here harms only itself: it would not keep a cookie that is bound to TLS.
bool is_secure(const Request& request) {
  return request.tls || iequals(request.headers.get("x-forwarded-proto"), "https") ||
         istarts_with(request.headers.get("origin"), "https://") ||
         request.cookies.has(std::string(kBound) + std::string(kSession));
}

std::string cookie_in(const Request& request, std::string_view name) {
  const std::string bound = std::string(kBound) + std::string(name);
  if (request.cookies.has(bound) || request.tls) return std::string(request.cookies.get(bound));
  return std::string(request.cookies.get(name));
}

std::string line_of(const Request& request, std::string_view name, std::string_view value,
                    std::optional<std::chrono::seconds> life) {
  std::string line(request.secure ? kBound : "");
  line.append(name).append("=").append(value).append("; Path=/; HttpOnly; SameSite=Strict");
  if (request.secure) line += "; Secure";
  if (life) line += "; Max-Age=" + std::to_string(life->count());
  return line;
}

// The same address, however it is written.
bool same_address(const std::string& a, const std::string& b) {
  in6_addr one{}, other{};
  for (const int family : {AF_INET, AF_INET6}) {
    if (::inet_pton(family, a.c_str(), &one) == 1 && ::inet_pton(family, b.c_str(), &other) == 1)
      return std::equal(std::begin(one.s6_addr), std::end(one.s6_addr), std::begin(other.s6_addr));
  }
  return false;
}

// A form of ours: the browser says that it was sent from a page of this origin. A browser always says so with
// a POST; what says nothing is no browser, and has nothing to do here.
bool from_our_origin(const Request& request) {
  const std::string_view host = request.headers.get("host");
  std::string_view origin = request.headers.get("origin");
  if (origin.empty() || origin == "null") {
    const std::string_view referer = request.headers.get("referer");
    const std::size_t scheme = referer.find("://");
    if (!request.headers.has("referer") || scheme == std::string_view::npos || origin == "null") return false;
    origin = referer.substr(0, referer.find('/', scheme + 3));
  }
  if (iequals(origin, "https://" + std::string(host))) return true;
  // On loopback there may be no TLS.
  return !request.tls && iequals(origin, "http://" + std::string(host));
}

bool token_fits(const Request& request, const std::string& token) {
  return !token.empty() && equal_secrets(as_bytes(request.form.get("csrf")), as_bytes(token));
}

Response to_sign_in(const Request& request, bool ended) {
  // Only an address of ours is come back to, and only by GET.
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
      api_pace_({.clock = options_.sign_in.clock}) {}

Console::~Console() = default;

void Console::remember(const std::string& account, std::string_view browser) {
  const std::lock_guard lock(mutex_);
  if (homes_.size() >= kMostHomes) homes_.clear();
  homes_.emplace(account, sha256(as_bytes(browser)));
}

bool Console::knows(const std::string& account, std::string_view browser) const {
  const std::lock_guard lock(mutex_);
  return !browser.empty() && homes_.contains({account, sha256(as_bytes(browser))});
}

std::size_t Console::most_body(const Request& request) {
  const bool known = request.target.starts_with("/api/") ? shows_token(*this, request)
                                                         : sessions_.find(session_of(request)).has_value();
  return known ? kBodyOfKnown : kBodyOfAnybody;
}

// What a page of somebody else's, whose name resolves to our address, cannot have in its Host (DNS
// rebinding).
bool Console::host_is_ours(const Request& request) const {
  const std::string host = host_of(request.headers.get("host"));
  if (host.empty()) return false;
  if (iequals(host, options_.host)) return true;
  const auto same = [&](const std::string& each) { return iequals(host, each); };
  if (std::ranges::any_of(options_.hosts, same)) return true;
  if (same_address(host, request.peer.local_address)) return true;
  if (host == "localhost" || host == "127.0.0.1" || host == "::1")
    return is_loopback(request.peer.local_address);
  if (!request.tls || !options_.tls) return false;
  const auto tls = options_.tls();
  return tls && (*tls)->covers(host);
}

Response Console::answer(Request& request) {
  request.peer.address = client_address(request.headers, request.peer.address, options_.trusted_proxy);
  request.secure = is_secure(request);
  Response response = routed(request);
  if (request.secure) response.set("Strict-Transport-Security", std::string(kStrictTransport));
  ++counts_.requests;
  if (response.status >= 500) ++counts_.errors;
  if (request.method == "HEAD" && response.stream) response.stream = nullptr;
  return response;
}

Result<std::optional<Console::Visitor>> Console::visitor(store::Store& store, const std::string& id) {
  std::optional<Session> session = sessions_.find(id);
  if (!session) return std::optional<Visitor>();
  Result<vault::Account> account = vault::find_account(store, session->account);
  if (!account && account.error().code() != Code::NotFound) return account.error();
  if (!account || account->disabled || account->password_generation != session->password_generation) {
    sessions_.end(id);
    return std::optional<Visitor>();
  }
  Visitor visitor{std::move(*account), std::move(*session), id, false};
  if (visitor.account.role == visitor.session.role) return std::optional(std::move(visitor));
  // What it may do has changed: a new id, and forms of before are void.
  visitor.id = sessions_.renew(id, visitor.account);
  visitor.renewed = true;
  session = sessions_.find(visitor.id);
  if (!session) return std::optional<Visitor>();
  visitor.session = std::move(*session);
  return std::optional(std::move(visitor));
}

Response Console::routed(Request& request) {
  if (auto asset = asset_response(request)) return std::move(*asset);
  if (request.path.starts_with("/api/")) return answer_api(*this, request);
  Found found = find_route(routes(), request.method, request.path);
  request.parameters = std::move(found.parameters);
  const bool is_public = found.route != nullptr && found.route->access == Access::Public;
  const Language asked = accepted_language(request.headers.get("accept-language"));
  const Context nobody(*this, nullptr, asked);
  // What programs ask that watch this process, by whatever name they have for it.
  if (is_public && found.route->kind == Kind::Plain) {
    Context program(*this, nullptr, asked);
    return found.route->page(program, request);
  }
  if (found.route != nullptr && request.path == kMetricsPath)
    if (auto answered = answer_metrics(*this, request)) return std::move(*answered);
  if (!host_is_ours(request)) return refused(nobody, request, 421);

  const std::string id = session_of(request);
  const bool for_programs = found.route != nullptr && found.route->kind == Kind::Plain;
  if (!is_public && !sessions_.find(id)) {
    if (for_programs) return plain(401, "sign in first\n").set("WWW-Authenticate", "Bearer");
    return to_sign_in(request, !id.empty());
  }
  const Result<store::Store*> store = options_.store();
  if (!store) return failed(nobody, request, store.error());
  Result<std::optional<Visitor>> found_visitor = visitor(**store, id);
  if (!found_visitor) return failed(nobody, request, found_visitor.error());
  if (!*found_visitor && !is_public) return to_sign_in(request, true);

  std::optional<Visitor>& who = *found_visitor;
  Context context(*this, *store, who ? parse_language(who->account.language).value_or(asked) : asked);
  std::string present;
  if (who) {
    present = who->id;
    const std::string actor = "console " + who->account.name + " from " + request.peer.address;
    context.sign_in(std::move(who->account), std::move(who->session), who->id, actor);
  }
  Response response = let_in(context, request, found);
  if (who && who->renewed && !response.headers.has("Set-Cookie"))
    response.set("Set-Cookie", cookie_line(request, present));
  return response;
}

// The last questions: is there such a page, is it for this account, and does a change come from a form of
// ours.
Response Console::let_in(Context& context, const Request& request, const Found& found) {
  if (found.route == nullptr) {
    if (found.allowed.empty()) return refused(context, request, 404);
    return refused(context, request, 405).set("Allow", found.allowed);
  }
  if (!may_call(context, *found.route)) return refused(context, request, 403);
  if (!request.reads()) {
    const bool has_token = found.route->access == Access::Public || token_fits(request, context.csrf());
    if (!from_our_origin(request) || !has_token) {
      log::warning("form refused", {{"path", request.path}, {"rhost", request.peer.address}});
      return form_refused(context, request);
    }
  }
  return found.route->page(context, request);
}

}  // namespace gw::web
