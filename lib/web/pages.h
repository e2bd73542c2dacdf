// The pages of the console, and who may call them. How to add one:
//
// 1. Write `Response page(Context& context, const Request& request)` in pages_<area>.cc. It reads what it
// needs
//    through `context` (context.h: mailboxes and routes only by context.mailbox(), context.route() and the
//    like, which keep an account to what it may see) and gives `page(context, request, {...})` (layout.h)
//    made of the pieces in widgets.h. An Error goes out as `failed(context, request, error)`.
// 2. List it in the area's function below, with its method, its pattern, and the role that it needs. `:name`
// in
//    a pattern stands for one segment of the path: request.parameter("name"). Of two patterns that fit, the
//    one listed first counts.
// 3. Its words go into words_<area>.h, in all languages; pages show text by its id only: context.w("…").
//    What the vault holds is shown by escaped(). There is no other way to make Html of text.
// 4. What changes anything is a POST: GET and HEAD must be without effect. A form is made by form()
// (widgets.h),
//    which puts in the session's token; the router refuses a POST without it before the page is called, so a
//    page never checks it. Work on the vault names context.actor() as who did it. Afterwards `redirect()`,
//    with
//    `?done=saved` for the notice `notice.saved`; a page that shows a secret once answers the POST itself,
//    with Response::secret set.
// 5. A heading in the side navigation stands in layout.cc, and shows where its page is in the table.
// 6. Its test asks the Console as a browser would (tests/web/browser.h).
//
// Deny by default: what is not in the table is 404 for who is signed in, and the sign-in page for who is not.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "web/context.h"
#include "web/http.h"

namespace gw::web {

using Page = Response (*)(Context& context, const Request& request);

enum class Access : unsigned char {
  Public,  // nobody needs to be signed in
  Viewer,  // an account of this role or a higher one
  Operator,
  Administrator,
  Unlimited,  // an administrator who is not limited to some mailboxes and routes
};

enum class Kind : unsigned char {
  Html,   // refusals are pages, or the sign-in page
  Plain,  // for programs: who is not signed in gets 401, and a Public one needs neither session nor our Host
};

struct Route {
  std::string_view method;  // `GET` (HEAD too) or `POST`
  std::string_view pattern;
  Access access = Access::Administrator;
  Page page = nullptr;
  Kind kind = Kind::Html;
};
using Routes = std::vector<Route>;

// One function for each area.
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

inline constexpr std::string_view kMetricsPath = "/metrics";
// What `gw-store status --openmetrics` prints, and the console's own numbers. For who sees everything.
Response metrics_of(const Context& context);

// Whether who asks may call it.
bool may_call(const Context& context, const Route& route);

// All of them; made once.
const Routes& routes();

// What a method and path lead to. `allowed` has the methods that the path knows, where there is none.
struct Found {
  const Route* route = nullptr;
  Fields parameters;
  std::string allowed;  // `GET, HEAD, POST`
};
Found find_route(std::span<const Route> table, std::string_view method, std::string_view path);

}  // namespace gw::web
