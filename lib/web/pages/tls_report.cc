#include "web/pages/tls_report.h"

#include "web/pages/trouble.h"
#include "web/ui/widgets.h"

namespace gw::web {
namespace {

// With a pin, name and chain are not checked, so there is no verdict on them.
Html verdict_of(const Context& context, const TlsReport& report) {
  if (report.pinned) return pill(context.w("probe.verdict.pinned"), Tone::Plain);
  if (report.certificate->verdict.empty()) return pill(context.w("probe.verdict.good"), Tone::Good);
  return pill(context.w("probe.verdict.bad"), Tone::Bad) +
         tag("div", {}, trouble_text(context, report.certificate->verdict));
}

Html certificate_section(const Context& context, const TlsReport& report) {
  const Words& w = context.w;
  const net::ServerCertificate& shown = *report.certificate;
  return section(w("probe.certificate"),
                 facts({{w("probe.verdict"), verdict_of(context, report)},
                        {w("probe.subject"), escaped(shown.subject)},
                        {w("probe.issuer"), escaped(shown.issuer)},
                        {w("probe.names"), lines_of(shown.names, w("none"))},
                        {w("probe.valid"), w("probe.valid.span", {{"from", w.date(shown.not_before)},
                                                                  {"to", w.date(shown.not_after)}})},
                        {w("probe.sha256"), copyable(context, to_hex(shown.sha256))}}));
}

}  // namespace

Html lines_of(const std::vector<std::string>& values, const Html& none) {
  if (values.empty()) return none;
  Html all;
  for (const std::string& each : values) all += tag("div", {}, escaped(each));
  return all;
}

Html tls_sections(const Context& context, const TlsReport& report) {
  const Words& w = context.w;
  Html all;
  if (!report.address.empty()) {
    std::vector<std::pair<Html, Html>> rows{{w("probe.address"), escaped(report.address)}};
    if (report.tls) {
      rows.emplace_back(w("probe.version"), escaped(report.tls->version));
      rows.emplace_back(w("probe.cipher"), escaped(report.tls->cipher));
    } else {
      rows.emplace_back(w("route.tls"), pill(w("probe.no-tls"), Tone::Warning));
    }
    all += section(w("probe.connection"), facts(rows));
  }
  if (report.certificate) all += certificate_section(context, report);
  if (!report.capabilities.empty())
    all += section(w("probe.capabilities"), lines_of(report.capabilities, Html()));
  return all;
}

}  // namespace gw::web
