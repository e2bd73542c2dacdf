// Everything the pages do, for programs: JSON under /api/v1, with a token instead of a session.
//
// No cookie is looked at here, so no browser can be led to ask in somebody's name. What a token may see it is
// given through the same Context as an account. The table of operations makes the OpenAPI document too
// (openapi.cc), so that none can be without the other.
#pragma once

#include <optional>
#include <string_view>

#include "web/http.h"

namespace gw::web {

class Console;

// For paths under /api.
Response answer_api(Console& console, Request& request);
// An error in the form that all errors of the API have.
Response problem(int status, std::string_view code, std::string_view message, std::string_view hint = {});
// Whether a request for this target, as it was sent, is one for the API.
bool is_api(std::string_view target);
// Whether the request shows a token that is in force.
bool shows_token(Console& console, const Request& request);
// For /metrics: what a token gets, of scope `metrics` or another, with no session and by whatever name the
// host is asked. None: no token was shown.
std::optional<Response> answer_metrics(Console& console, const Request& request);

}  // namespace gw::web
