// The pages on API tokens: created, listed and revoked by administrators who see everything.
#include "base/text.h"
#include "vault/token.h"
#include "web/pages/pages.h"
#include "web/pages/tls_report.h"
#include "web/ui/layout.h"
#include "web/ui/widgets.h"

namespace gw::web {
namespace {

constexpr std::string_view kTokensSection = "/tokens";
constexpr std::uint64_t kMaxDays = 3650;

Html end_of(const Context& context, const vault::ApiToken& token) {
  if (token.expires == 0) return context.w("never");
  if (token.expires <= context.now()) return pill(context.w("token.expired"), Tone::Bad);
  return context.w.at(token.expires);
}

Response show_tokens(Context& context, const Request& request) {
  const Words& w = context.w;
  const auto tokens = vault::api_tokens(context.store());
  if (!tokens) return failed(context, request, tokens.error());
  std::vector<std::vector<Html>> rows;
  for (const vault::ApiToken& token : *tokens)
    rows.push_back({tag("code", {}, escaped(token.name)), tag("code", {}, escaped(name(token.scope))),
                    lines_of(token.only, w("token.all")), w.at(token.created), end_of(context, token),
                    escaped(token.made_by),
                    link_button("/tokens/" + url_part(token.name) + "/revoke", w("token.revoke"))});
  PageParts parts;
  parts.title = w("tokens.title");
  parts.section = kTokensSection;
  parts.actions = link_button("/new-token", w("token.new"), true);
  parts.content =
      tag("section", {{"class", "panel"}},
          tag("p", {}, w("tokens.text")) + table(w("tokens.title"),
                                                 {{w("token.name")},
                                                  {w("token.scope")},
                                                  {w("token.names")},
                                                  {w("token.created")},
                                                  {w("token.expires")},
                                                  {w("token.by")},
                                                  {tag("span", {{"class", "unseen"}}, w("token.revoke"))}},
                                                 rows, tag("p", {}, w("tokens.none"))));
  return page(context, request, parts);
}

// The content of the form as the user typed it.
struct TypedToken {
  std::string name, scope = "read", only, days;
};

Response token_form_page(const Context& context, const Request& request, const TypedToken& typed,
                         std::string_view wrong_field, const std::string& wrong) {
  const Words& w = context.w;
  const auto one = [&](const char* name, const Html& label, const std::string& value, const Html& help,
                       const char* type) {
    Field made{.name = name, .label = label, .value = value, .type = type, .help = help};
    if (wrong_field == name) made.wrong = wrong;
    return made;
  };
  Field name = one("name", w("token.name"), typed.name, w("token.name.help"), "text");
  name.required = name.focus = true;
  Html inside = field(name);
  inside += select("scope", w("token.scope"),
                   {{"metrics", w("token.scope.metrics")},
                    {"read", w("token.scope.read")},
                    {"operate", w("token.scope.operate")},
                    {"administer", w("token.scope.administer")}},
                   typed.scope);
  inside += field(one("only", w("token.only"), typed.only, w("token.only.help"), "textarea"));
  inside += field(one("days", w("token.days"), typed.days, w("token.days.help"), "number"));
  inside += tag("p", {{"class", "onward"}},
                button(w("token.new"), Tone::Good) + link_button("/tokens", w("do.cancel")));
  PageParts parts;
  parts.title = w("token.new");
  parts.section = kTokensSection;
  parts.content = tag("section", {{"class", "panel"}}, form(context, "/new-token", inside));
  parts.status = wrong_field.empty() ? 200 : 422;
  return page(context, request, parts);
}

Response show_new_token(Context& context, const Request& request) {
  return token_form_page(context, request, {}, "", "");
}

// The second step: the fields are valid, and this page shows the token that will be in force.
// Nothing is created yet.
Response token_page(const Context& context, const Request& request, const TypedToken& typed,
                    const Secret& text, const std::string& wrong) {
  const Words& w = context.w;
  Html inside = hidden("name", typed.name) + hidden("scope", typed.scope) + hidden("only", typed.only) +
                hidden("days", typed.days) +
                proposed_secret(context, "token", w("token.made", {{"name", typed.name}}), text);
  if (!wrong.empty()) inside += notice(escaped(wrong), Tone::Bad);
  inside += tag("p", {{"class", "onward"}},
                button(w("token.new"), Tone::Good) + link_button("/tokens", w("do.cancel")));
  PageParts parts;
  parts.title = w("token.new");
  parts.section = kTokensSection;
  parts.status = wrong.empty() ? 200 : 422;
  parts.content = form(context, "/new-token", inside);
  parts.secret = true;
  return page(context, request, parts);
}

Response create_token(Context& context, const Request& request) {
  const Words& w = context.w;
  const auto text = [&](const char* name) { return std::string(trim(request.form.get(name))); };
  const TypedToken typed{text("name"), text("scope"), text("only"), text("days")};
  vault::ApiToken wanted;
  wanted.name = typed.name;
  const auto scope = vault::parse_scope(typed.scope);
  if (!scope) return refused(context, request, 400);
  wanted.scope = *scope;
  for (const std::string_view line : split(typed.only, '\n'))
    if (const std::string_view pattern = trim(line); !pattern.empty()) wanted.only.emplace_back(pattern);
  if (!typed.days.empty()) {
    const auto days = parse_number(typed.days);
    if (!days || *days < 1 || *days > kMaxDays)
      return token_form_page(context, request, typed, "days", w.plain("token.days.wrong"));
    wanted.expires = context.now() + static_cast<Micros>(*days) * kDay;
  }
  // Shows an error that the user can fix at its field. BadInput does not name the field: if the token
  // is valid without its patterns, they are wrong.
  const auto refuse = [&](const Error& error) {
    if (error.code() == Code::Exists)
      return token_form_page(context, request, typed, "name", w.plain("token.wrong.taken"));
    if (error.code() != Code::BadInput) return failed(context, request, error);
    vault::Account probe = vault::account_of(wanted);
    probe.only.clear();
    if (vault::check_account(probe))
      return token_form_page(context, request, typed, "only", w.plain("token.wrong.only"));
    return token_form_page(context, request, typed, "name",
                           w.plain("token.wrong.name", {{"value", printable(typed.name)}}));
  };
  if (const auto valid = vault::check_account(vault::account_of(wanted)); !valid)
    return refuse(valid.error());
  // A name that is taken is reported before the token is shown.
  if (vault::find_api_token(context.store(), wanted.name))
    return token_form_page(context, request, typed, "name", w.plain("token.wrong.taken"));
  if (!request.form.has("token")) {
    const auto fresh = vault::generate_api_token(wanted.name);
    return fresh ? token_page(context, request, typed, *fresh, {}) : refuse(fresh.error());
  }
  const auto token = kept_secret(request, "token");
  if (!token)
    return token_page(context, request, typed, request.form.secret("token"), w.plain("once.not-kept"));
  const auto made = vault::make_api_token(context.store(), wanted, *token, context.actor());
  if (!made) return refuse(made.error());
  return redirect("/tokens?done=token-made");
}

Response show_revocation(Context& context, const Request& request) {
  const Words& w = context.w;
  const auto token = vault::find_api_token(context.store(), request.parameter("name"));
  if (!token) return failed(context, request, token.error());
  PageParts parts;
  parts.title = w("token.revoke.title", {{"name", token->name}});
  parts.section = kTokensSection;
  parts.content =
      tag("section", {{"class", "panel"}},
          notice(w("token.revoke.text"), Tone::Warning) +
              form(context, "/tokens/" + url_part(token->name) + "/revoke",
                   tag("p", {{"class", "onward"}},
                       button(w("token.revoke"), Tone::Bad) + link_button("/tokens", w("do.cancel")))));
  return page(context, request, parts);
}

Response revoke_token(Context& context, const Request& request) {
  const auto token = vault::find_api_token(context.store(), request.parameter("name"));
  if (!token) return failed(context, request, token.error());
  if (const auto gone = vault::revoke_api_token(context.store(), *token, context.actor()); !gone)
    return failed(context, request, gone.error());
  return redirect("/tokens?done=token-revoked");
}

}  // namespace

// A token could do what a limited account may not. Only accounts that see everything create tokens.
void add_token_pages(Routes& routes) {
  routes.push_back({"GET", "/tokens", Access::Unlimited, show_tokens});
  routes.push_back({"GET", "/new-token", Access::Unlimited, show_new_token});
  routes.push_back({"POST", "/new-token", Access::Unlimited, create_token});
  routes.push_back({"GET", "/tokens/:name/revoke", Access::Unlimited, show_revocation});
  routes.push_back({"POST", "/tokens/:name/revoke", Access::Unlimited, revoke_token});
}

}  // namespace gw::web
