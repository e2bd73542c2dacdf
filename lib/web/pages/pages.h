// The table of the console's pages, and which account may call each of them.
//
// How to add a page:
//
// 1. Write `Response page(Context& context, const Request& request)` in pages/<area>.cc. It reads
//    what it needs through `context` (context.h): mailboxes and routes only by context.mailbox(),
//    context.route() and the like, which limit an account to what it may see. It returns
//    `page(context, request, {...})` (layout.h), built from the pieces in widgets.h. It answers an
//    Error with `failed(context, request, error)`.
// 2. List it in the function of its area below, with its method, its pattern and the access that it
//    needs. `:name` in a pattern stands for one segment of the path, which
//    request.parameter("name") returns. If two patterns match, the first one in the table wins.
// 3. Add its texts to <area>.h, in all languages. Pages show texts by their id, as in
//    context.w("…"), and data of the vault by escaped().
// 4. Make everything that changes anything a POST; GET and HEAD have no effect. Create its form by
//    form() (widgets.h), which adds the CSRF token of the session. The router refuses a POST
//    without the token before it calls the page, so a page does not check it. Pass context.actor()
//    to the vault as the author of the change. Afterwards return `redirect()`, with `?done=saved`
//    to show the text `notice.saved`. A page that shows a secret once answers the POST itself and
//    sets Response::secret.
// 5. Add the entry of the side navigation to layout.cc; it is shown if the account may open it.
// 6. Test it through the Console, as a browser would (tests/web/browser.h).
//
// The default is to deny: a path that is not in the table is 404 for a signed-in account, and leads
// other clients to the sign-in page.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "web/context.h"
#include "web/http/http.h"

namespace gw::web {

inline constexpr Micros kDay = Micros{86'400} * 1'000'000;

// A page. It is called on many threads concurrently and has no state of its own.
using Page = Response (*)(Context& context, const Request& request);

// Who may call a page, from the least to the most restricted.
enum class Access : unsigned char {
  // Every client, without signing in.
  Public,
  // An account with this role or a higher one (vault/account.h).
  Viewer,
  Operator,
  Administrator,
  // An administrator who is not limited to some mailboxes and routes.
  Unlimited,
};

// What kind of client a route is for.
enum class Kind : unsigned char {
  // A browser: refusals are pages, or a redirect to the sign-in page.
  Html,
  // A program: it receives 401 if it is not signed in. If the route is Public, neither the session
  // nor the Host header is checked.
  Plain,
};

// One row of the table. The texts must have static storage duration.
struct Route {
  // `GET`, which answers HEAD too, or `POST`.
  std::string_view method;
  // For example `/mailboxes/:name/settings`.
  std::string_view pattern;
  Access access = Access::Administrator;
  Page page = nullptr;
  Kind kind = Kind::Html;
};
using Routes = std::vector<Route>;

// Each function appends the pages of one area to the table.
void add_sign_in_pages(Routes& routes);
void add_account_pages(Routes& routes);
void add_overview_pages(Routes& routes);
void add_mailbox_pages(Routes& routes);
void add_message_pages(Routes& routes);
void add_route_pages(Routes& routes);
void add_event_pages(Routes& routes);
void add_test_delivery_pages(Routes& routes);
void add_token_pages(Routes& routes);
void add_administrator_pages(Routes& routes);
void add_about_pages(Routes& routes);
void add_health_pages(Routes& routes);

// The path of the metrics, which an API token may read too (answer_metrics() in api.h).
inline constexpr std::string_view kMetricsPath = "/metrics";
// Returns the metrics of the vault, as `gw-store status --openmetrics` prints them, together with
// the console's own counters; 503 if the keeper is not reachable. The caller checks that the
// account sees all mailboxes.
Response metrics_of(const Context& context);

// Returns whether the account of `context` may call the page of `route`.
bool may_call(const Context& context, const Route& route);

// Returns the whole table, which is built at the first call and never changes.
const Routes& routes();

// The result of find_route(). `parameters` owns its texts; `route` points into the table.
struct Found {
  // Null if no route matches the method and the path.
  const Route* route = nullptr;
  Fields parameters;
  // The methods that the path supports, for the Allow header (`GET, HEAD, POST`), if the path
  // matches a route but the method does not; empty if the path matches no route.
  std::string allowed;
};
// Returns the first route of `table` that matches. HEAD matches the routes of GET.
Found find_route(std::span<const Route> table, std::string_view method, std::string_view path);

}  // namespace gw::web
