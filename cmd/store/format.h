// The names that commands need for their output: JSON, times and digests in JSON (transfer/json.h),
// and times for people (base/clock.h).
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/clock.h"
#include "base/digest.h"
#include "base/result.h"
#include "cli/output.h"
#include "store/iterate.h"
#include "store/store.h"
#include "transfer/json.h"

namespace gw::cmd {

using cli::Json;

using transfer::json_digest;
using transfer::json_time;

}  // namespace gw::cmd
