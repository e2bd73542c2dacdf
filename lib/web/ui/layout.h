// The frame around every page: top bar, side navigation and notices; and the error pages.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "web/context.h"
#include "web/ui/html.h"
#include "web/ui/widgets.h"

namespace gw::web {

// What a page fills into the frame.
struct PageParts {
  // The heading of the page and the title of the window.
  Html title;
  // The path of the navigation entry that is marked as the current one, for example `/mailboxes`.
  std::string section;
  // Buttons beside the heading.
  Html actions;
  Html content;
  int status = 200;
  // Whether the page shows a secret (Response::secret).
  bool secret = false;
  // If not 0, the page is loaded again after so many seconds, from `refresh_to`: with JavaScript quietly
  // (console.js), else by the browser. The reload does not count as use of the session if `refresh_to`
  // has the parameter kUnattended.
  int refresh_after = 0;
  std::string refresh_to = {};
  // Whether the content is replaced in place, again and again; otherwise the browser goes to `refresh_to`
  // once, as for a page that shows what was opened for a limited time.
  bool refresh_live = false;
};
// The parameter of an address that a page loads by itself. It keeps no session alive (console.cc).
inline constexpr std::string_view kUnattended = "unattended";

// Returns the page. If the request has `?done=saved`, the text `notice.saved` is shown above the
// content, and with `?problem=x` the text `problem.x`, as a warning; an unknown word shows nothing.
// Without a signed-in account it is a bare_page().
Response page(const Context& context, const Request& request, const PageParts& parts);

// Returns the page without navigation, for a client that is not signed in.
Response bare_page(const Context& context, const Request& request, const PageParts& parts);

// Returns the page of an error, with `text`, or `error.<status>` if it is nullopt. A 503 tells the
// client to retry after 10 seconds.
Response error_page(const Context& context, const Request& request, int status,
                    std::optional<Text> text = std::nullopt);

// Returns a 403 that explains that the posted form does not belong to this session.
Response form_refused(const Context& context, const Request& request);

}  // namespace gw::web
