// The page on the user's own account: password, second factor and language.
#include "base/log.h"
#include "web/attempt.h"
#include "web/pages/pages.h"
#include "web/totp.h"
#include "web/ui/layout.h"
#include "web/ui/widgets.h"

namespace gw::web {
namespace {

constexpr std::string_view kAccountSection = "/account";

Field account_secret_field(std::string name, const Html& label, std::string autocomplete) {
  Field made{.name = std::move(name), .label = label};
  made.type = "password";
  made.autocomplete = std::move(autocomplete);
  made.required = true;
  return made;
}

Html summary(const Context& context) {
  const vault::Account& account = context.account();
  const Words& w = context.w;
  const auto role = Text::find("role." + std::string(vault::name(account.role)));
  Html only;
  for (const std::string& pattern : account.only) only += tag("code", {}, escaped(pattern)) + tag("br");
  return section(w("account.title"),
                 facts({{w("sign-in.name"), escaped(account.name)},
                        {w("account.role"), role ? w(*role) : Html()},
                        {w("account.only"), account.only.empty() ? w("account.only.all") : only},
                        {w("account.password-since"), w.at(account.password_since)}}));
}

Html password_section(const Context& context, std::string_view wrong_old, std::string_view wrong_new) {
  const Words& w = context.w;
  Field old = account_secret_field("old", w("account.password.old"), "current-password");
  old.wrong = wrong_old;
  Field fresh = account_secret_field("new", w("account.password.new"), "new-password");
  fresh.help = w("account.password.help");
  fresh.wrong = wrong_new;
  const Field again = account_secret_field("again", w("account.password.again"), "new-password");
  return section(w("account.password"),
                 form(context, "/account/password",
                      field(old) + field(fresh) + field(again) + button(w("account.password.do"))));
}

Html totp_section(const Context& context, std::string_view wrong) {
  const Words& w = context.w;
  if (!context.account().has_totp())
    return section(w("account.totp"),
                   tag("p", {}, w("account.totp.off")) +
                       action_button(context, "/account/totp/begin", w("account.totp.begin")));
  Field password = account_secret_field("password", w("sign-in.password"), "current-password");
  password.wrong = wrong;
  return section(w("account.totp"), tag("p", {}, pill(w("on"), Tone::Good)) +
                                        tag("p", {}, w("account.totp.on")) +
                                        form(context, "/account/totp/remove",
                                             field(password) + button(w("account.totp.remove"), Tone::Bad)));
}

Html language_section(const Context& context) {
  const Words& w = context.w;
  const std::vector<Choice> choices{{"", w("account.language.browser")},
                                    {"en", w("language.en")},
                                    {"it", w("language.it")},
                                    {"de", w("language.de")}};
  return section(w("app.language"),
                 form(context, "/account/language",
                      select("language", w("app.language"), choices, context.account().language) +
                          button(w("do.save"))));
}

struct Wrongs {
  std::string old_password, new_password, totp;
};

Response own_account_page(const Context& context, const Request& request, const Wrongs& wrong) {
  PageParts parts;
  parts.title = context.w("nav.account");
  parts.section = kAccountSection;
  parts.content = summary(context) + password_section(context, wrong.old_password, wrong.new_password) +
                  totp_section(context, wrong.totp) + language_section(context);
  const bool good = wrong.old_password.empty() && wrong.new_password.empty() && wrong.totp.empty();
  parts.status = good ? 200 : 422;
  return page(context, request, parts);
}

Response show_own_account(Context& context, const Request& request) {
  return own_account_page(context, request, {});
}

// Checks the user's own password before an important change, so that taking over a session is not
// enough for it. Tries are limited like sign-ins, but counted separately, so that another client's
// failed sign-ins do not block a user who is signed in.
Attempt<vault::SignedIn> confirm(Context& context, const Request& request, std::string_view name) {
  const std::string& account = context.account().name;
  auto who = attempt(context.console().confirmations(), account,
                     [&] { return vault::sign_in(context.store(), account, request.form.secret(name)); });
  if (who.is_wrong())
    log::warning("login failed",
                 {{"rhost", request.peer.address}, {"user", account}, {"reason", "own password"}});
  return who;
}

// The page for a password that confirm() could not check.
Response not_confirmed(const Context& context, const Request& request, const Attempt<vault::SignedIn>& who) {
  if (!who.wait) return failed(context, request, who.error());
  return refused(context, request, 429).set("Retry-After", retry_after(*who.wait));
}

// Continues this session under a new id. Other sessions of the account end if its password has
// changed.
Response renewed(Context& context, const Request& request, const vault::Account& account, std::string to) {
  const std::string id = context.console().sessions().renew(context.session_id(), account);
  return redirect(std::move(to)).set("Set-Cookie", cookie_line(request, id));
}

Response change_own_password(Context& context, const Request& request) {
  const Words& w = context.w;
  if (request.form.get("new") != request.form.get("again"))
    return own_account_page(context, request, {{}, w.plain("account.password.differ"), {}});
  auto who = confirm(context, request, "old");
  if (who.is_wrong()) return own_account_page(context, request, {w.plain("account.password.wrong"), {}, {}});
  if (!who) return not_confirmed(context, request, who);
  auto made = vault::change_password(context.store(), *who, request.form.secret("new"), context.actor());
  if (!made && made.error().code() == Code::BadInput)
    return own_account_page(context, request, {{}, w.plain("account.password.help"), {}});
  if (!made) return failed(context, request, made.error());
  return renewed(context, request, made->account, "/account?done=saved");
}

Response enrol_page(const Context& context, const Request& request, const Secret& secret,
                    std::string_view wrong_code, std::string_view wrong_password) {
  const Words& w = context.w;
  const std::string& host = context.console().options().host;
  const Secret address = totp_address(secret, host.empty() ? "gw" : host, context.account().name);
  Field code{.name = "code", .label = w("account.totp.code")};
  code.type = "code";
  code.required = true;
  code.wrong = wrong_code;
  Field password = account_secret_field("password", w("sign-in.password"), "current-password");
  password.wrong = wrong_password;
  PageParts parts;
  parts.title = w("account.totp");
  parts.section = kAccountSection;
  parts.content =
      section(w("account.totp.scan"),
              tag("p", {}, w("account.totp.scan.help")) +
                  markup_as_it_is(qr_svg(address.text(), w.plain("account.totp.picture"))) +
                  tag("p", {}, w("account.totp.by-hand")) +
                  tag("p", {{"class", "secret"}}, copyable(context, totp_text(secret).text()))) +
      section(w("account.totp.confirm"),
              form(context, "/account/totp/confirm",
                   field(code) + field(password) + button(w("account.totp.confirm.do"), Tone::Good))) +
      tag("p", {}, link("/account", w("do.cancel")));
  parts.secret = true;
  parts.status = wrong_code.empty() && wrong_password.empty() ? 200 : 422;
  return page(context, request, parts);
}

Response begin_totp(Context& context, const Request& request) {
  // An existing second factor must first be removed, which needs the password.
  if (context.account().has_totp()) return redirect("/account");
  Secret secret = generate_totp_secret();
  Response response = enrol_page(context, request, secret, {}, {});
  // The secret waits in the session until a code proves that the app has it. Only then it is stored
  // in the vault: a failed scan must not lock the user out.
  context.console().sessions().keep(context.session_id(), std::move(secret));
  return response;
}

Response confirm_totp(Context& context, const Request& request) {
  const auto secret = context.console().sessions().kept(context.session_id());
  if (!secret) return redirect("/account");
  const Words& w = context.w;
  // The code is checked before the password, which costs an Argon2id computation.
  if (!totp_step(*secret, request.form.get("code"), context.now()))
    return enrol_page(context, request, *secret, w.plain("account.totp.wrong"), {});
  auto who = confirm(context, request, "password");
  if (who.is_wrong()) return enrol_page(context, request, *secret, {}, w.plain("account.password.wrong"));
  if (!who) return not_confirmed(context, request, who);
  auto set = vault::set_totp(context.store(), (*who).account, secret->clone(), context.actor());
  if (!set) return failed(context, request, set.error());
  context.console().sessions().drop_kept(context.session_id());
  return renewed(context, request, *set, "/account?done=totp-on");
}

Response remove_totp(Context& context, const Request& request) {
  auto who = confirm(context, request, "password");
  if (who.is_wrong())
    return own_account_page(context, request, {{}, {}, context.w.plain("account.password.wrong")});
  if (!who) return not_confirmed(context, request, who);
  auto set = vault::set_totp(context.store(), (*who).account, std::nullopt, context.actor());
  if (!set) return failed(context, request, set.error());
  return renewed(context, request, *set, "/account?done=totp-off");
}

Response choose_language(Context& context, const Request& request) {
  vault::Account account = context.account();
  account.language = request.form.get("language");
  if (!vault::check_account(account)) return refused(context, request, 400);
  // An unchanged language appends no history entry.
  if (account.language != context.account().language) {
    auto done = vault::change_account(context.store(), account, "language", context.actor());
    if (!done) return failed(context, request, done.error());
  }
  const std::string back(request.form.get("back"));
  // `back` comes from the form: without the check, it could lead to another host.
  return redirect(is_own_address(back) ? back : "/account?done=saved");
}

}  // namespace

void add_account_pages(Routes& routes) {
  routes.push_back({"GET", "/account", Access::Viewer, show_own_account});
  routes.push_back({"POST", "/account/password", Access::Viewer, change_own_password});
  routes.push_back({"POST", "/account/totp/begin", Access::Viewer, begin_totp});
  routes.push_back({"POST", "/account/totp/confirm", Access::Viewer, confirm_totp});
  routes.push_back({"POST", "/account/totp/remove", Access::Viewer, remove_totp});
  routes.push_back({"POST", "/account/language", Access::Viewer, choose_language});
}

}  // namespace gw::web
