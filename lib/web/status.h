// Maps the Code of an Error to an HTTP status, for the pages and the API.
#pragma once

#include "base/error.h"

namespace gw::web {

// Returns 404 for NotFound, 403 for Denied, 409 for Exists, Conflict and LeaseLost, `bad_input` for
// Usage and BadInput, 503 for errors after which a retry may succeed, and 500 for the rest. Pages
// pass 400 as `bad_input`, the API 422.
int status_of(Code code, int bad_input);

}  // namespace gw::web
