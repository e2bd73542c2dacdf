// The HTTP API under /api/v1 for programs: JSON, with a token in `Authorization: Bearer` instead of
// a session. It offers what the pages offer; gw-api(7) describes it.
//
// The API ignores cookies, so a foreign web page cannot make a signed-in browser issue requests
// (CSRF). A token sees the vault through the same Context as an account (context.h). One table of
// operations serves the requests and generates the OpenAPI document (openapi.cc), so that both
// always agree.
//
// All functions are thread-safe.
#pragma once

#include <optional>
#include <string_view>

#include "web/http/http.h"

namespace gw::web {

class Console;

// Answers a request whose path begins with /api/: finds the operation (404, 405), checks the token
// (401), its rate (429) and scope (403), the query and the body (400, 415), and runs the operation.
// Sets the `parameters` of the request.
Response answer_api(Console& console, Request& request);
// Returns an error as JSON, in the form that all errors of the API have: `{"error": {"code": …,
// "message": …, "hint": … or null}}`. Invalid UTF-8 in the texts is replaced.
Response problem(int status, std::string_view code, std::string_view message, std::string_view hint = {});
// Returns whether a request target is one of the API. `target` is the raw text of the request line,
// which need not be complete or valid.
bool is_api(std::string_view target);
// Returns whether the request shows a token that is in force. False also if the keeper is not
// reachable. It does not count as a try, so it must not be used to authenticate.
bool shows_token(Console& console, const Request& request);
// Answers a request for /metrics that shows a token: the metrics if the token is valid and not
// limited to some mailboxes, else 401, 403 or 429. Neither a session nor the Host header is
// checked. Returns nullopt if the request shows no token; the session then decides.
std::optional<Response> answer_metrics(Console& console, const Request& request);

}  // namespace gw::web
