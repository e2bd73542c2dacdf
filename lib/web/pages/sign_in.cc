// Signing in and out.
#include <array>
#include <chrono>

#include "base/digest.h"
#include "base/log.h"
#include "base/secret.h"
#include "net/limits.h"
#include "web/attempt.h"
#include "web/pages/pages.h"
#include "web/second_factor.h"
#include "web/ui/layout.h"
#include "web/ui/widgets.h"

namespace gw::web {
namespace {

constexpr std::size_t kMaxName = 64;

// Returns the path to continue at after the sign-in. Anything but a path of this console becomes
// `/`, so that a crafted link to the sign-in page cannot lead to another host (open redirect).
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

// Returns the value of a new browser cookie: 256 random bits.
std::string new_browser() {
  std::array<std::byte, 32> data{};
  random_bytes(data);
  return to_hex(data);
}

// Refuses a sign-in of a source or account that has to wait. It refuses immediately instead of
// waiting, because waiting threads are what an attacker would like to use up.
Response too_soon(const Context& context, const Request& request, std::string_view name,
                  std::string_view next, std::chrono::milliseconds wait) {
  Response response =
      sign_in_page(context, request, name, next, notice(context.w("error.429"), Tone::Warning), 429);
  response.set("Retry-After", retry_after(wait));
  return response;
}

Response do_sign_in(Context& context, const Request& request) {
  Console& console = context.console();
  const std::string name(request.form.get("name").substr(0, kMaxName));
  const std::string next = next_of(request.form.get("next"));
  // There are two limits: by source and by account. Both could lock the user out while another
  // client guesses, so a browser that has signed in to this account before has an account limit of
  // its own and no source limit.
  //
  // Connections from loopback have no source limit: behind a web server that is not a trusted
  // proxy, all clients have the same loopback address.
  const std::string browser = browser_of(request);
  const bool known = console.knows(name, browser);
  const std::string source =
      known || request.peer.loopback() ? std::string() : net::source_of(request.peer.address);
  const std::string account = known ? name + " " + to_hex(sha256(as_bytes(browser))) : name;
  const auto wait = std::max(source.empty() ? std::chrono::milliseconds(0) : console.sources().left(source),
                             console.accounts().left(account));
  if (wait.count() > 0) return too_soon(context, request, name, next, wait);
  // Counts the try before the slow work, so that concurrent tries are all counted.
  if (!source.empty()) console.sources().failed(source);
  console.accounts().failed(account);

  // An attempt that cannot be checked, because the keeper is away, is no wrong one.
  const auto unchecked = [&](const Error& error) {
    if (!source.empty()) console.sources().take_back(source);
    console.accounts().take_back(account);
    return failed(context, request, error);
  };
  const Secret password = request.form.secret("password");
  Result<vault::SignedIn> who = vault::sign_in(context.store(), name, password);
  if (!who && who.error().code() != Code::Denied) return unchecked(who.error());
  std::string_view reason = "password";
  bool good = who.has_value();
  // The code is checked after the password: a client that does not know the password cannot use up
  // codes, and does not learn whether the account has a second factor.
  if (good && who->account.has_totp()) {
    const Result<bool> fits = console.second_factors().fits(*who, request.form.get("code"), context.now());
    if (!fits) return unchecked(fits.error());
    good = *fits;
    reason = "code";
  }
  if (!good) {
    ++console.counts().failed_logins;
    // fail2ban and similar programs look for this line (gw-webd(8)). It does not hold the name,
    // because people sometimes type their password there.
    log::warning("login failed", {{"rhost", request.peer.address}, {"reason", reason}});
    return sign_in_page(context, request, name, next, notice(context.w("sign-in.wrong"), Tone::Bad), 403);
  }
  if (!source.empty()) console.sources().succeeded(source);
  console.accounts().succeeded(account);
  const std::string remembered = known ? browser : new_browser();
  console.remember(name, remembered);
  // Ends a session that the browser already has: its id may have been planted by an attacker
  // (session fixation).
  console.sessions().end(session_of(request));
  const std::string id = console.sessions().begin(who->account);
  log::info("signed in", {{"user", name}, {"rhost", request.peer.address}});
  Response response = redirect(next);
  // add() instead of set(): there are two cookies.
  response.headers.add("Set-Cookie", cookie_line(request, id));
  response.headers.add("Set-Cookie", browser_line(request, remembered));
  return response;
}

Response do_sign_out(Context& context, const Request& request) {
  context.console().sessions().end(context.session_id());
  context.console().views().close_all(context.session_id());
  context.console().opened_mailboxes().close_all(context.session_id());
  log::info("signed out", {{"user", context.account().name}, {"rhost", request.peer.address}});
  // Clear-Site-Data removes pages from the browser's cache, which the back button would otherwise
  // show.
  return redirect("/sign-in").set("Set-Cookie", cookie_line(request, "")).set("Clear-Site-Data", "\"cache\"");
}

}  // namespace

void add_sign_in_pages(Routes& routes) {
  routes.push_back({"GET", "/sign-in", Access::Public, show_sign_in});
  routes.push_back({"POST", "/sign-in", Access::Public, do_sign_in});
  routes.push_back({"POST", "/sign-out", Access::Viewer, do_sign_out});
}

}  // namespace gw::web
