// What the error numbers of librados mean for an operation.
#pragma once

#include <string>
#include <string_view>

#include "store/rados/cluster.h"

namespace gw::store {

// Returns how an operation ended that librados ended with `result`, which is negative if it failed.
Outcome outcome_of(int result);

// Returns the reply to an operation that failed, with the text `what: why`.
Reply failed_reply(std::string_view what, int result);

}  // namespace gw::store
