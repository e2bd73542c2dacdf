// The pages on routes of gw-proxy: their settings and server statistics, changes, tests and
// removal.
#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "proxy/route_check.h"
#include "web/pages/pages.h"
#include "web/pages/route_form.h"
#include "web/pages/tls_report.h"
#include "web/pages/trouble.h"
#include "web/ui/layout.h"
#include "web/ui/widgets.h"

namespace gw::web {
namespace {

using ServerStatsTable = std::vector<store::ServerStats>;

constexpr std::string_view kRoutesSection = "/routes";

std::string route_path(std::string_view route) {
  return "/routes/" + url_part(route);
}

// Returns the server statistics of a route; all zero if it has had no session since the keeper
// started.
store::ServerStats stats_of(const ServerStatsTable& all, const std::string& route) {
  const auto found = std::ranges::find(all, "route " + route, &store::ServerStats::of);
  return found == all.end() ? store::ServerStats{} : *found;
}

Html trouble_of(const Context& context, const store::ServerStats& stats) {
  if (stats.trouble.empty()) return tag("span", {{"class", "quiet"}}, context.w("route.no-trouble"));
  return trouble_text(context, stats.trouble) +
         tag("small", {}, context.w.ago(stats.trouble_time, context.now()));
}

Html mailbox_of(const Context& context, const vault::Route& route) {
  const Words& w = context.w;
  if (route.mailbox.zero()) return w("route.mailbox.by-login");
  const std::string name = route_mailbox_name(context, route.mailbox);
  if (route.map.empty()) return escaped(name);
  return w("route.mailbox.more", {{"name", name}, {"count", w.number(route.map.size())}});
}

Response list_routes(Context& context, const Request& request) {
  const Words& w = context.w;
  const auto routes = context.routes();
  if (!routes) return failed(context, request, routes.error());
  const auto server_stats = context.store().server_stats();
  if (!server_stats) return failed(context, request, server_stats.error());
  std::vector<std::vector<Html>> rows;
  for (const vault::Route& route : *routes) {
    const store::ServerStats stats = stats_of(*server_stats, route.name);
    const auto number = [&](std::uint64_t value) { return escaped(w.number(value)); };
    const auto beside = [&](std::uint64_t value, Text word) {
      if (value == 0) return Html();
      return tag("small", {}, w(word) + escaped(": ") + number(value));
    };
    rows.push_back({link(route_path(route.name), escaped(route.name)) +
                        (route.description.empty() ? Html() : tag("small", {}, escaped(route.description))),
                    escaped(upper(name(route.protocol))) + tag("small", {}, escaped(route.upstream())),
                    mailbox_of(context, route),
                    number(stats.sessions) + beside(stats.failed_logins, "route.failed-logins"),
                    number(stats.messages), number(stats.copies) + beside(stats.uncopied, "route.uncopied"),
                    trouble_of(context, stats)});
  }
  Html content = table(w("routes.title"),
                       {{w("route.name")},
                        {w("route.upstream")},
                        {w("route.mailbox")},
                        {w("route.sessions"), true},
                        {w("route.messages"), true},
                        {w("route.copies"), true},
                        {w("route.trouble")}},
                       rows, tag("p", {}, w("routes.none")));
  if (!rows.empty()) content += tag("p", {{"class", "help"}}, w("routes.since-start"));
  PageParts parts;
  parts.title = w("routes.title");
  parts.section = kRoutesSection;
  if (context.may(vault::Role::Operator)) parts.actions = link_button("/new-route", w("routes.add"), true);
  parts.content = tag("section", {{"class", "panel"}}, content);
  return page(context, request, parts);
}

Html settings_of(const Context& context, const vault::Route& route) {
  const Words& w = context.w;
  std::vector<std::string> map;
  for (const vault::LoginRule& rule : route.map)
    map.push_back(rule.pattern + " → " + route_mailbox_name(context, rule.mailbox));
  std::vector<std::pair<Html, Html>> rows{
      {w("route.protocol"), escaped(upper(name(route.protocol)))},
      {w("route.upstream"), escaped(route.upstream())},
      {w("route.tls"), route.tls == vault::UpstreamTls::None ? pill(shown(context, route.tls), Tone::Warning)
                                                             : shown(context, route.tls)}};
  if (route.pin) rows.emplace_back(w("route.pin"), copyable(context, to_hex(*route.pin)));
  if (!route.ca_file.empty()) rows.emplace_back(w("route.ca"), escaped(route.ca_file));
  rows.emplace_back(w("route.mailbox"), route.mailbox.zero()
                                            ? w("route.mailbox.by-login")
                                            : escaped(route_mailbox_name(context, route.mailbox)));
  if (!map.empty()) rows.emplace_back(w("route.map"), lines_of(map, Html()));
  rows.emplace_back(w("route.logins"), lines_of(route.logins, w("route.all")));
  if (route.protocol == vault::Protocol::Smtp)
    rows.emplace_back(w("route.clients"), lines_of(route.clients, w("route.nobody")));
  rows.emplace_back(w("route.private.short"), route.allow_private ? w("yes") : w("no"));
  rows.emplace_back(w("route.on-copy-failure"), shown(context, route.on_copy_failure));
  if (route.protocol == vault::Protocol::Pop3)
    rows.emplace_back(w("route.uncopied-delete"), shown(context, route.uncopied_delete));
  return section(w("route.settings"), facts(rows));
}

Response show_route(Context& context, const Request& request) {
  const Words& w = context.w;
  const auto route = context.route(request.parameter("name"));
  if (!route) return failed(context, request, route.error());
  const auto server_stats = context.store().server_stats();
  if (!server_stats) return failed(context, request, server_stats.error());
  const store::ServerStats stats = stats_of(*server_stats, route->name);
  const auto number = [&](std::uint64_t value) { return escaped(w.number(value)); };
  Html content;
  if (!stats.trouble.empty())
    content += notice(tag("strong", {}, w("route.trouble")) + escaped(" – ") +
                          w.ago(stats.trouble_time, context.now()) + escaped(": ") +
                          trouble_text(context, stats.trouble),
                      Tone::Warning);
  if (!route->description.empty()) content += tag("p", {}, escaped(route->description));
  content += cards({card(w("route.sessions"), number(stats.sessions)),
                    card(w("route.messages"), number(stats.messages), escaped(w.size(stats.size))),
                    card(w("route.copies"), number(stats.copies)),
                    card(w("route.uncopied"), number(stats.uncopied), {},
                         stats.uncopied == 0 ? Tone::Plain : Tone::Warning),
                    card(w("route.failed-logins"), number(stats.failed_logins))});
  content += settings_of(context, *route);
  content += tag("p", {{"class", "help"}}, w("routes.since-start"));
  PageParts parts;
  parts.title = escaped(route->name);
  parts.section = kRoutesSection;
  const std::string path = route_path(route->name);
  if (context.may(vault::Role::Operator))
    parts.actions = action_button(context, path + "/test", w("probe.do"), Tone::Good) +
                    link_button(path + "/edit", w("do.edit")) + link_button(path + "/remove", w("do.remove"));
  parts.content = content;
  return page(context, request, parts);
}

Response route_form_page(const Context& context, const Request& request, const RouteText& text,
                         const std::optional<RouteError>& wrong, const vault::Route* existing) {
  const Words& w = context.w;
  const std::string path = existing != nullptr ? route_path(existing->name) : "/new-route";
  Html inside = route_fields(context, text, wrong, existing != nullptr);
  if (existing != nullptr) inside += hidden("version", std::to_string(existing->version));
  inside += tag("p", {{"class", "onward"}},
                button(existing != nullptr ? w("do.save") : w("do.add"), Tone::Good) +
                    link_button(existing != nullptr ? path : "/routes", w("do.cancel")));
  PageParts parts;
  parts.title = existing != nullptr ? w("route.edit", {{"name", existing->name}}) : w("routes.add");
  parts.section = kRoutesSection;
  parts.content = tag("section", {{"class", "panel"}},
                      form(context, existing != nullptr ? path + "/edit" : path, inside));
  parts.status = wrong ? 422 : 200;
  return page(context, request, parts);
}

Response show_new_route(Context& context, const Request& request) {
  return route_form_page(context, request, {}, std::nullopt, nullptr);
}

// Stores the route, which vault::apply() has checked.
Response put_shown_route(Context& context, const Request& request, const vault::Route& route,
                         const RouteText& text, const vault::Route* existing) {
  const Result<void> done = vault::put_route(context.store(), route, context.actor());
  if (done) return redirect(route_path(route.name) + "?done=saved");
  if (done.error().code() != Code::Exists) return failed(context, request, done.error());
  return route_form_page(context, request, text, RouteError{"name", context.w.plain("route.wrong.taken")},
                         existing);
}

// Shows what is wrong with a route at its field. An error that is not about what the user typed, such as an
// unreachable keeper, gets an error page.
Response rejected(const Context& context, const Request& request, const RouteText& text,
                  const vault::WrongRoute& wrong, const vault::Route* existing) {
  const Code code = wrong.error.code();
  if (code != Code::Usage && code != Code::NotFound && code != Code::Denied)
    return failed(context, request, wrong.error);
  return route_form_page(context, request, text, explained(context, wrong), existing);
}

Response create_route(Context& context, const Request& request) {
  const RouteText text = route_text_of(request.form);
  vault::Route route;
  route.name = text.name;
  const auto protocol = vault::parse_protocol(text.protocol);
  if (!protocol) return refused(context, request, 400);
  route.protocol = *protocol;
  // An account must not create a route that it could not see afterwards.
  if (!context.may_see(route.name)) {
    const std::string wrong = context.w.plain("route.wrong.not-yours", {{"value", printable(route.name)}});
    return route_form_page(context, request, text, RouteError{"name", wrong}, nullptr);
  }
  const auto finder = [&](std::string_view name) { return route_mailbox(context, {}, name); };
  if (const auto wrong = vault::apply(parse_form(context, text), finder, route))
    return rejected(context, request, text, *wrong, nullptr);
  return put_shown_route(context, request, route, text, nullptr);
}

Response show_route_form(Context& context, const Request& request) {
  const auto route = context.route(request.parameter("name"));
  if (!route) return failed(context, request, route.error());
  return route_form_page(context, request, text_of(context, *route), std::nullopt, &*route);
}

Response change_route(Context& context, const Request& request) {
  const auto before = context.route(request.parameter("name"));
  if (!before) return failed(context, request, before.error());
  vault::Route route = *before;
  // The form names the version that it was made from. If another user has changed the route since,
  // that change is not overwritten.
  const auto version = parse_number(request.form.get("version"));
  if (!version || *version != before->version) return refused(context, request, 409);
  const RouteText text = route_text_of(request.form);
  const auto finder = [&](std::string_view name) { return route_mailbox(context, *before, name); };
  if (const auto wrong = vault::apply(parse_form(context, text), finder, route))
    return rejected(context, request, text, *wrong, &*before);
  // A form that changes nothing appends no history entry.
  if (vault::encode(route) == vault::encode(*before)) return redirect(route_path(route.name) + "?done=saved");
  return put_shown_route(context, request, route, text, &*before);
}

Response show_route_removal(Context& context, const Request& request) {
  const Words& w = context.w;
  const auto route = context.route(request.parameter("name"));
  if (!route) return failed(context, request, route.error());
  const std::string path = route_path(route->name);
  PageParts parts;
  parts.title = w("route.remove.title", {{"name", route->name}});
  parts.section = kRoutesSection;
  parts.content =
      tag("section", {{"class", "panel"}},
          notice(w("route.remove.text"), Tone::Warning) +
              form(context, path + "/remove",
                   hidden("version", std::to_string(route->version)) +
                       tag("p", {{"class", "onward"}},
                           button(w("do.remove"), Tone::Bad) + link_button(path, w("do.cancel")))));
  return page(context, request, parts);
}

Response remove_route(Context& context, const Request& request) {
  const auto route = context.route(request.parameter("name"));
  if (!route) return failed(context, request, route.error());
  const auto version = parse_number(request.form.get("version"));
  if (!version || *version != route->version) return refused(context, request, 409);
  if (const auto gone = vault::remove_route(context.store(), *route, context.actor()); !gone)
    return failed(context, request, gone.error());
  return redirect("/routes?done=route-removed");
}

// Connects to the upstream of the stored route only: the request cannot name another host. A POST,
// because it connects.
Response test_route(Context& context, const Request& request) {
  const Words& w = context.w;
  const auto route = context.route(request.parameter("name"));
  if (!route) return failed(context, request, route.error());
  const proxy::RouteCheck probe = proxy::check_route_upstream(*route, context.console().options().host);
  log::info("route tested", {{"route", route->name}, {"by", context.actor()}, {"trouble", probe.trouble}});
  Html content =
      probe.trouble.empty()
          ? notice(w("probe.good", {{"took", w.number(static_cast<std::uint64_t>(probe.took.count()))}}),
                   Tone::Good)
          : notice(w("probe.bad") + escaped(" ") + trouble_text(context, probe.trouble), Tone::Bad);
  content +=
      tls_sections(context, {probe.address, probe.tls, probe.certificate, probe.pinned, probe.capabilities});
  PageParts parts;
  parts.title = w("probe.title", {{"name", route->name}});
  parts.section = kRoutesSection;
  const std::string path = route_path(route->name);
  parts.actions = action_button(context, path + "/test", w("probe.do")) + link_button(path, w("do.back"));
  parts.content = content;
  return page(context, request, parts);
}

}  // namespace

void add_route_pages(Routes& routes) {
  routes.push_back({"GET", "/routes", Access::Viewer, list_routes});
  routes.push_back({"GET", "/new-route", Access::Operator, show_new_route});
  routes.push_back({"POST", "/new-route", Access::Operator, create_route});
  routes.push_back({"GET", "/routes/:name", Access::Viewer, show_route});
  routes.push_back({"GET", "/routes/:name/edit", Access::Operator, show_route_form});
  routes.push_back({"POST", "/routes/:name/edit", Access::Operator, change_route});
  routes.push_back({"GET", "/routes/:name/remove", Access::Operator, show_route_removal});
  routes.push_back({"POST", "/routes/:name/remove", Access::Operator, remove_route});
  routes.push_back({"POST", "/routes/:name/test", Access::Operator, test_route});
}

}  // namespace gw::web
