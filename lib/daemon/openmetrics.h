// The metrics of a vault in the text format of OpenMetrics 1.0, or in the older one of Prometheus.
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

// The formats differ in the comment lines: in Prometheus' format the name of a counter's family ends
// with `_total`, as its samples do, and there are no lines `# UNIT` and `# EOF`. The textfile
// collector of node_exporter reads only that one, and takes counters of OpenMetrics for untyped
// metrics without a description.
enum class MetricsFormat : unsigned char { OpenMetrics, Prometheus };

// Returns the current metrics of `store`; in OpenMetrics they end with the line `# EOF`. Certificate
// files of `config` that this user cannot read are left out. Fails with the store's error if one of
// its queries fails.
Result<std::string> metrics_text(store::Store& store, const config::Config& config,
                                 MetricsFormat format = MetricsFormat::OpenMetrics);

}  // namespace gw::daemon
