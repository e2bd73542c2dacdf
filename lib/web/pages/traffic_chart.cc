#include "web/pages/traffic_chart.h"

#include <array>

#include "web/console.h"
#include "web/ui/chart.h"
#include "web/ui/widgets.h"

namespace gw::web {
namespace {

constexpr Micros kChartSecond = 1'000'000;

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
  const Micros length = range.hours * 3600 * kChartSecond;
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

}  // namespace

Result<Html> traffic_section(const Context& context, const Request& request,
                             std::span<const store::MailboxRecord> mailboxes, const std::string& path) {
  const Words& w = context.w;
  const Range& range = request.query.get("range") == kRanges[1].id ? kRanges[1] : kRanges[0];
  Activity& activity = context.console().activity();
  // Counts all mailboxes, whatever the account may see, because all accounts share the counters. What
  // is shown is limited below.
  const auto every = context.store().mailboxes();
  if (!every) return every.error();
  if (const auto done = activity.update(context.store(), *every, context.now()); !done) return done.error();
  const auto spans =
      spans_of(w, range, activity.last(mailboxes, range.count, range.hours, context.now()), context.now());

  Html tabs;
  for (const Range& each : kRanges) {
    Attributes attributes{{"href", path + "?range=" + std::string(each.id)}};
    if (each.id == range.id) attributes.emplace_back("aria-current", "true");
    tabs += tag("a", attributes, w(each.word));
  }
  Html inside = tag("div", {{"class", "heading"}},
                    tag("h2", {}, w("overview.traffic")) +
                        tag("nav", {{"class", "tabs"}, {"aria-label", w.plain("overview.range")}}, tabs));
  if (!activity.complete()) inside += notice(w("overview.counting"), Tone::Plain);
  inside += tag("ul", {{"class", "legend"}},
                tag("li", {}, w("overview.came")) + tag("li", {{"class", "out"}}, w("overview.went")) +
                    tag("li", {{"class", "zone"}},
                        w(range.hours == 1 ? Text("overview.chart.hours") : Text("overview.chart.days"))));
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

}  // namespace gw::web
