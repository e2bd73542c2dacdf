// The names that commands need for their output: JSON (json/json.h, json/objects.h), and times for
// people (base/clock.h).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "base/result.h"
#include "cli/output.h"
#include "json/objects.h"
#include "store/iterate.h"
#include "store/store.h"

namespace gw::cmd {

using json::Json;
using json::json_digest;
using json::json_time;

// Returns the texts with ", " between them, or `none` if there are none.
inline std::string joined(const std::vector<std::string>& texts, std::string_view none) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all.empty() ? std::string(none) : all;
}

}  // namespace gw::cmd
