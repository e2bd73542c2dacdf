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

namespace gw::cmd {

using cli::Json;

Json json_time(Micros time);             // RFC 3339; null for 0
Json json_digest(const Digest& digest);  // hex; null for zeros

}  // namespace gw::cmd
