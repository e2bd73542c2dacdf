// Writes the metrics in the text formats of OpenMetrics 1.0 and of Prometheus.
#include "daemon/openmetrics.h"

#include <functional>

#include "base/text.h"
#include "base/version.h"
#include "net/tls.h"
#include "vault/maintenance_log.h"
#include "vault/totals.h"

namespace gw::daemon {
namespace {

// Escapes a label value: the format requires valid UTF-8 and escapes for backslash and quote. A
// line feed becomes a space, since no name has a good reason to contain one.
std::string escaped(std::string_view label) {
  std::string text;
  for (const char c : valid_text(label)) {
    if (c == '\\' || c == '"') text += '\\';
    text += c == '\n' ? ' ' : c;
  }
  return text;
}

// Builds the text. Each metric family begins with family(), followed by its samples: the format
// forbids samples of one family in two places.
class Metrics {
 public:
  explicit Metrics(MetricsFormat format) : open_(format == MetricsFormat::OpenMetrics) {}

  // Begins a metric family. `name` has no `_total`, which the samples of counters get. If `unit` is
  // given, the name must end with it.
  void family(const std::string& name, const char* type, const char* unit, const char* help) {
    name_ = name;
    counter_ = std::string_view(type) == "counter";
    const std::string described = counter_ && !open_ ? name + "_total" : name;
    text_ += "# TYPE " + described + " " + type + "\n";
    if (open_ && unit != nullptr) text_ += "# UNIT " + name + " " + unit + "\n";
    text_ += "# HELP " + described + " " + help + "\n";
  }
  void sample(std::uint64_t value, const std::string& labels = {}) { put(std::to_string(value), labels); }
  // Adds a point in time as seconds since the epoch. Adds nothing for 0, which means that the event
  // has not happened: a sample of 0 would look like an event in 1970 to an alert rule.
  void sample_time(Micros time, const std::string& labels = {}) {
    if (time == 0) return;
    std::string fraction = std::to_string(1'000'000 + time % 1'000'000).substr(1);
    put(std::to_string(time / 1'000'000) + "." + fraction, labels);
  }
  // Adds a histogram. Its buckets are cumulative in the format, while SyncHistogram counts each one
  // alone; bounds are in microseconds there and in seconds here.
  void histogram(const store::SyncHistogram& times) {
    std::uint64_t sum = 0;
    for (std::size_t at = 0; at < times.kBounds.size(); ++at) {
      sum += times.counts[at];
      line("_bucket", "le=\"" + seconds(times.kBounds[at]) + "\"", std::to_string(sum));
    }
    sum += times.counts.back();
    line("_bucket", "le=\"+Inf\"", std::to_string(sum));
    line("_count", {}, std::to_string(sum));
    line("_sum", {}, seconds(times.micros));
  }
  std::string take() { return std::move(text_) + (open_ ? "# EOF\n" : ""); }

 private:
  void put(const std::string& value, const std::string& labels) {
    line(counter_ ? "_total" : "", labels, value);
  }
  void line(const char* suffix, const std::string& labels, const std::string& value) {
    text_ += name_ + suffix + (labels.empty() ? "" : "{" + labels + "}") + " " + value + "\n";
  }
  // Returns microseconds as seconds in the canonical form, such as `0.0025` or `1.0`. Collectors
  // compare the bounds of buckets as text, so one bound must always be written in the same way.
  static std::string seconds(std::uint64_t micros) {
    std::string fraction = std::to_string(1'000'000 + micros % 1'000'000).substr(1);
    while (fraction.size() > 1 && fraction.back() == '0') fraction.pop_back();
    return std::to_string(micros / 1'000'000) + "." + fraction;
  }
  bool open_;
  std::string text_;
  std::string name_;
  bool counter_ = false;
};

// A mailbox with its label, which is the same in all its samples.
struct Box {
  std::string label;
  store::MailboxRecord record;
  store::MailboxStat stat;
};

void of_vault(Metrics& metrics, const store::Health& health) {
  metrics.family("gw_build_info", "gauge", nullptr, "1; the version of gw is in its label.");
  metrics.sample(1, "version=\"" + escaped(version()) + "\"");
  metrics.family("gw_writable", "gauge", nullptr, "1 if the vault accepts changes.");
  metrics.sample(health.writable ? 1 : 0);
  metrics.family("gw_disk_full", "gauge", nullptr, "1 while mail is deferred because the disk is full.");
  metrics.sample(health.full ? 1 : 0);
  metrics.family("gw_disk_free_bytes", "gauge", "bytes", "Free space on the disk of the vault.");
  metrics.sample(health.free_bytes);
  metrics.family("gw_disk_size_bytes", "gauge", "bytes", "Size of the disk of the vault.");
  if (health.disk_bytes != 0) metrics.sample(health.disk_bytes);
  metrics.family("gw_disk_free_inodes", "gauge", nullptr, "Free inodes on the disk of the vault.");
  metrics.sample(health.free_inodes);
  metrics.family("gw_commits", "counter", nullptr, "Commits since the vault was created.");
  metrics.sample(health.commits);
  metrics.family("gw_commits_waiting", "gauge", nullptr, "Changes that are waiting for their commit.");
  metrics.sample(health.queued);
  metrics.family("gw_sync_seconds", "histogram", "seconds",
                 "Duration of synced writes since the keeper started.");
  metrics.histogram(health.syncs);
}

Result<void> of_upkeep(Metrics& metrics, store::Store& store) {
  const auto backup = vault::last_backup(store);
  if (!backup) return backup.error();
  metrics.family("gw_last_backup_timestamp_seconds", "gauge", "seconds",
                 "When the vault was last backed up.");
  metrics.sample_time(*backup ? (*backup)->time : 0);
  const auto verify = vault::last_verify(store);
  if (!verify) return verify.error();
  metrics.family("gw_last_verify_timestamp_seconds", "gauge", "seconds", "When the vault was last verified.");
  metrics.sample_time(*verify ? (*verify)->time : 0);
  metrics.family("gw_last_verify_findings", "gauge", nullptr,
                 "Findings of the last verification; 0 means none.");
  if (*verify) metrics.sample((*verify)->findings);
  return {};
}

void of_mailboxes(Metrics& metrics, const std::vector<Box>& boxes) {
  metrics.family("gw_messages", "gauge", nullptr, "Messages of a mailbox by state.");
  for (const Box& box : boxes) {
    // `live` of MailboxStat includes the unconfirmed messages; the states here must not overlap.
    const std::pair<const char*, std::uint64_t> states[] = {{"live", box.stat.live - box.stat.unconfirmed},
                                                            {"unconfirmed", box.stat.unconfirmed},
                                                            {"pending", box.stat.pending},
                                                            {"drained", box.stat.drained},
                                                            {"quarantined", box.stat.quarantined}};
    for (const auto& [state, count] : states) metrics.sample(count, box.label + ",state=\"" + state + "\"");
  }
  const auto each = [&](const std::function<std::uint64_t(const Box&)>& value) {
    for (const Box& box : boxes) metrics.sample(value(box), box.label);
  };
  const auto each_time = [&](const std::function<Micros(const Box&)>& value) {
    for (const Box& box : boxes) metrics.sample_time(value(box), box.label);
  };
  metrics.family("gw_waiting_bytes", "gauge", "bytes", "Bytes that are waiting for the archive.");
  each([](const Box& box) { return box.stat.live_bytes; });
  metrics.family("gw_quota_bytes", "gauge", "bytes", "Quota of a mailbox; 0 means none.");
  each([](const Box& box) { return box.record.quota; });
  metrics.family("gw_suspended", "gauge", nullptr, "1 if the mailbox is suspended.");
  each([](const Box& box) { return box.record.status == store::Status::Suspended ? 1u : 0u; });
  metrics.family("gw_mailbox_created_timestamp_seconds", "gauge", "seconds", "When the mailbox was created.");
  each_time([](const Box& box) { return box.record.created; });
  metrics.family("gw_accepted", "counter", nullptr, "Messages accepted since the mailbox was created.");
  each([](const Box& box) { return box.stat.accepted; });
  metrics.family("gw_oldest_unfetched_timestamp_seconds", "gauge", "seconds",
                 "When the oldest waiting message arrived.");
  each_time([](const Box& box) { return box.stat.oldest; });
  metrics.family("gw_last_delivery_timestamp_seconds", "gauge", "seconds", "When the last message arrived.");
  each_time([](const Box& box) { return box.stat.last_delivery; });
  metrics.family("gw_last_drain_timestamp_seconds", "gauge", "seconds", "When messages were last drained.");
  each_time([](const Box& box) { return box.stat.last_drain; });
}

// Adds the server statistics. They begin at zero when the keeper starts, which counters may do.
void of_servers(Metrics& metrics, const std::vector<store::ServerStats>& server_stats) {
  // The statistics of gw-proxy are kept under `route NAME`, those of the other servers under their
  // name.
  const auto label = [](const store::ServerStats& stats) {
    constexpr std::string_view kRoute = "route ";
    const bool route = stats.of.starts_with(kRoute);
    return route ? "route=\"" + escaped(std::string_view(stats.of).substr(kRoute.size())) + "\""
                 : "server=\"" + escaped(stats.of) + "\"";
  };
  const auto each = [&](std::uint64_t store::ServerStats::*count, const std::string& more = {}) {
    for (const store::ServerStats& stats : server_stats) metrics.sample(stats.*count, label(stats) + more);
  };
  metrics.family("gw_sessions", "counter", nullptr, "Ended sessions.");
  each(&store::ServerStats::sessions);
  metrics.family("gw_tls_sessions", "counter", nullptr, "Ended sessions that used TLS.");
  each(&store::ServerStats::tls);
  metrics.family("gw_replies", "counter", nullptr,
                 "Replies sent to clients: 2xx and +OK, 4xx, 5xx and other -ERR.");
  each(&store::ServerStats::completed, ",class=\"completed\"");
  each(&store::ServerStats::deferred, ",class=\"deferred\"");
  each(&store::ServerStats::refused, ",class=\"refused\"");
  metrics.family("gw_failed_logins", "counter", nullptr, "Logins with a wrong name or password.");
  each(&store::ServerStats::failed_logins);
  metrics.family("gw_session_messages", "counter", nullptr, "Messages accepted, retrieved or relayed.");
  each(&store::ServerStats::messages);
  metrics.family("gw_session_bytes", "counter", "bytes",
                 "Bytes of the messages accepted, retrieved or relayed.");
  each(&store::ServerStats::size);
  metrics.family("gw_copies", "counter", nullptr, "Archive copies of relayed messages.");
  each(&store::ServerStats::copies);
  metrics.family("gw_uncopied", "counter", nullptr, "Messages relayed without an archive copy.");
  each(&store::ServerStats::uncopied);
  metrics.family("gw_last_trouble_timestamp_seconds", "gauge", "seconds",
                 "When a session last had an internal error.");
  for (const store::ServerStats& stats : server_stats) metrics.sample_time(stats.trouble_time, label(stats));
}

// Adds the expiry of each certificate. A file that this user cannot read or that is damaged has no
// sample: an error here would hide all other metrics.
void of_certificates(Metrics& metrics, const config::Config& config) {
  metrics.family("gw_certificate_expiry_timestamp_seconds", "gauge", "seconds",
                 "When a certificate expires.");
  for (const config::Certificate& pair : config.certificates) {
    const auto tls = net::ServerTls::load({{pair.certificate, pair.key}});
    if (tls) metrics.sample_time((*tls)->not_after(), "file=\"" + escaped(pair.certificate) + "\"");
  }
}

}  // namespace

Result<std::string> metrics_text(store::Store& store, const config::Config& config, MetricsFormat format) {
  const auto health = store.health();
  if (!health) return health.error();
  const auto server_stats = store.server_stats();
  if (!server_stats) return server_stats.error();
  auto rows = vault::mailbox_rows(store);
  if (!rows) return rows.error();
  std::vector<Box> boxes;
  for (vault::MailboxRow& row : *rows)
    boxes.push_back({"mailbox=\"" + escaped(row.record.name) + "\"", std::move(row.record), row.stat});
  Metrics metrics(format);
  of_vault(metrics, *health);
  if (auto told = of_upkeep(metrics, store); !told) return told.error();
  of_mailboxes(metrics, boxes);
  of_servers(metrics, *server_stats);
  of_certificates(metrics, config);
  return metrics.take();
}

}  // namespace gw::daemon
