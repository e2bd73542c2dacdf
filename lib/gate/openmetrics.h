// The numbers of a vault in the text format of OpenMetrics, with the `# EOF` that ends it.
#pragma once

#include <string>

#include "base/result.h"
#include "config/config.h"
#include "store/store.h"

namespace gw::gate {

Result<std::string> openmetrics(store::Store& store, const config::Config& config);

}  // namespace gw::gate
