// The page that sends a test mail to a mailbox and shows the whole SMTP dialogue.
#include <algorithm>

#include "web/pages/pages.h"
#include "web/pages/test_delivery.h"
#include "web/pages/tls_report.h"
#include "web/pages/trouble.h"
#include "web/ui/layout.h"
#include "web/ui/widgets.h"

namespace gw::web {
namespace {

constexpr std::string_view kTestSection = "/mailboxes";

Html form_section(const Context& context, const std::vector<store::MailboxRecord>& mailboxes,
                  std::string_view mailbox, std::string_view server) {
  const Words& w = context.w;
  if (mailboxes.empty()) return tag("div", {{"class", "empty"}}, tag("p", {}, w("delivery.no-mailbox")));
  std::vector<Choice> boxes, places;
  for (const store::MailboxRecord& each : mailboxes) boxes.push_back({each.name, escaped(each.name)});
  for (const std::string& each : own_smtp_servers(context.console())) {
    // A listener is `address:port`, with `,tls` for implicit TLS.
    const std::string address = each.substr(0, each.find(','));
    places.push_back(
        {each, each == address ? escaped(address) : w("delivery.server.tls", {{"address", address}})});
  }
  return tag(
      "section", {{"class", "panel"}},
      tag("p", {}, w("delivery.text")) +
          form(context, "/test-delivery",
               select("mailbox", w("delivery.mailbox"), boxes, mailbox) +
                   select("server", w("delivery.server"), places, server) +
                   tag("p", {{"class", "onward"}},
                       button(w("delivery.send"), Tone::Good) + link_button("/mailboxes", w("do.cancel")))));
}

Response show_test(Context& context, const Request& request) {
  const auto mailboxes = context.mailboxes();
  if (!mailboxes) return failed(context, request, mailboxes.error());
  PageParts parts;
  parts.title = context.w("delivery.title");
  parts.section = kTestSection;
  parts.content = form_section(context, *mailboxes, request.query.get("mailbox"), "");
  return page(context, request, parts);
}

Html dialog_of(const smtpd::TestDelivery& done) {
  std::string text;
  for (const auto& line : done.dialog) text += (line.ours ? "→ " : "← ") + line.text + "\n";
  return tag("pre", {{"tabindex", "0"}}, escaped(text));
}

Response send_test(Context& context, const Request& request) {
  const Words& w = context.w;
  const auto mailbox = context.mailbox(request.form.get("mailbox"));
  if (!mailbox) return failed(context, request, mailbox.error());
  const auto all = own_smtp_servers(context.console());
  const std::string server(request.form.get("server"));
  // The form offers only the servers of this host; any other address would let a user connect to
  // hosts inside the network (SSRF).
  if (std::ranges::find(all, server) == all.end()) return refused(context, request, 400);
  const auto done = run_test_delivery(context, *mailbox, server);
  if (!done) return failed(context, request, done.error());

  Html content;
  if (!done->sent.trouble.empty()) {
    content +=
        notice(w("delivery.failed") + escaped(" ") + trouble_text(context, done->sent.trouble), Tone::Bad);
  } else if (!done->message) {
    content += notice(w("delivery.not-found"), Tone::Bad);
  } else {
    const std::string took = w.number(static_cast<std::uint64_t>(done->sent.took.count()));
    content += notice(w("delivery.arrived", {{"took", took}}), Tone::Good);
    const std::string id = done->message->hex();
    const std::string path = "/mailboxes/" + url_part(mailbox->name) + "/messages/" + id;
    content += section(w("delivery.message"), tag("a", {{"href", path}, {"class", "mono"}}, escaped(id)));
  }
  content += section(w("delivery.dialog"), dialog_of(done->sent));
  content += tls_sections(context, {done->sent.address, done->sent.tls, done->sent.certificate, false, {}});
  const auto mailboxes = context.mailboxes();
  if (!mailboxes) return failed(context, request, mailboxes.error());
  PageParts parts;
  parts.title = w("delivery.title");
  parts.section = kTestSection;
  parts.content = content + form_section(context, *mailboxes, mailbox->name, server);
  return page(context, request, parts);
}

}  // namespace

void add_test_delivery_pages(Routes& routes) {
  routes.push_back({"GET", "/test-delivery", Access::Operator, show_test});
  routes.push_back({"POST", "/test-delivery", Access::Operator, send_test});
}

}  // namespace gw::web
