// How the commands show times and digests in JSON; for people base/clock.h and base/text.h do it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/clock.h"
#include "base/digest.h"
#include "base/result.h"
#include "cli/output.h"
#include "store/each.h"
#include "store/store.h"
#include "transfer/json.h"

namespace gw::cmd {

using cli::Json;

using transfer::json_digest;
using transfer::json_time;

}  // namespace gw::cmd
