#include "web/pages/pages.h"

#include "base/text.h"

namespace gw::web {
namespace {

// Returns whether the path matches the pattern, and adds the segments at its `:names` to
// `parameters`. An empty segment matches no `:name`, so `/mailboxes/` is not a mailbox without a
// name.
bool fits(std::string_view pattern, std::string_view path, Fields& parameters) {
  const auto wanted = split(pattern, '/');
  const auto given = split(path, '/');
  if (wanted.size() != given.size()) return false;
  for (std::size_t at = 0; at < wanted.size(); ++at) {
    if (wanted[at].starts_with(':')) {
      if (given[at].empty()) return false;
      parameters.add(std::string(wanted[at].substr(1)), std::string(given[at]));
    } else if (wanted[at] != given[at]) {
      return false;
    }
  }
  return true;
}

Routes all_routes() {
  Routes all;
  add_sign_in_pages(all);
  add_account_pages(all);
  add_overview_pages(all);
  add_mailbox_pages(all);
  add_message_pages(all);
  add_route_pages(all);
  add_event_pages(all);
  add_test_delivery_pages(all);
  add_token_pages(all);
  add_administrator_pages(all);
  add_about_pages(all);
  add_health_pages(all);
  return all;
}

}  // namespace

bool may_call(const Context& context, const Route& route) {
  switch (route.access) {
    case Access::Public:
      return true;
    case Access::Viewer:
      return context.may(vault::Role::Viewer);
    case Access::Operator:
      return context.may(vault::Role::Operator);
    case Access::Administrator:
      return context.may(vault::Role::Administrator);
    case Access::Unlimited:
      // The account exists: may() is false without one.
      return context.may(vault::Role::Administrator) && context.account().is_unrestricted();
  }
  return false;
}

const Routes& routes() {
  static const Routes all = all_routes();
  return all;
}

Found find_route(std::span<const Route> table, std::string_view method, std::string_view path) {
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  Found found;
  for (const Route& route : table) {
    Fields parameters;
    if (!fits(route.pattern, path, parameters)) continue;
    if (route.method == wanted) return {&route, std::move(parameters), {}};
    // Two patterns with the same method may match one path.
    if (found.allowed.find(route.method) != std::string::npos) continue;
    if (!found.allowed.empty()) found.allowed += ", ";
    found.allowed += route.method;
    if (route.method == "GET") found.allowed += ", HEAD";
  }
  return found;
}

}  // namespace gw::web
