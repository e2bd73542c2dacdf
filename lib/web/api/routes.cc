// Routes of gw-proxy in the API. The fields are those of `gw-store route … --json`.
#include "base/log.h"
#include "proxy/route_check.h"
#include "vault/route_change.h"
#include "web/api/api_private.h"
#include "web/console.h"
#include "web/pages/route_form.h"

namespace gw::web::api {
namespace {

using vault::Role;

Json route_json(const Context& context, const vault::Route& route) {
  return json::route_json(route,
                          [&](const MailboxId& mailbox) { return route_mailbox_name(context, mailbox); });
}

Result<Answer> list_routes(Call& call) {
  const auto routes = call.context.routes();
  if (!routes) return routes.error();
  Json items = Json::array();
  for (const vault::Route& route : *routes) items.push_back(route_json(call.context, route));
  return list_of(std::move(items), 0);
}

Result<Answer> show_route(Call& call) {
  const auto route = call.context.route(call.parameter("name"));
  return route ? Answer{route_json(call.context, *route)} : Result<Answer>(route.error());
}

// Applies the body to `route`. A token that is limited to some names may neither allow private
// addresses nor name files of the host (route_form.h); sending back the values that are in force is
// no change.
Result<void> apply_route(const Call& call, const vault::Route& before, vault::Route& route) {
  const Json& body = call.body;
  vault::RouteChange said;
  said.description = text_in(body, "description");
  said.upstream = text_in(body, "upstream");
  said.tls = text_in(body, "tls");
  said.on_copy_failure = text_in(body, "on_copy_failure");
  said.uncopied_delete = text_in(body, "uncopied_delete");
  said.ca = text_in(body, "ca");
  said.pin = text_in(body, "pin");
  said.mailbox = text_in(body, "mailbox");
  said.logins = list_in(body, "logins");
  said.clients = list_in(body, "clients");
  if (body.contains("allow_private")) said.allow_private = body["allow_private"].get<bool>();
  if (body.contains("map")) {
    said.map.emplace();
    for (const Json& rule : body["map"])
      said.map->push_back(rule["login"].get<std::string>() + "=" + rule["mailbox"].get<std::string>());
  }
  const bool limited = !call.context.account().is_unrestricted();
  if (limited && ((said.ca && *said.ca != before.ca_file) ||
                  (said.allow_private && *said.allow_private != before.allow_private)))
    return not_with_patterns("setting `ca` or `allow_private`");
  const auto finder = [&](std::string_view name) { return route_mailbox(call.context, before, name); };
  const auto wrong = vault::apply(said, finder, route);
  if (!wrong) return {};
  return wrong->error.within("`" + std::string(wrong->field) + "`");
}

Result<Answer> create_route(Call& call) {
  vault::Route route;
  route.name = call.body["name"].get<std::string>();
  if (!call.context.may_see(route.name))
    return Error(Code::Denied, "the token does not permit a route of this name");
  route.protocol = *vault::parse_protocol(call.body["protocol"].get<std::string>());
  if (const auto done = apply_route(call, {}, route); !done) return done.error();
  if (const auto put = vault::put_route(call.store(), route, call.context.actor()); !put) return put.error();
  return Answer{route_json(call.context, route)};
}

Result<Answer> change_route(Call& call) {
  const auto before = call.context.route(call.parameter("name"));
  if (!before) return before.error();
  vault::Route route = *before;
  if (const auto done = apply_route(call, *before, route); !done) return done.error();
  // A body that changes nothing appends no history entry.
  if (vault::encode(route) != vault::encode(*before))
    if (const auto put = vault::put_route(call.store(), route, call.context.actor()); !put)
      return put.error();
  return Answer{route_json(call.context, route)};
}

Result<Answer> remove_route(Call& call) {
  const auto route = call.context.route(call.parameter("name"));
  if (!route) return route.error();
  if (const auto gone = vault::remove_route(call.store(), *route, call.context.actor()); !gone)
    return gone.error();
  return nothing();
}

Result<Answer> test_route(Call& call) {
  const auto route = call.context.route(call.parameter("name"));
  if (!route) return route.error();
  // The probe connects to the upstream of the stored route only: the request cannot name another
  // one.
  return Answer{
      json::route_check_json(proxy::check_route_upstream(*route, call.context.console().options().host))};
}

}  // namespace

void add_route_operations(Operations& all) {
  all.push_back({"GET", "/api/v1/routes", "listRoutes", "List the routes of gw-proxy", Role::Viewer,
                 list_routes, "[Route]"});
  all.push_back({"POST", "/api/v1/routes", "createRoute", "Create a route", Role::Operator, create_route,
                 "Route", "NewRoute", 201});
  all.push_back(
      {"GET", "/api/v1/routes/:name", "showRoute", "Show one route", Role::Viewer, show_route, "Route"});
  all.push_back({"PATCH", "/api/v1/routes/:name", "changeRoute",
                 "Change the given fields; lists are replaced, an empty text clears a field", Role::Operator,
                 change_route, "Route", "RouteChange"});
  all.push_back({"DELETE", "/api/v1/routes/:name", "removeRoute",
                 "Remove a route; its open sessions continue", Role::Operator, remove_route});
  all.push_back({"POST", "/api/v1/routes/:name/test", "testRoute",
                 "Connect to the server of the route as gw-proxy would, and report the result",
                 Role::Operator, test_route, "RouteTest"});
}

}  // namespace gw::web::api
