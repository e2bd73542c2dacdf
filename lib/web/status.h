// What an Error is in HTTP, for pages and for the API.
#pragma once

#include "base/error.h"

namespace gw::web {

// 404, 403, 409, 503 where trying again helps, 500; `bad_input` for what the client wrote wrongly.
int status_of(Code code, int bad_input);

}  // namespace gw::web
