// The overview: first what needs attention, then the numbers, the chart of traffic, the mailboxes
// and the servers.
#include <algorithm>
#include <array>

#include "store/store.h"
#include "vault/maintenance_log.h"
#include "vault/totals.h"
#include "web/diagnoses.h"
#include "web/pages/pages.h"
#include "web/pages/trouble.h"
#include "web/ui/chart.h"
#include "web/ui/layout.h"
#include "web/ui/widgets.h"

namespace gw::web {
namespace {

constexpr Micros kSecond = 1'000'000;
constexpr Micros kDay = Micros{86'400} * kSecond;
constexpr Micros kCertificateSoon = 14 * kDay;

// What the page shows, read once. Mailboxes that the account may not see are left out, also from
// the totals.
struct Seen {
  std::vector<vault::MailboxRow> rows;  // those that the account may see
  std::vector<store::MailboxRecord> records;
  vault::Totals totals;
  store::Health health;
};

Result<Seen> look(const Context& context) {
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

std::string mailbox_path(std::string_view name) {
  return "/mailboxes/" + std::string(name);
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
    if (of_mailbox) text = link(mailbox_path(each.about), escaped(each.about)) + escaped(": ") + text;
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
  return card(w("overview.keeper"), state,
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
  if (!note) return card(w("overview.verify"), w("never"), w("overview.verify.help"));
  const bool whole = note->findings == 0;
  return card(w("overview.verify"), w.ago(note->time, context.now()),
              whole ? w("overview.verify.whole")
                    : w.counted("overview.findings.one", "overview.findings.many", note->findings),
              whole ? Tone::Plain : Tone::Bad);
}

Result<Html> numbers(const Context& context, const Seen& seen) {
  const Words& w = context.w;
  const vault::Totals& totals = seen.totals;
  std::vector<Html> all{
      card(w("overview.waiting"), escaped(w.number(totals.live)), escaped(w.size(totals.live_bytes))),
      card(w("overview.mailboxes"), escaped(w.number(seen.rows.size())),
           w.counted("overview.accepted.one", "overview.accepted.many", totals.accepted)),
      card(w("overview.last-delivery"), w.ago(totals.last_delivery, context.now())),
      card(w("overview.last-drain"), w.ago(totals.last_drain, context.now())),
  };
  if (!context.account().is_unrestricted()) return cards(all);
  all.push_back(keeper_card(context, seen.health));
  all.push_back(card(w("overview.disk"), escaped(w.size(seen.health.free_bytes)), w("overview.disk.free"),
                     seen.health.full ? Tone::Bad : Tone::Plain));
  all.push_back(certificate_card(context));
  const auto checkpoint = last_checkpoint(context.store());
  if (!checkpoint) return checkpoint.error();
  all.push_back(
      card(w("overview.checkpoint"), w.ago(*checkpoint, context.now()), w("overview.checkpoint.help")));
  const auto backup = vault::last_backup(context.store());
  if (!backup) return backup.error();
  all.push_back(card(w("overview.backup"), *backup ? w.ago((*backup)->time, context.now()) : w("never"),
                     *backup ? escaped(w.size((*backup)->size)) : w("overview.backup.help")));
  const auto verify = vault::last_verify(context.store());
  if (!verify) return verify.error();
  all.push_back(verify_card(context, *verify));
  return cards(all);
}

// A range of the chart: `count` bars of `hours` hours each.
struct Range {
  std::string_view id;
  Text word;
  Text caption;
  std::size_t count;
  std::int64_t hours;
};
constexpr std::array<Range, 2> kRanges{{{"24h", "overview.range.24h", "overview.chart.24h", 24, 1},
                                        {"30d", "overview.range.30d", "overview.chart.30d", 30, 24}}};

// One pair of bars, with its texts.
struct Span {
  std::string label;  // short, of the axis
  std::string said;   // in full, for the tooltip and the table
  Traffic traffic;
};

std::vector<Span> spans_of(const Words& w, const Range& range, const std::vector<Traffic>& traffic,
                           Micros now) {
  std::vector<Span> spans;
  const Micros length = range.hours * 3600 * kSecond;
  const Micros present = now / length * length;
  for (std::size_t i = 0; i < traffic.size(); ++i) {
    const Micros begin = present - static_cast<Micros>(traffic.size() - 1 - i) * length;
    const std::string full = range.hours == 1 ? w.time(begin) : w.date(begin);
    // Labels at every third hour or fifth day, counted from the right, so that the current span has
    // one.
    const std::size_t every = range.hours == 1 ? 3 : 5;
    std::string label;  // short, for the axis
    if ((traffic.size() - 1 - i) % every == 0) label = range.hours == 1 ? w.clock(begin) : w.day(begin);
    spans.push_back({label, full, traffic[i]});
  }
  return spans;
}

Html chart_table(const Words& w, const Html& caption, const std::vector<Span>& spans) {
  std::vector<std::vector<Html>> rows;
  rows.reserve(spans.size());
  for (const Span& span : spans) {
    rows.push_back({escaped(span.said), escaped(w.number(span.traffic.messages_in)),
                    escaped(w.size(span.traffic.bytes_in)), escaped(w.number(span.traffic.messages_out)),
                    escaped(w.size(span.traffic.bytes_out))});
  }
  return tag("details", {{"class", "detail"}},
             tag("summary", {}, w("overview.chart.table")) + table(caption,
                                                                   {{w("overview.chart.when")},
                                                                    {w("overview.chart.messages-in"), true},
                                                                    {w("overview.chart.octets-in"), true},
                                                                    {w("overview.chart.messages-out"), true},
                                                                    {w("overview.chart.octets-out"), true}},
                                                                   rows, w("none")));
}

Html one_chart(const Words& w, std::string_view id, Text title, const std::vector<Span>& spans,
               std::uint64_t Traffic::*in, std::uint64_t Traffic::*out, bool data) {
  const auto written = [&](std::uint64_t value) { return data ? w.size(value) : w.number(value); };
  std::vector<Bar> bars;
  std::uint64_t all_in = 0;
  std::uint64_t all_out = 0;
  for (const Span& span : spans) {
    const std::uint64_t a = span.traffic.*in;
    const std::uint64_t b = span.traffic.*out;
    all_in += a;
    all_out += b;
    bars.push_back(
        {span.label,
         w.plain("overview.chart.said", {{"when", span.said}, {"in", written(a)}, {"out", written(b)}}), a,
         b});
  }
  return tag("h3", {}, w(title)) +
         bar_chart(id, w.plain(title),
                   w.plain("overview.chart.sums", {{"in", written(all_in)}, {"out", written(all_out)}}), bars,
                   written, data ? 1024 : 1000);
}

Result<Html> charts(const Context& context, const Request& request, const Seen& seen) {
  const Words& w = context.w;
  const Range& range = request.query.get("range") == kRanges[1].id ? kRanges[1] : kRanges[0];
  Activity& activity = context.console().activity();
  // Counts all mailboxes, whoever asks, because all accounts share the counters. What is shown is
  // limited below.
  const auto every = context.store().mailboxes();
  if (!every) return every.error();
  if (const auto done = activity.update(context.store(), *every, context.now()); !done) return done.error();
  const auto spans =
      spans_of(w, range, activity.last(seen.records, range.count, range.hours, context.now()), context.now());

  Html tabs;
  for (const Range& each : kRanges) {
    Attributes attributes{{"href", "/?range=" + std::string(each.id)}};
    if (each.id == range.id) attributes.emplace_back("aria-current", "true");
    tabs += tag("a", attributes, w(each.word));
  }
  Html inside = tag("div", {{"class", "heading"}},
                    tag("h2", {}, w("overview.traffic")) +
                        tag("nav", {{"class", "tabs"}, {"aria-label", w.plain("overview.range")}}, tabs));
  if (!activity.complete()) inside += notice(w("overview.counting"), Tone::Plain);
  inside += tag("ul", {{"class", "legend"}},
                tag("li", {}, w("overview.came")) + tag("li", {{"class", "out"}}, w("overview.went")));
  inside += tag("div", {{"class", "charts"}},
                tag("div", {},
                    one_chart(w, "chart-messages", "overview.chart.messages", spans, &Traffic::messages_in,
                              &Traffic::messages_out, false)) +
                    tag("div", {},
                        one_chart(w, "chart-octets", "overview.chart.octets", spans, &Traffic::bytes_in,
                                  &Traffic::bytes_out, true)));
  inside += chart_table(w, w(range.caption), spans);
  return tag("section", {{"class", "panel"}}, inside);
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
    Html name = link(mailbox_path(row.record.name), escaped(row.record.name));
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
  const auto seen = look(context);
  if (!seen) return failed(context, request, seen.error());
  Html content;
  // All parts are built before any is used: one error makes the whole page an error page.
  for (const Result<Html>& part :
       {alarms(context, *seen), numbers(context, *seen), charts(context, request, *seen),
        Result<Html>(mailboxes_table(context, *seen)), servers_table(context)}) {
    if (!part) return failed(context, request, part.error());
    content += *part;
  }
  PageParts parts;
  parts.title = context.w("nav.overview");
  parts.section = "/";
  parts.content = content;
  return page(context, request, parts);
}

}  // namespace

void add_overview_pages(Routes& routes) {
  routes.push_back({"GET", "/", Access::Viewer, show_overview});
}

}  // namespace gw::web
