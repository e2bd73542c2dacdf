#include "web/ui/layout.h"

#include <array>

#include "web/pages/pages.h"
#include "web/ui/assets.h"

namespace gw::web {
namespace {

// One entry of the side navigation.
struct Entry {
  std::string_view path;
  Text word;
};
constexpr std::array<Entry, 7> kEntries{{
    {"/", "nav.overview"},
    {"/mailboxes", "nav.mailboxes"},
    {"/routes", "nav.routes"},
    {"/events", "nav.events"},
    {"/administrators", "nav.administrators"},
    {"/tokens", "nav.tokens"},
    {"/about", "nav.about"},
}};

// Returns whether the account may call the page, so that the navigation shows no links that lead to
// a 403.
bool may_open(const Context& context, std::string_view path) {
  const Found found = find_route(routes(), "GET", path);
  return found.route != nullptr && may_call(context, *found.route);
}

// On a narrow screen the navigation is folded under a button, without JavaScript.
Html navigation(const Context& context, std::string_view section) {
  Html items;
  Html current = context.w("nav.menu");
  for (const Entry& entry : kEntries) {
    if (!may_open(context, entry.path)) continue;
    Attributes attributes{{"href", entry.path}};
    if (entry.path == section) {
      attributes.emplace_back("aria-current", "page");
      current = context.w(entry.word);
    }
    items += tag("li", {}, tag("a", attributes, context.w(entry.word)));
  }
  return tag(
      "nav", {{"class", "side"}, {"aria-label", context.w.plain("nav.main")}},
      tag("input",
          {{"type", "checkbox"}, {"id", "nav-open"}, {"class", "fold unseen"}, {"autocomplete", "off"}}) +
          tag("label", {{"for", "nav-open"}, {"class", "button fold"}},
              tag("span", {{"class", "unseen"}}, context.w("nav.menu") + escaped(": ")) + current) +
          tag("ul", {}, items));
}

// The form returns to the page on which it is shown; a page that answers a POST cannot be returned
// to.
Html language_form(const Context& context, const Request& request) {
  Html options;
  for (const auto& [value, label] : std::array<std::pair<std::string_view, std::string_view>, 3>{
           {{"en", "English"}, {"it", "Italiano"}, {"de", "Deutsch"}}})
    options +=
        tag("option", {{"value", value}, {"lang", value}, {"selected", value == code(context.w.language())}},
            escaped(label));
  return tag(
      "form", {{"method", "post"}, {"action", "/account/language"}, {"class", "language"}},
      hidden("csrf", context.csrf()) + hidden("back", request.reads() ? request.target : "/") +
          // `data-submit` makes console.js submit the form when a language is chosen; the button is
          // for browsers without JavaScript.
          tag("select",
              {{"name", "language"}, {"aria-label", context.w.plain("app.language")}, {"data-submit", true}},
              options) +
          tag("button", {{"type", "submit"}, {"class", "button"}}, context.w("do.save")));
}

Html brand(const Context& context) {
  return tag("a", {{"class", "brand"}, {"href", "/"}},
             // The icon is decoration beside the name, hence the empty `alt`.
             tag("img", {{"src", asset_path("icon.svg")}, {"alt", ""}, {"width", "28"}, {"height", "28"}}) +
                 tag("span", {},
                     tag("strong", {}, context.w("app.name")) +
                         tag("small", {}, escaped(context.console().options().host))));
}

Html top_bar(const Context& context, const Request& request) {
  Html right;
  if (context.signed_in()) {
    const vault::Account& account = context.account();
    const auto role = Text::find("role." + std::string(vault::name(account.role)));
    right =
        tag("details", {{"class", "menu"}},
            tag("summary", {},
                tag("span", {}, escaped(account.name)) + tag("small", {}, role ? context.w(*role) : Html())) +
                tag("div", {},
                    link("/account", context.w("nav.account")) + language_form(context, request) +
                        action_button(context, "/sign-out", context.w("sign-out.do"))));
  }
  return tag("header", {{"class", "top"}}, brand(context) + tag("div", {{"class", "tools"}}, right));
}

// With JavaScript, console.js loads the page again, so that readers keep their place.
Html refresh(const PageParts& parts) {
  if (parts.refresh_after == 0) return {};
  return tag("noscript", {},
             tag("meta", {{"http-equiv", "refresh"},
                          {"content", std::to_string(parts.refresh_after) + ";url=" + parts.refresh_to}}));
}

Html head(const Context& context, const PageParts& parts) {
  return tag("meta", {{"charset", "utf-8"}}) + refresh(parts) +
         tag("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}}) +
         tag("meta", {{"name", "color-scheme"}, {"content", "light dark"}}) +
         tag("meta", {{"name", "robots"}, {"content", "noindex"}}) +
         tag("title", {}, parts.title + escaped(" – ") + context.w("app.name")) +
         tag("link", {{"rel", "stylesheet"}, {"href", asset_path("style.css")}}) +
         tag("link", {{"rel", "icon"}, {"type", "image/svg+xml"}, {"href", asset_path("icon.svg")}}) +
         tag("script", {{"src", asset_path("console.js")}, {"defer", true}}, Html());
}

Html notices(const Context& context, const Request& request) {
  const std::string_view problem = request.query.get("problem");
  if (const auto text = problem.empty() ? std::nullopt : Text::find("problem." + std::string(problem)))
    return notice(context.w(*text), Tone::Warning);
  const std::string_view done = request.query.get("done");
  // The word comes from the address, so it is untrusted: it only selects one of the texts of the
  // table.
  const auto text = done.empty() ? std::nullopt : Text::find("notice." + std::string(done));
  return text ? notice(context.w(*text), Tone::Good) : Html();
}

Response response_of(const Context& context, const PageParts& parts, const Html& body) {
  Response response;
  response.status = parts.status;
  response.secret = parts.secret;
  response.body = document(code(context.w.language()), head(context, parts), body);
  response.set("Content-Language", std::string(code(context.w.language())));
  return response;
}

Html main_part(const Context& context, const Request& request, const PageParts& parts) {
  Html heading = tag("h1", {}, parts.title);
  if (!parts.actions.empty()) heading += tag("div", {{"class", "actions"}}, parts.actions);
  Attributes attributes{{"id", "content"}, {"tabindex", "-1"}};
  if (parts.refresh_after != 0) {
    attributes.emplace_back("data-refresh", std::to_string(parts.refresh_after));
    attributes.emplace_back("data-refresh-to", parts.refresh_to);
    attributes.emplace_back("data-refresh-live", parts.refresh_live);
  }
  return tag("main", attributes,
             tag("div", {{"class", "heading"}}, heading) + notices(context, request) + parts.content);
}

}  // namespace

Response page(const Context& context, const Request& request, const PageParts& parts) {
  // Error pages go through page() too, with or without an account.
  if (!context.signed_in()) return bare_page(context, request, parts);
  return response_of(context, parts,
                     // The first link of a page lets keyboard users skip the navigation (WCAG
                     // 2.4.1).
                     tag("a", {{"class", "skip"}, {"href", "#content"}}, context.w("app.skip")) +
                         top_bar(context, request) +
                         tag("div", {{"class", "frame"}},
                             navigation(context, parts.section) + main_part(context, request, parts)));
}

Response bare_page(const Context& context, const Request& request, const PageParts& parts) {
  return response_of(context, parts,
                     top_bar(context, request) +
                         tag("div", {{"class", "frame narrow"}}, main_part(context, request, parts)));
}

namespace {

Response error_with(const Context& context, const Request& request, int status, Text text) {
  Html content = notice(context.w(text), status < 500 ? Tone::Warning : Tone::Bad);
  Html onward;
  // Only a read is offered to be repeated; a POST could take effect twice.
  if (status == 503 && request.reads()) onward = link_button(request.target, context.w("error.again"), true);
  content += tag("p", {{"class", "onward"}}, onward + link_button("/", context.w("error.home")));
  PageParts parts;
  parts.title = context.w(Text::find("error.title." + std::to_string(status)).value_or(Text("error.title")));
  parts.content = content;
  parts.status = status;
  Response response = page(context, request, parts);
  if (status == 503) response.set("Retry-After", "10");
  return response;
}

}  // namespace

Response error_page(const Context& context, const Request& request, int status, std::optional<Text> text) {
  if (!text) text = Text::find("error." + std::to_string(status));
  return error_with(context, request, status, text.value_or(Text("error.500")));
}

Response form_refused(const Context& context, const Request& request) {
  return error_with(context, request, 403, "error.403.form");
}

}  // namespace gw::web
