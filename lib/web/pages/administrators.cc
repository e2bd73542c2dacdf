// The pages on all accounts of the console, for administrators who see everything. An administrator
// who is limited to some mailboxes could otherwise create an account that is not.
#include "base/text.h"
#include "vault/mailbox.h"
#include "web/pages/pages.h"
#include "web/ui/layout.h"
#include "web/ui/widgets.h"

namespace gw::web {
namespace {

constexpr std::string_view kAdministratorsSection = "/administrators";

std::string administrator_path(std::string_view name) {
  return "/administrators/" + std::string(name);
}

Html role_word(const Words& w, vault::Role role) {
  const auto word = Text::find("role." + std::string(vault::name(role)));
  return word ? w(*word) : Html();
}

Html only_words(const Words& w, const vault::Account& account) {
  if (account.is_unrestricted()) return w("account.only.all");
  Html all;
  for (const std::string& pattern : account.only)
    all += (all.empty() ? Html() : tag("br")) + tag("code", {}, escaped(pattern));
  return all;
}

Response list_accounts(Context& context, const Request& request) {
  const auto all = vault::accounts(context.store());
  if (!all) return failed(context, request, all.error());
  const Words& w = context.w;
  std::vector<std::vector<Html>> rows;
  for (const vault::Account& account : *all) {
    rows.push_back({link(administrator_path(account.name), escaped(account.name)), role_word(w, account.role),
                    only_words(w, account), account.has_totp() ? w("on") : w("off"),
                    account.disabled ? pill(w("administrators.disabled"), Tone::Warning)
                                     : pill(w("administrators.active"), Tone::Good),
                    w.at(account.password_since)});
  }
  PageParts parts;
  parts.title = w("nav.administrators");
  parts.section = kAdministratorsSection;
  parts.actions = link_button("/new-administrator", w("administrators.add"), true);
  parts.content = tag("div", {{"class", "panel"}},
                      table(w("nav.administrators"),
                            {{w("sign-in.name")},
                             {w("account.role")},
                             {w("account.only")},
                             {w("account.totp")},
                             {w("administrators.status")},
                             {w("account.password-since")}},
                            rows, w("none")));
  return page(context, request, parts);
}

// The content of an account's form, and what is wrong with it.
struct Draft {
  std::string name, role, only, language;
  std::string wrong_name, wrong_only;
};

std::vector<std::string> patterns_of(std::string_view text) {
  std::vector<std::string> patterns;
  for (const std::string_view line : split(text, '\n'))
    for (const std::string_view word : split(line, ' '))
      if (const std::string_view pattern = trim(word); !pattern.empty()) patterns.emplace_back(pattern);
  return patterns;
}

Draft draft_of(const Request& request) {
  Draft draft;
  draft.name = trim(request.form.get("name"));
  draft.role = request.form.get("role");
  draft.only = request.form.get("only");
  draft.language = request.form.get("language");
  return draft;
}

Html administrator_fields(const Words& w, const Draft& draft) {
  Field only{.name = "only", .label = w("account.only"), .value = draft.only};
  only.type = "textarea";
  only.help = w("administrators.only.help");
  only.wrong = draft.wrong_only;
  return select("role", w("account.role"),
                {{"viewer", w("role.viewer")},
                 {"operator", w("role.operator")},
                 {"administrator", w("role.administrator")}},
                draft.role, w("administrators.role.help")) +
         field(only) +
         select("language", w("app.language"),
                {{"", w("account.language.browser")},
                 {"en", w("language.en")},
                 {"it", w("language.it")},
                 {"de", w("language.de")}},
                draft.language);
}

// Applies the draft to `account`. Returns false, and sets what is wrong in the draft, if the
// account would be invalid.
bool apply_draft(const Words& w, Draft& draft, vault::Account& account) {
  const auto role = vault::parse_role(draft.role);
  if (role) account.role = *role;
  account.only = patterns_of(draft.only);
  account.language = draft.language;
  vault::Account probe = account;
  // check_account() does not say which field it rejects. Without the patterns it can only be the
  // others.
  probe.only.clear();
  if (!role || !vault::check_account(probe)) {
    draft.wrong_name = w.plain("administrators.name.wrong", {{"value", printable(account.name)}});
    return false;
  }
  if (!vault::check_account(account)) {
    draft.wrong_only = w.plain("administrators.only.wrong");
    return false;
  }
  return true;
}

// Returns the password that the previous form has shown, which the user may have stored already;
// else a new one.
Secret proposed_password(const Request& request) {
  Secret password = request.form.secret("password");
  return vault::check_password(password) ? std::move(password) : vault::generate_password();
}

Response new_account_page(const Context& context, const Request& request, const Draft& draft, int status,
                          const std::string& not_kept = {}) {
  const Words& w = context.w;
  Field name{.name = "name", .label = w("sign-in.name"), .value = draft.name};
  name.help = w("administrators.name.help");
  name.wrong = draft.wrong_name;
  name.required = true;
  name.focus = true;
  PageParts parts;
  parts.title = w("administrators.add");
  parts.section = kAdministratorsSection;
  parts.status = status;
  parts.content =
      tag("div", {{"class", "panel"}},
          form(context, "/new-administrator",
               field(name) + administrator_fields(w, draft) +
                   proposed_secret(context, "password", w("sign-in.password"), proposed_password(request)) +
                   (not_kept.empty() ? Html() : notice(escaped(not_kept), Tone::Bad)) +
                   button(w("do.add"), Tone::Good)));
  parts.secret = true;
  return page(context, request, parts);
}

Response show_new_account(Context& context, const Request& request) {
  Draft draft;
  draft.role = "viewer";
  return new_account_page(context, request, draft, 200);
}

Response add_account(Context& context, const Request& request) {
  Draft draft = draft_of(request);
  vault::Account wanted;
  wanted.name = draft.name;
  if (!apply_draft(context.w, draft, wanted)) return new_account_page(context, request, draft, 422);
  std::optional<Secret> password = kept_secret(request, "password");
  if (!password || !vault::check_password(*password))
    return new_account_page(context, request, draft, 422, context.w.plain("once.not-kept"));
  const auto made = vault::add_account(context.store(), wanted, std::move(*password), context.actor());
  if (made) return redirect(administrator_path(wanted.name) + "?done=saved");
  if (made.error().code() != Code::Exists) return failed(context, request, made.error());
  draft.wrong_name = context.w.plain("administrators.exists");
  return new_account_page(context, request, draft, 422);
}

Response account_page(const Context& context, const Request& request, const vault::Account& account,
                      const Draft& draft, const Html& message, int status) {
  const Words& w = context.w;
  const std::string path = administrator_path(account.name);
  const Html on_or_off =
      action_button(context, path + (account.disabled ? "/enable" : "/disable"),
                    account.disabled ? w("administrators.enable") : w("administrators.disable"));
  Html reset = tag("p", {}, w("administrators.reset.help"));
  reset += link_button(path + "/password", w("administrators.reset"));
  PageParts parts;
  parts.title = escaped(account.name);
  parts.section = kAdministratorsSection;
  parts.status = status;
  parts.actions = account.disabled ? pill(w("administrators.disabled"), Tone::Warning)
                                   : pill(w("administrators.active"), Tone::Good);
  parts.content =
      message +
      tag("form", {{"method", "post"}, {"action", path}, {"class", "panel"}},
          hidden("csrf", context.csrf()) + hidden("version", std::to_string(account.version)) +
              administrator_fields(w, draft) + button(w("do.save"), Tone::Good)) +
      section(w("sign-in.password"), reset) +
      section(w("administrators.access"),
              tag("p", {}, w("administrators.access.help")) +
                  tag("div", {{"class", "actions"}},
                      on_or_off + action_button(context, path + "/remove", w("do.remove"), Tone::Bad)));
  return page(context, request, parts);
}

Draft draft_of(const vault::Account& account) {
  Draft draft;
  draft.name = account.name;
  draft.role = vault::name(account.role);
  for (const std::string& pattern : account.only) draft.only += pattern + "\n";
  draft.language = account.language;
  return draft;
}

Response show_account(Context& context, const Request& request) {
  const auto account = vault::find_account(context.store(), request.parameter("name"));
  if (!account) return failed(context, request, account.error());
  return account_page(context, request, *account, draft_of(*account), {}, 200);
}

Response last_one(const Context& context, const Request& request, const vault::Account& account) {
  return account_page(context, request, account, draft_of(account),
                      notice(context.w("administrators.last"), Tone::Bad), 422);
}

std::string parse_account_form(const vault::Account& account) {
  std::string text = "role " + std::string(vault::name(account.role));
  for (std::size_t at = 0; at < account.only.size(); ++at)
    text += (at == 0 ? ", only " : " ") + account.only[at];
  return text;
}

// Stores the change, unless no account would be left that can administer all accounts. Such
// a change could not be undone in the console.
Response change(Context& context, const Request& request, const vault::Account& before,
                vault::Account changed, std::string_view what) {
  const auto left = vault::leaves_ruler(context.store(), before.name, &changed);
  if (!left) return failed(context, request, left.error());
  if (!*left) return last_one(context, request, before);
  const auto done = vault::change_account(context.store(), std::move(changed), what, context.actor());
  if (!done) return failed(context, request, done.error());
  return redirect(administrator_path(before.name) + "?done=saved");
}

Response save_account(Context& context, const Request& request) {
  const auto before = vault::find_account(context.store(), request.parameter("name"));
  if (!before) return failed(context, request, before.error());
  Draft draft = draft_of(request);
  vault::Account account = *before;
  // The version that the form was made from: if another user has changed the account since,
  // storing it fails with Conflict instead of overwriting that change.
  account.version = parse_number(request.form.get("version")).value_or(0);
  if (!apply_draft(context.w, draft, account)) return account_page(context, request, *before, draft, {}, 422);
  const std::string what = parse_account_form(account);
  // Version 0 would create an account.
  if (account.version == 0) return refused(context, request, 409);
  return change(context, request, *before, std::move(account), what);
}

Response switch_account(Context& context, const Request& request, bool disabled) {
  const auto before = vault::find_account(context.store(), request.parameter("name"));
  if (!before) return failed(context, request, before.error());
  vault::Account account = *before;
  account.disabled = disabled;
  Response response =
      change(context, request, *before, std::move(account), disabled ? "disabled" : "enabled");
  // Immediately, rather than at the next request of each session. 303 means that the change was
  // stored.
  if (disabled && response.status == 303) context.console().sessions().end_all(before->name);
  return response;
}

Response disable_account(Context& context, const Request& request) {
  return switch_account(context, request, true);
}

Response enable_account(Context& context, const Request& request) {
  return switch_account(context, request, false);
}

Response reset_account_page(const Context& context, const Request& request, const vault::Account& account,
                            const std::string& wrong = {}, int status = 200) {
  const Words& w = context.w;
  const std::string path = administrator_path(account.name);
  Html inside = tag("p", {}, w("administrators.reset.help"));
  if (account.has_totp()) inside += notice(w("administrators.reset.totp"), Tone::Warning);
  inside += proposed_secret(context, "password", w("sign-in.password"), proposed_password(request));
  if (!wrong.empty()) inside += notice(escaped(wrong), Tone::Bad);
  inside += tag("div", {{"class", "onward"}},
                button(w("administrators.reset"), Tone::Good) + link_button(path, w("do.cancel")));
  PageParts parts;
  parts.title = w("administrators.password-of", {{"name", account.name}});
  parts.section = kAdministratorsSection;
  parts.status = status;
  parts.content = form(context, path + "/password", inside);
  parts.secret = true;
  return page(context, request, parts);
}

// A user's own password is changed with the old one, on the page of the own account.
Response show_reset(Context& context, const Request& request) {
  const auto account = vault::find_account(context.store(), request.parameter("name"));
  if (!account) return failed(context, request, account.error());
  if (account->name == context.account().name) return redirect("/account");
  return reset_account_page(context, request, *account);
}

Response reset_password(Context& context, const Request& request) {
  auto account = vault::find_account(context.store(), request.parameter("name"));
  if (!account) return failed(context, request, account.error());
  if (account->name == context.account().name) return redirect("/account");
  std::optional<Secret> password = kept_secret(request, "password");
  if (!password || !vault::check_password(*password))
    return reset_account_page(context, request, *account, context.w.plain("once.not-kept"), 422);
  const std::string name = account->name;
  const auto made =
      // Drops a second factor too: its secret is sealed to the old key pair, which only the old
      // password opens.
      vault::reset_password(context.store(), *account, std::move(*password), true, context.actor());
  // The keeper did not answer, so either password may be in force. The page shows the new one
  // again.
  if (!made && made.error().code() == Code::Unknown)
    return reset_account_page(context, request, *account, context.w.plain("once.unknown"), 503);
  if (!made) return failed(context, request, made.error());
  context.console().sessions().end_all(name);
  return redirect(administrator_path(name) + "?done=saved");
}

Response remove_account(Context& context, const Request& request) {
  const auto account = vault::find_account(context.store(), request.parameter("name"));
  if (!account) return failed(context, request, account.error());
  const auto left = vault::leaves_ruler(context.store(), account->name, nullptr);
  if (!left) return failed(context, request, left.error());
  if (!*left) return last_one(context, request, *account);
  const auto gone = vault::remove_account(context.store(), *account, context.actor());
  if (!gone) return failed(context, request, gone.error());
  context.console().sessions().end_all(account->name);
  return redirect("/administrators?done=removed");
}

}  // namespace

void add_administrator_pages(Routes& routes) {
  routes.push_back({"GET", "/administrators", Access::Unlimited, list_accounts});
  routes.push_back({"GET", "/new-administrator", Access::Unlimited, show_new_account});
  routes.push_back({"POST", "/new-administrator", Access::Unlimited, add_account});
  routes.push_back({"GET", "/administrators/:name", Access::Unlimited, show_account});
  routes.push_back({"POST", "/administrators/:name", Access::Unlimited, save_account});
  routes.push_back({"POST", "/administrators/:name/disable", Access::Unlimited, disable_account});
  routes.push_back({"POST", "/administrators/:name/enable", Access::Unlimited, enable_account});
  routes.push_back({"GET", "/administrators/:name/password", Access::Unlimited, show_reset});
  routes.push_back({"POST", "/administrators/:name/password", Access::Unlimited, reset_password});
  routes.push_back({"POST", "/administrators/:name/remove", Access::Unlimited, remove_account});
}

}  // namespace gw::web
