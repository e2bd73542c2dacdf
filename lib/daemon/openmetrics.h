// The metrics of a vault in the text format of OpenMetrics 1.0.
//
// The metrics cover the vault and its disk, backup and verification, each mailbox, the server
// statistics since the keeper started, and the expiry of the configured certificates. gw-store(1)
// and the `# HELP` lines describe each of them. Label values are names of mailboxes, routes and
// certificate files; no metric holds addresses or content of mail.
#pragma once

#include <string>

#include "base/result.h"
#include "config/config.h"
#include "store/store.h"

namespace gw::daemon {

// The Content-Type of the text in HTTP.
inline constexpr const char* kOpenMetricsType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

// Returns the current metrics of `store`, ending with the line `# EOF`. Certificate files of
// `config` that this user cannot read are left out. Fails with the store's error if one of its
// queries fails.
Result<std::string> openmetrics(store::Store& store, const config::Config& config);

}  // namespace gw::daemon
