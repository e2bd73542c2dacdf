// The numbers of a vault in the text format of OpenMetrics, with the `# EOF` that ends it.
#pragma once

#include <string>

#include "base/result.h"
#include "config/config.h"
#include "store/store.h"

namespace gw::gate {

inline constexpr const char* kOpenMetricsType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

Result<std::string> openmetrics(store::Store& store, const config::Config& config);

}  // namespace gw::gate
