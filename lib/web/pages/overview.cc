// The overview: first what needs attention, then the numbers, the chart of traffic, the mailboxes
// and the servers.
#include <algorithm>

#include "store/store.h"
#include "vault/maintenance_log.h"
#include "vault/totals.h"
#include "web/diagnoses.h"
#include "web/pages/pages.h"
#include "web/pages/traffic_chart.h"
#include "web/pages/trouble.h"
#include "web/ui/layout.h"
#include "web/ui/widgets.h"

namespace gw::web {
namespace {

constexpr Micros kSecond = 1'000'000;
constexpr Micros kCertificateSoon = 14 * kDay;
constexpr int kRefresh = 60;  // seconds

// What the page shows, read once. Mailboxes that the account may not see are left out, also from
// the totals.
struct Seen {
  std::vector<vault::MailboxRow> rows;  // those that the account may see
  std::vector<store::MailboxRecord> records;
  vault::Totals totals;
  store::Health health;
};

Result<Seen> look_at_vault(const Context& context) {
  Seen seen;
  const auto health = context.store().health();
  if (!health) return health.error();
  seen.health = *health;
  auto rows = vault::mailbox_rows(context.store());
  if (!rows) return rows.error();
  std::erase_if(*rows, [&](const vault::MailboxRow& row) { return !context.may_see(row.record.name); });
  seen.rows = std::move(*rows);
  for (const vault::MailboxRow& row : seen.rows) seen.records.push_back(row.record);
  seen.totals = vault::totals_of(seen.rows);
  return seen;
}

std::string box_path(std::string_view name) {
  return "/mailboxes/" + std::string(name);
}

// Returns where the user acts on a finding about a mailbox.
std::string alarm_place(const vault::Diagnosis& diagnosis) {
  const std::string path = box_path(diagnosis.about);
  switch (diagnosis.cause) {
    case vault::Cause::Quarantined:
      return path + "/messages?state=quarantined";
    case vault::Cause::Unconfirmed:
      return path + "/messages?state=unconfirmed";
    case vault::Cause::DrainBroken:
      return path + "/messages/" + diagnosis.facts.detail;
    default:
      return path;
  }
}

struct Alarm {
  Html text;
  bool bad = false;
};

// Warns of a certificate that is unusable, has expired or will expire soon. Only for accounts that
// see everything.
void certificate_alarms(const Context& context, std::vector<Alarm>& alarms) {
  const ConsoleOptions& options = context.console().options();
  if (!options.tls || !context.account().is_unrestricted()) return;
  const auto tls = options.tls();
  if (!tls) {
    alarms.push_back({context.w("overview.alarm.certificate"), true});
    return;
  }
  const Micros left = (*tls)->not_after() - context.now();
  if (left < 0) {
    alarms.push_back({context.w("overview.alarm.certificate-ended"), true});
  } else if (left < kCertificateSoon) {
    alarms.push_back(
        {context.w("overview.alarm.certificate-ends", {{"span", context.w.dative_span(left / kSecond)}}),
         false});
  }
}

Result<Html> alarms(const Context& context, const Seen& seen) {
  const Words& w = context.w;
  std::vector<Alarm> all;
  certificate_alarms(context, all);
  const auto found =
      context.console().health().findings(context.store(), context.console().options().vault, context.now());
  if (!found) return found.error();
  for (const vault::Diagnosis& each : **found) {
    if (each.level == vault::Level::Good) continue;
    const bool of_mailbox = std::ranges::any_of(
        seen.rows, [&](const vault::MailboxRow& row) { return row.record.name == each.about; });
    // A finding about the vault itself, or about a mailbox that the account may not see.
    if (!of_mailbox && !context.account().is_unrestricted()) continue;
    Html text = diagnosis_text(context, each);
    if (of_mailbox) text = link(alarm_place(each), escaped(each.about)) + escaped(": ") + text;
    all.push_back({text, each.level == vault::Level::Trouble});
  }
  if (all.empty()) return notice(w("overview.all-well"), Tone::Good);
  std::ranges::stable_sort(all, [](const Alarm& a, const Alarm& b) { return a.bad && !b.bad; });
  Html items;
  for (const Alarm& each : all)
    items += tag("li", {}, notice(each.text, each.bad ? Tone::Bad : Tone::Warning));
  return tag("ul", {{"class", "alarms"}, {"aria-label", w.plain("overview.alarms")}}, items);
}

Html keeper_card(const Context& context, const store::Health& health) {
  const Words& w = context.w;
  const Html state = !health.writable ? w("overview.keeper.read-only")
                     : health.full    ? w("overview.keeper.full")
                                      : w("overview.keeper.good");
  const Tone tone = !health.writable || health.full ? Tone::Bad : Tone::Good;
  return card(w("overview.keeper"), link("/about", state),
              w.counted("overview.commits.one", "overview.commits.many", health.commits), tone);
}

Html certificate_card(const Context& context) {
  const Words& w = context.w;
  const ConsoleOptions& options = context.console().options();
  if (!options.tls) return {};
  const auto tls = options.tls();
  if (!tls) return card(w("overview.certificate"), w("overview.certificate.none"), {}, Tone::Bad);
  const Micros left = (*tls)->not_after() - context.now();
  const Tone tone = left < 0 ? Tone::Bad : left < kCertificateSoon ? Tone::Warning : Tone::Good;
  return card(w("overview.certificate"), w.ago((*tls)->not_after(), context.now()),
              escaped(w.date((*tls)->not_after())), tone);
}

// Returns when the vault's history was last signed: the time of the newest Head entry among the
// newest 1000 entries; 0 if there is none.
Result<Micros> last_checkpoint(store::Store& store) {
  constexpr std::uint64_t kLookedAt = 1000;
  const auto head = store.history_head({});
  if (!head) return head.error();
  const std::uint64_t from = head->size > kLookedAt ? head->size - kLookedAt : 0;
  const auto leaves = store.history_read({}, from, kLookedAt);
  if (!leaves) return leaves.error();
  for (auto at = leaves->rbegin(); at != leaves->rend(); ++at) {
    const auto leaf = store::decode_leaf(*at);
    // An entry of a newer version is skipped; a damaged one is an error.
    if (!leaf && leaf.error().code() == Code::Version) continue;
    if (!leaf) return leaf.error();
    if (leaf->type == store::LeafType::Head) return leaf->time;
  }
  return Micros{0};
}

Html verify_card(const Context& context, const std::optional<vault::VerifyNote>& note) {
  const Words& w = context.w;
  constexpr std::string_view kPlace = "/events?type=verified";
  if (!note) return card(w("overview.verify"), link(kPlace, w("never")), w("overview.verify.help"));
  const bool whole = note->findings == 0;
  return card(w("overview.verify"), link(kPlace, w.ago(note->time, context.now())),
              whole ? w("overview.verify.whole")
                    : w.counted("overview.findings.one", "overview.findings.many", note->findings),
              whole ? Tone::Plain : Tone::Bad);
}

// The tone is that of the finding, so that the card and the warning above it agree.
Result<Html> disk_card(const Context& context, const store::Health& health) {
  const Words& w = context.w;
  const auto found =
      context.console().health().findings(context.store(), context.console().options().vault, context.now());
  if (!found) return found.error();
  Tone tone = health.full ? Tone::Bad : Tone::Plain;
  for (const vault::Diagnosis& each : **found)
    if (each.cause == vault::Cause::LittleRoom) tone = Tone::Warning;
  // A keeper of an older version does not tell the size.
  if (health.disk_bytes == 0)
    return card(w("overview.disk"), escaped(w.size(health.free_bytes)), w("overview.disk.free"), tone);
  const double used = 1 - static_cast<double>(health.free_bytes) / static_cast<double>(health.disk_bytes);
  const std::string label = w.plain("overview.disk.used", {{"share", w.percent(used)}});
  return card(w("overview.disk"), escaped(w.size(health.free_bytes)),
              w("overview.disk.free-of", {{"size", w.size(health.disk_bytes)}}) + meter(used, label), tone);
}

Result<Html> overview_numbers(const Context& context, const Seen& seen) {
  const Words& w = context.w;
  const vault::Totals& totals = seen.totals;
  std::vector<Html> all{
      card(w("overview.waiting"), link("/mailboxes", escaped(w.number(totals.live))),
           escaped(w.size(totals.live_bytes))),
      card(w("overview.mailboxes"), link("/mailboxes", escaped(w.number(seen.rows.size()))),
           w.counted("overview.accepted.one", "overview.accepted.many", totals.accepted)),
      card(w("overview.last-delivery"), link("/events", w.ago(totals.last_delivery, context.now()))),
      card(w("overview.last-drain"), link("/events", w.ago(totals.last_drain, context.now()))),
  };
  if (!context.account().is_unrestricted()) return cards(all);
  all.push_back(keeper_card(context, seen.health));
  const auto disk = disk_card(context, seen.health);
  if (!disk) return disk.error();
  all.push_back(*disk);
  all.push_back(certificate_card(context));
  const auto checkpoint = last_checkpoint(context.store());
  if (!checkpoint) return checkpoint.error();
  all.push_back(card(w("overview.checkpoint"), link("/events#checkpoint", w.ago(*checkpoint, context.now())),
                     w("overview.checkpoint.help")));
  const auto backup = vault::last_backup(context.store());
  if (!backup) return backup.error();
  all.push_back(
      card(w("overview.backup"),
           link("/events?type=backup", *backup ? w.ago((*backup)->time, context.now()) : w("never")),
           *backup ? escaped(w.size((*backup)->size)) : w("overview.backup.help")));
  const auto verify = vault::last_verify(context.store());
  if (!verify) return verify.error();
  all.push_back(verify_card(context, *verify));
  return cards(all);
}

Html quota_cell(const Words& w, const vault::MailboxRow& row) {
  if (row.record.quota == 0) return tag("span", {{"class", "quiet"}}, w("overview.no-quota"));
  const double share = static_cast<double>(row.stat.live_bytes) / static_cast<double>(row.record.quota);
  return meter(share, w.plain("overview.quota.used",
                              {{"share", w.percent(share)}, {"quota", w.size(row.record.quota)}}));
}

Html mailboxes_table(const Context& context, const Seen& seen) {
  const Words& w = context.w;
  std::vector<std::vector<Html>> rows;
  for (const vault::MailboxRow& row : seen.rows) {
    const bool active = row.record.status == store::Status::Active;
    Html name = link(box_path(row.record.name), escaped(row.record.name));
    if (!row.record.description.empty()) name += tag("small", {}, escaped(row.record.description));
    rows.push_back(
        {name, active ? pill(w("status.active"), Tone::Good) : pill(w("status.suspended"), Tone::Warning),
         escaped(w.number(row.stat.live)), escaped(w.size(row.stat.live_bytes)),
         row.stat.oldest == 0 ? w("none") : w.ago(row.stat.oldest, context.now()),
         w.ago(row.stat.last_delivery, context.now()), w.ago(row.stat.last_drain, context.now()),
         quota_cell(w, row)});
  }
  Html empty = tag("p", {}, w("overview.no-mailboxes"));
  if (context.may(vault::Role::Administrator))
    empty += link_button("/new-mailbox", w("overview.first-mailbox"), true);
  return section(w("overview.mailboxes"), table(w("overview.mailboxes"),
                                                {{w("overview.name")},
                                                 {w("overview.status")},
                                                 {w("overview.waiting"), true},
                                                 {w("overview.size"), true},
                                                 {w("overview.oldest")},
                                                 {w("overview.last-delivery")},
                                                 {w("overview.last-drain")},
                                                 {w("overview.quota")}},
                                                rows, empty));
}

Result<Html> servers_table(const Context& context) {
  if (!context.account().is_unrestricted()) return Html();
  const Words& w = context.w;
  const auto server_stats = context.store().server_stats();
  if (!server_stats) return server_stats.error();
  std::vector<std::vector<Html>> rows;
  for (const store::ServerStats& stats : *server_stats) {
    Html trouble = stats.trouble.empty() ? w("none") : trouble_text(context, stats.trouble);
    if (!stats.trouble.empty()) trouble += tag("small", {}, w.ago(stats.trouble_time, context.now()));
    rows.push_back({escaped(stats.of), escaped(w.number(stats.sessions)), escaped(w.number(stats.messages)),
                    escaped(w.size(stats.size)), escaped(w.number(stats.deferred)),
                    escaped(w.number(stats.refused)), escaped(w.number(stats.failed_logins)), trouble});
  }
  return section(w("overview.servers"), table(w("overview.servers"),
                                              {{w("overview.server")},
                                               {w("overview.sessions"), true},
                                               {w("messages.title"), true},
                                               {w("overview.size"), true},
                                               {w("overview.deferred"), true},
                                               {w("overview.refused"), true},
                                               {w("overview.failed-logins"), true},
                                               {w("overview.trouble")}},
                                              rows, w("overview.no-servers")));
}

Response show_overview(Context& context, const Request& request) {
  const auto seen = look_at_vault(context);
  if (!seen) return failed(context, request, seen.error());
  Html content;
  // All parts are built before any is used: one error makes the whole page an error page.
  for (const Result<Html>& part : {alarms(context, *seen), overview_numbers(context, *seen),
                                   traffic_section(context, request, seen->records, "/"),
                                   Result<Html>(mailboxes_table(context, *seen)), servers_table(context)}) {
    if (!part) return failed(context, request, part.error());
    content += *part;
  }
  PageParts parts;
  parts.title = context.w("nav.overview");
  parts.section = "/";
  parts.content = content;
  const std::string range(request.query.get("range").substr(0, 8));
  const std::string here = range.empty() ? "/" : "/?range=" + url_part(range);
  parts.actions = tag("span", {{"class", "quiet"}},
                      context.w("overview.as-of", {{"time", context.w.clock_second(context.now())}})) +
                  link_button(here, context.w("overview.reload"));
  parts.refresh_after = kRefresh;
  parts.refresh_live = true;
  parts.refresh_to = here + (range.empty() ? "?" : "&") + std::string(kUnattended) + "=1";
  return page(context, request, parts);
}

}  // namespace

void add_overview_pages(Routes& routes) {
  routes.push_back({"GET", "/", Access::Viewer, show_overview});
}

}  // namespace gw::web
