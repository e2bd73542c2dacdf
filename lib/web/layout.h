// The frame around every page: top bar, side navigation, notices, and the pages of errors.
#pragma once

#include <string>
#include <string_view>

#include "web/context.h"
#include "web/html.h"
#include "web/widgets.h"

namespace gw::web {

struct PageParts {
  Html title;           // the heading, and of the window
  std::string section;  // path of the entry of the navigation that it belongs to: `/mailboxes`
  Html actions;         // beside the heading: buttons
  Html content;
  int status = 200;
  bool secret = false;  // shows a secret: see Response::secret
};

// `?done=saved` in the request shows the notice `notice.saved` above the content.
Response page(const Context& context, const Request& request, const PageParts& parts);

// Without navigation, for who is not signed in.
Response bare_page(const Context& context, const Request& request, const PageParts& parts);

// `detail`: what the vault said, for who can do something with it; may be empty.
Response error_page(const Context& context, const Request& request, int status, std::string_view detail);

// 403: what was sent was no form of this session.
Response form_refused(const Context& context, const Request& request);

}  // namespace gw::web
