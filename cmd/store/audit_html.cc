// The report for auditors as a page: for the screen, for paper, and as the input of a PDF.
#include <algorithm>
#include <array>
#include <bit>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "base/text.h"
#include "store/audit.h"
#include "store/audit_texts.h"

namespace gw::cmd {
namespace {

constexpr std::array<std::string_view, 3> kCodes{"en", "it", "de"};

constexpr std::string_view kStyle = R"(
@page { size: A4; margin: 16mm 15mm 18mm; @bottom-right { content: counter(page) " / " counter(pages); font: 8pt sans-serif; color: #525d70; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px; max-width: 860px; color: #18202c; background: #fff;
  font: 14px/1.45 system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", "Liberation Sans", sans-serif; }
h1 { font-size: 24px; line-height: 1.25; margin: 0 0 12px; }
h2 { font-size: 17px; margin: 28px 0 8px; break-after: avoid; }
h3 { font-size: 14px; margin: 18px 0 6px; break-after: avoid; }
p { margin: 0 0 8px; }
table.about { margin: 0 0 16px; } .about th, .about td { padding: 1px 0; border: 0; }
.about th { width: 27%; padding-right: 16px; font-weight: 400; }
table.sums { table-layout: fixed; } .sums td:first-child { width: 38%; } .sums .n { width: 14%; }
.state { margin: 0 0 8px; padding: 8px 12px; border-left: 4px solid; }
.good { border-color: #17693a; background: #e2f4e8; } .warning { border-color: #7d4e00; background: #fdf1d8; }
.bad { border-color: #b1202a; background: #fde8e8; }
table { width: 100%; border-collapse: collapse; margin: 0 0 8px; }
th, td { text-align: left; vertical-align: top; padding: 4px 8px; border-bottom: 1px solid #d8dee8; overflow-wrap: anywhere; }
th { font-weight: 600; color: #525d70; } thead { display: table-header-group; } tr { break-inside: avoid; }
.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.t { white-space: nowrap; } .sum td { font-weight: 600; border-top: 1px solid #8a94a6; }
.quiet { color: #525d70; font-size: 13px; }
code, pre { font: 12px/1.4 ui-monospace, "DejaVu Sans Mono", "Liberation Mono", monospace; }
code { overflow-wrap: anywhere; }
pre { margin: 0 0 8px; padding: 8px 10px; background: #f4f6f9; white-space: pre-wrap; overflow-wrap: anywhere; }
svg { display: block; width: 100%; height: auto; break-inside: avoid; }
@media print { body { padding: 0; max-width: none; font-size: 9.5pt; } h1 { font-size: 17pt; } h2 { font-size: 12.5pt; }
  h3 { font-size: 10pt; } code, pre { font-size: 7.5pt; } .quiet { font-size: 8.5pt; }
  .state, pre { -webkit-print-color-adjust: exact; print-color-adjust: exact; } }
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

// Quotes a word for a shell if it needs it.
std::string shell_word(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+/=:@";
  return word.find_first_not_of(kPlain) == std::string::npos ? word : "'" + word + "'";
}

class Page {
 public:
  Page(const AuditDocument& document, AuditLanguage language, bool for_pdf)
      : document_(document),
        report_(document.report),
        language_(static_cast<std::size_t>(language)),
        pdf_(for_pdf) {}

  std::string html();

 private:
  using Values = std::vector<std::pair<std::string_view, std::string>>;
  std::string text(std::string_view id, const Values& values = {}) const;
  std::string number(std::uint64_t value) const;
  std::string number(std::int64_t value) const;
  std::string month() const;

  void head();
  void states();
  void balance();
  void chart();
  void actors();
  void events(const vault::AuditList& list, bool with_type);
  void evidence();
  void check();
  void data();

  void state(std::string_view kind, const std::string& said) {
    out_ += "<p class=\"state " + std::string(kind) + "\">" + said + "</p>\n";
  }
  void about(std::string_view id, const std::string& html) {
    out_ += "<tr><th>" + text(id) + "</th><td>" + html + "</td></tr>\n";
  }
  void row(const std::string& what, const std::string& number, const std::string& means) {
    out_ += "<tr><td>" + what + "</td><td class=\"n\">" + number + "</td><td class=\"quiet\">" + means +
            "</td></tr>\n";
  }
  void more(std::uint64_t total, std::size_t shown) {
    if (total > shown)
      out_ += "<p class=\"quiet\">" + text("more", {{"count", number(total - shown)}}) + "</p>\n";
  }

  const AuditDocument& document_;
  const vault::AuditReport& report_;
  std::size_t language_;
  bool pdf_;
  std::string out_;
};

std::string Page::text(std::string_view id, const Values& values) const {
  std::string_view found = id;
  for (const AuditText& each : kAuditTexts) {
    if (each.id != id) continue;
    found = language_ == 1 ? each.italian : language_ == 2 ? each.german : each.english;
    break;
  }
  std::string out = escaped(found);
  for (const auto& [name, value] : values) {
    const std::string mark = "{" + std::string(name) + "}";
    if (const std::size_t at = out.find(mark); at != std::string::npos)
      out.replace(at, mark.size(), escaped(value));
  }
  return out;
}

std::string Page::number(std::uint64_t value) const {
  std::string digits = std::to_string(value);
  const char mark = language_ == 0 ? ',' : '.';
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, mark);
  return digits;
}

std::string Page::number(std::int64_t value) const {
  return value < 0 ? "\u2212" + number(static_cast<std::uint64_t>(-value))
                   : number(static_cast<std::uint64_t>(value));
}

std::string Page::month() const {
  const std::size_t which =
      static_cast<std::size_t>(parse_number(report_.period.name.substr(5)).value_or(1)) - 1;
  return std::string(kAuditMonths[language_][which]) + " " + report_.period.name.substr(0, 4);
}

void Page::head() {
  out_ += "<!doctype html>\n<html lang=\"" + std::string(kCodes[language_]) +
          "\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          // The page loads nothing and runs nothing.
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
          "'unsafe-inline'\">\n"
          "<title>" +
          escaped(report_.name) + " " + escaped(report_.period.name) + "</title>\n<style>" +
          std::string(kStyle) + "</style>\n</head>\n<body>\n<h1>" + text("title") +
          "</h1>\n<table class=\"about\">\n<tbody>\n";
  about("mailbox", "<strong>" + escaped(report_.name) + "</strong> <span class=\"quiet\">" +
                       report_.mailbox.hex() + "</span>");
  about("period", text("period.utc", {{"month", month()}}));
  about("made", escaped(shown_time(report_.made)));
  about("vault", report_.vault.hex());
  out_ += "</tbody>\n</table>\n";
}

void Page::states() {
  if (!report_.findings.empty()) {
    state("bad", text("state.findings"));
    out_ += "<ul>\n";
    for (const std::string& finding : report_.findings)
      out_ += "<li>" + escaped(valid_text(finding)) + "</li>\n";
    out_ += "</ul>\n";
  } else if (report_.note.empty()) {
    state("warning", text("state.unsigned"));
  } else if (report_.covered == report_.entries) {
    state("good", text("state.good"));
  }
  if (!report_.note.empty() && report_.covered < report_.entries)
    state("warning", text("state.uncovered", {{"count", number(report_.entries - report_.covered)}}));
  if (report_.gaps.total > 0) state("warning", text("state.gaps"));
  if (report_.period.end > report_.made) state("warning", text("state.running"));
}

void Page::balance() {
  const vault::AuditCounts& counts = report_.counts;
  out_ += "<h2>" + text("balance") + "</h2>\n<table class=\"sums\">\n<tbody>\n";
  row(text("balance.before"), number(report_.before.remaining()), "");
  row("+ " + text("accepted"), number(counts.accepted),
      text("means.accepted", {{"bytes", format_size(counts.accepted_bytes)}}));
  row("\u2212 " + text("removed"), number(counts.removed), text("means.removed"));
  row("\u2212 " + text("expired"), number(counts.expired), text("means.expired"));
  if (counts.discarded > 0)
    row("\u2212 " + text("discarded"), number(counts.discarded), text("means.discarded"));
  out_ += "<tr class=\"sum\"><td>" +
          text(report_.period.end > report_.made ? "balance.now" : "balance.after") +
          "</td><td class=\"n\">" + number(report_.before.remaining() + counts.remaining()) +
          "</td><td></td></tr>\n</tbody>\n</table>\n";
  out_ += "<table class=\"sums\">\n<tbody>\n";
  row(text("drained"), number(counts.drained), text("means.drained"));
  row(text("exported"), number(counts.exported), text("means.exported"));
  if (counts.undeleted > 0) row(text("undeleted"), number(counts.undeleted), text("means.undeleted"));
  if (counts.quarantined > 0) row(text("quarantined"), number(counts.quarantined), text("means.quarantined"));
  if (counts.released > 0) row(text("released"), number(counts.released), text("means.released"));
  row(text("refused"), number(counts.refused), text("means.refused"));
  out_ += "</tbody>\n</table>\n";
}

// Returns the smallest of 1, 2, 4 or 8 times a power of ten that is at least `value`.
std::uint64_t axis_end(std::uint64_t value) {
  for (std::uint64_t power = 1; power < std::uint64_t{1} << 59; power *= 10)
    for (const std::uint64_t factor : {1, 2, 4, 8})
      if (power * factor >= value) return power * factor;
  return value;
}

// Three bars for each day. The colours differ in lightness too, so that they differ on paper.
void Page::chart() {
  struct Series {
    std::string_view id, colour;
  };
  constexpr std::array<Series, 3> kSeries{Series{"accepted", "#2456c8"}, Series{"drained", "#e09a3e"},
                                          Series{"removals", "#5b2a6e"}};
  constexpr int kLeft = 62;
  constexpr int kWidth = 800;
  constexpr int kTop = 34;
  constexpr int kBottom = 214;
  const auto value = [](const vault::AuditCounts& day, std::size_t series) {
    return series == 0 ? day.accepted : series == 1 ? day.drained : day.removed + day.expired;
  };
  std::uint64_t most = 1;
  for (const vault::AuditCounts& day : report_.days)
    for (std::size_t series = 0; series < kSeries.size(); ++series) most = std::max(most, value(day, series));
  const std::uint64_t end = axis_end(most);
  const auto y = [&](double part) { return kBottom - part * (kBottom - kTop); };
  const auto text_of = [](double number) {
    std::string digits = std::to_string(number);
    return digits.substr(0, digits.find('.') + 2);
  };
  out_ += "<h2>" + text("chart") + "</h2>\n<svg viewBox=\"0 0 " + std::to_string(kWidth) +
          " 240\" role=\"img\" font-family=\"sans-serif\" font-size=\"11\" fill=\"#525d70\">\n<title>" +
          text("chart") + "</title>\n";
  int legend = kLeft;
  for (const Series& series : kSeries) {
    const std::string name = text(series.id);
    out_ += "<rect x=\"" + std::to_string(legend) + "\" y=\"6\" width=\"10\" height=\"10\" fill=\"" +
            std::string(series.colour) + "\"/><text x=\"" + std::to_string(legend + 15) + "\" y=\"15\">" +
            name + "</text>\n";
    legend += 40 + static_cast<int>(name.size()) * 7;
  }
  const std::uint64_t lines = end < 4 ? end : 4;
  for (std::uint64_t line = 0; line <= lines; ++line) {
    const std::string at = text_of(y(static_cast<double>(line) / static_cast<double>(lines)));
    // Lines that are not at a whole number get no text.
    const std::uint64_t shown = end * line / lines;
    out_ += "<line x1=\"" + std::to_string(kLeft) + "\" x2=\"" + std::to_string(kWidth) + "\" y1=\"" + at +
            "\" y2=\"" + at + "\" stroke=\"#d8dee8\"/>";
    if (end * line % lines == 0)
      out_ += "<text x=\"" + std::to_string(kLeft - 6) + "\" y=\"" +
              text_of(y(static_cast<double>(line) / static_cast<double>(lines)) + 4) +
              "\" text-anchor=\"end\">" + number(shown) + "</text>";
    out_ += "\n";
  }
  const double step = static_cast<double>(kWidth - kLeft) / static_cast<double>(report_.days.size());
  for (std::size_t day = 0; day < report_.days.size(); ++day) {
    const double left = kLeft + step * static_cast<double>(day);
    out_ += "<g><title>" + report_.period.name + "-" + (day < 9 ? "0" : "") + std::to_string(day + 1);
    for (std::size_t series = 0; series < kSeries.size(); ++series)
      out_ += ", " + text(kSeries[series].id) + " " + number(value(report_.days[day], series));
    out_ += "</title>";
    for (std::size_t series = 0; series < kSeries.size(); ++series) {
      const std::uint64_t count = value(report_.days[day], series);
      if (count == 0) continue;
      const double top = y(static_cast<double>(count) / static_cast<double>(end));
      out_ += "<rect x=\"" + text_of(left + 2 + static_cast<double>(series) * (step - 4) / 3) + "\" y=\"" +
              text_of(std::min(top, kBottom - 1.0)) + "\" width=\"" + text_of((step - 4) / 3) +
              "\" height=\"" + text_of(std::max(kBottom - top, 1.0)) + "\" fill=\"" +
              std::string(kSeries[series].colour) + "\"/>";
    }
    out_ += "</g><text x=\"" + text_of(left + step / 2) + "\" y=\"230\" text-anchor=\"middle\">" +
            std::to_string(day + 1) + "</text>\n";
  }
  out_ += "</svg>\n";
}

void Page::actors() {
  out_ += "<h2>" + text("actors") + "</h2>\n";
  if (report_.actors.empty()) {
    out_ += "<p>" + text("none") + "</p>\n";
    return;
  }
  // Columns without a number are left out.
  constexpr std::array<std::pair<std::string_view, std::uint64_t vault::AuditCounts::*>, 10> kColumns{{
      {"accepted", &vault::AuditCounts::accepted},
      {"drained", &vault::AuditCounts::drained},
      {"exported", &vault::AuditCounts::exported},
      {"removed", &vault::AuditCounts::removed},
      {"expired", &vault::AuditCounts::expired},
      {"discarded", &vault::AuditCounts::discarded},
      {"undeleted", &vault::AuditCounts::undeleted},
      {"quarantined", &vault::AuditCounts::quarantined},
      {"released", &vault::AuditCounts::released},
      {"refused", &vault::AuditCounts::refused},
  }};
  out_ += "<table>\n<thead><tr><th>" + text("actors.who") + "</th>";
  for (const auto& [id, field] : kColumns)
    if (report_.counts.*field > 0) out_ += "<th class=\"n\">" + text(id) + "</th>";
  out_ += "</tr></thead>\n<tbody>\n";
  for (const vault::AuditActor& actor : report_.actors) {
    out_ += "<tr><td>" + (actor.who == "others" ? text("others") : escaped(printable(actor.who))) + "</td>";
    for (const auto& [id, field] : kColumns) {
      const std::uint64_t count = actor.counts.*field;
      if (report_.counts.*field > 0) out_ += "<td class=\"n\">" + (count == 0 ? "" : number(count)) + "</td>";
    }
    out_ += "</tr>\n";
  }
  out_ += "</tbody>\n</table>\n<p class=\"quiet\">" + text("actors.note") + "</p>\n";
}

void Page::events(const vault::AuditList& list, bool with_type) {
  if (list.events.empty()) {
    out_ += "<p>" + text("none") + "</p>\n";
    return;
  }
  out_ += "<table>\n<thead><tr><th>" + text("time") + "</th><th class=\"n\">" + text("entry") + "</th>";
  if (with_type) out_ += "<th>" + text("type") + "</th>";
  out_ += "<th>" + text("who") + "</th></tr></thead>\n<tbody>\n";
  for (const vault::AuditEvent& event : list.events) {
    out_ += "<tr><td class=\"t\">" + escaped(shown_time(event.time)) + "</td><td class=\"n\">" +
            number(event.index) + "</td>";
    if (with_type) out_ += "<td>" + escaped(event.type) + "</td>";
    out_ += "<td>" + escaped(printable(event.actor)) + "</td></tr>\n";
  }
  out_ += "</tbody>\n</table>\n";
  more(list.total, list.events.size());
}

void Page::evidence() {
  out_ += "<h2>" + text("evidence") + "</h2>\n<table class=\"about\">\n<tbody>\n";
  const std::uint64_t last = report_.first + report_.entries;
  about("evidence.entries", report_.entries == 0
                                ? text("none")
                                : text("evidence.range", {{"count", number(report_.entries)},
                                                          {"first", number(report_.first)},
                                                          {"last", number(last - 1)},
                                                          {"covered", number(report_.covered)}}));
  if (report_.head)
    about("evidence.size", text("evidence.size.text", {{"count", number(report_.size)}}) + " <code>" +
                               to_hex(report_.root) + "</code>");
  if (!report_.verifier.empty()) about("evidence.verifier", "<code>" + escaped(report_.verifier) + "</code>");
  if (report_.note.empty()) about("evidence.note", text("evidence.unsigned"));
  if (document_.timestamp)
    about("evidence.timestamp",
          text("evidence.timestamp.text", {{"time", shown_time(document_.timestamp->says.time)}}));
  else
    about("evidence.timestamp", text("evidence.untimed"));
  out_ += "</tbody>\n</table>\n";
  if (!report_.note.empty())
    out_ += "<h3>" + text("evidence.note") + "</h3>\n<pre>" + escaped(report_.note) + "</pre>\n";

  out_ += "<h3>" + text("verifications") + "</h3>\n";
  events(report_.verifications, false);
  out_ += "<h3>" + text("checkpoints") + "</h3>\n";
  if (report_.checkpoints.events.empty()) {
    out_ += "<p>" + text("none") + "</p>\n";
  } else {
    out_ += "<table>\n<thead><tr><th>" + text("time") + "</th><th class=\"n\">" + text("size") + "</th><th>" +
            text("root") + "</th></tr></thead>\n<tbody>\n";
    for (const vault::AuditEvent& event : report_.checkpoints.events)
      out_ += "<tr><td class=\"t\">" + escaped(shown_time(event.time)) + "</td><td class=\"n\">" +
              number(event.value) + "</td><td><code>" + to_hex(event.root) + "</code></td></tr>\n";
    out_ += "</tbody>\n</table>\n";
    more(report_.checkpoints.total, report_.checkpoints.events.size());
  }
}

void Page::check() {
  out_ += "<h2>" + text("check") + "</h2>\n";
  if (report_.note.empty() || !report_.head) {
    out_ += "<p>" + text("state.unsigned") + "</p>\n";
    return;
  }
  const std::string base = report_.name + "-" + report_.period.name;
  const std::string file = shell_word(base + (pdf_ ? ".json" : ".html"));
  const auto command = [&](const std::string& line) { out_ += "<pre>" + escaped(line) + "</pre>\n"; };
  out_ += "<p>" + text("check.text") + "</p>\n";
  if (pdf_) out_ += "<p>" + text("check.pdf") + "</p>\n";
  out_ += "<p>" + text("check.signature") + "</p>\n";
  command("python3 verify-proof " + file + " --key KEY");
  out_ += "<p>" + text("check.count") + "</p>\n";
  command("python3 verify-proof " + shell_word(base + ".json") + " --key KEY --history " +
          shell_word(base + ".history"));
  out_ += "<p>" + text("check.operator") + "</p>\n";
  command("gw-store report " + shell_word(report_.name) + " --period " + report_.period.name +
          " --format json \\\n    --history " + shell_word(base + ".history") + " --output " +
          shell_word(base + ".json"));
  if (!document_.timestamp) return;
  out_ += "<p>" + text("check.timestamp") + "</p>\n";
  command("python3 verify-proof " + file + " --key KEY --extract " + shell_word(base) +
          "\nopenssl ts -verify -data " + shell_word(base + ".note") + " -in " + shell_word(base + ".tsr") +
          " -CAfile CA.pem");
}

// What verify-proof reads. A browser does not run this type, and `<` cannot end it early.
void Page::data() {
  std::string json =
      audit_json(document_).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  for (std::size_t at = json.find('<'); at != std::string::npos; at = json.find('<', at))
    json.replace(at, 1, "\\u003c");
  out_ += "<script type=\"application/json\" id=\"gw-report\">" + json + "</script>\n";
}

std::string Page::html() {
  head();
  states();
  balance();
  chart();
  actors();
  out_ += "<h2>" + text("changes") + "</h2>\n";
  events(report_.changes, true);
  out_ += "<h2>" + text("gaps") + "</h2>\n";
  events(report_.gaps, false);
  out_ += "<p class=\"quiet\">" + text("gaps.note") + "</p>\n";
  evidence();
  check();
  if (!pdf_) data();
  out_ += "</body>\n</html>\n";
  return std::move(out_);
}

}  // namespace

std::span<const std::string_view> audit_languages() {
  return kCodes;
}

std::string audit_html(const AuditDocument& document, AuditLanguage language, bool for_pdf) {
  return Page(document, language, for_pdf).html();
}

}  // namespace gw::cmd
