// Everything the pages do, for programs: JSON under /api/v1, with a token instead of a session.
//
// No cookie is looked at here, so no browser can be led to ask in somebody's name. What a token may see it is
// given through the same Context as an account. The table of operations makes the OpenAPI document too
// (openapi.cc), so that none can be without the other.
#pragma once

#include <optional>

#include "web/http.h"

namespace gw::web {

class Console;

// For paths under /api.
Response answer_api(Console& console, Request& request);
// Whether the request shows a token that is in force.
bool shows_token(Console& console, const Request& request);
// The answer to a request under /api that cannot be read: its status, in the form of the API's errors.
Response api_refusal(int status, std::string_view why);
// For /metrics: what a token gets, of scope `metrics` or another, with no session and by whatever name the
// host is asked. None: no token was shown.
std::optional<Response> answer_metrics(Console& console, const Request& request);

}  // namespace gw::web
