// Signing in and out.
#include <array>
#include <chrono>

#include "base/digest.h"
#include "base/log.h"
#include "base/secret.h"
#include "net/limits.h"
#include "web/layout.h"
#include "web/pages.h"
#include "web/second_factor.h"
#include "web/widgets.h"

namespace gw::web {
namespace {

constexpr std::size_t kLongestName = 64;

// Where the browser wanted to go: a path of ours and nothing that it could take for another host.
std::string next_of(std::string_view given) {
  const bool ours = is_own_address(given) && !given.starts_with("/sign-");
  return ours ? std::string(given) : "/";
}

Response sign_in_page(const Context& context, const Request& request, std::string_view name,
                      std::string_view next, const Html& message, int status) {
  const Words& w = context.w;
  Html inside = hidden("next", next);
  Field account{.name = "name", .label = w("sign-in.name"), .value = std::string(name)};
  account.autocomplete = "username";
  account.required = true;
  account.focus = name.empty();
  Field password{.name = "password", .label = w("sign-in.password"), .type = "password"};
  password.autocomplete = "current-password";
  password.required = true;
  password.focus = !name.empty();
  Field code{.name = "code", .label = w("sign-in.code"), .type = "code", .help = w("sign-in.code.help")};
  inside += field(account) + field(password) + field(code) + button(w("sign-in.do"), Tone::Good);
  Html content = message;
  if (!request.secure) content += notice(w("sign-in.plain"), Tone::Warning);
  content += tag("form", {{"method", "post"}, {"action", "/sign-in"}, {"class", "panel"}}, inside);
  PageParts parts;
  parts.title = w("sign-in.title");
  parts.content = content;
  parts.status = status;
  return bare_page(context, request, parts);
}

Response show_sign_in(Context& context, const Request& request) {
  if (context.signed_in()) return redirect("/");
  const Html message = request.query.has("ended") ? notice(context.w("sign-in.ended"), Tone::Plain) : Html();
  return sign_in_page(context, request, "", next_of(request.query.get("next")), message, 200);
}

std::string new_browser() {
  std::array<std::byte, 32> octets{};
  random_octets(octets);
  return to_hex(octets);
}

// How long this source, and whoever names this account, has to wait: at once refused, for a waiting thread is
// what somebody who guesses would like us to spend.
Response too_soon(const Context& context, const Request& request, std::string_view name,
                  std::string_view next, std::chrono::milliseconds wait) {
  Response response =
      sign_in_page(context, request, name, next, notice(context.w("error.429"), Tone::Warning), 429);
  response.set("Retry-After", std::to_string((wait.count() + 999) / 1000));
  return response;
}

Response do_sign_in(Context& context, const Request& request) {
  Console& console = context.console();
  const std::string name(request.form.get("name").substr(0, kLongestName));
  const std::string next = next_of(request.form.get("next"));
  // Who guesses must not keep away who has signed in to this account before: such a browser has tries of its
  // own. Behind a web server that does not say who asks everybody has one address, a loopback one: that is
  // nobody's to use up.
  const std::string browser = browser_of(request);
  const bool known = console.knows(name, browser);
  const std::string source =
      known || request.peer.loopback() ? std::string() : net::source_of(request.peer.address);
  const std::string account = known ? name + " " + to_hex(sha256(as_bytes(browser))) : name;
  const auto wait = std::max(source.empty() ? std::chrono::milliseconds(0) : console.sources().left(source),
                             console.accounts().left(account));
  if (wait.count() > 0) return too_soon(context, request, name, next, wait);
  // Counted before the work, so that many tries at one time count as many.
  if (!source.empty()) console.sources().failed(source);
  console.accounts().failed(account);

  const Secret password = request.form.secret("password");
  Result<vault::SignedIn> who = vault::sign_in(context.store(), name, password);
  if (!who && who.error().code() != Code::Denied) return failed(context, request, who.error());
  std::string_view reason = "password";
  bool good = who.has_value();
  if (good && who->account.has_totp()) {
    const Result<bool> fits = console.second_factors().fits(*who, request.form.get("code"), context.now());
    if (!fits) return failed(context, request, fits.error());
    good = *fits;
    reason = "code";
  }
  if (!good) {
    ++console.counts().failed_logins;
    // The line that fail2ban and the like look for: gw-webd(8). Without the name: people type passwords
    // there.
    log::warning("login failed", {{"rhost", request.peer.address}, {"reason", reason}});
    return sign_in_page(context, request, name, next, notice(context.w("sign-in.wrong"), Tone::Bad), 403);
  }
  if (!source.empty()) console.sources().succeeded(source);
  console.accounts().succeeded(account);
  const std::string remembered = known ? browser : new_browser();
  console.remember(name, remembered);
  // An id of before, whoever gave it to this browser, is worth nothing now.
  console.sessions().end(session_of(request));
  const std::string id = console.sessions().begin(who->account);
  log::info("signed in", {{"user", name}, {"rhost", request.peer.address}});
  Response response = redirect(next);
  response.headers.add("Set-Cookie", cookie_line(request, id));
  response.headers.add("Set-Cookie", browser_line(request, remembered));
  return response;
}

Response do_sign_out(Context& context, const Request& request) {
  context.console().sessions().end(context.session_id());
  context.console().views().close_all(context.session_id());
  log::info("signed out", {{"user", context.account().name}, {"rhost", request.peer.address}});
  return redirect("/sign-in").set("Set-Cookie", cookie_line(request, "")).set("Clear-Site-Data", "\"cache\"");
}

}  // namespace

void add_sign_in_pages(Routes& routes) {
  routes.push_back({"GET", "/sign-in", Access::Public, show_sign_in});
  routes.push_back({"POST", "/sign-in", Access::Public, do_sign_in});
  routes.push_back({"POST", "/sign-out", Access::Viewer, do_sign_out});
}

}  // namespace gw::web
