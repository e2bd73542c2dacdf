// All mailboxes, and a new one.
#include <algorithm>

#include "base/text.h"
#include "vault/mailbox_change.h"
#include "web/layout.h"
#include "web/mailbox_form.h"
#include "web/mailbox_parts.h"
#include "web/pages.h"
#include "web/widgets.h"

namespace gw::web {
namespace {

constexpr std::size_t kPage = 100;

Html list_filter(const Context& context, std::string_view wanted) {
  Field search{
      .name = "q", .label = context.w("mailboxes.search"), .value = std::string(wanted), .type = "search"};
  return tag("form", {{"method", "get"}, {"action", "/mailboxes"}, {"class", "filters"}, {"role", "search"}},
             field(search) + button(context.w("do.filter")));
}

bool fits(const store::MailboxRecord& record, const std::string& wanted) {
  return wanted.empty() || record.name.find(wanted) != std::string::npos ||
         lower(record.description).find(wanted) != std::string::npos;
}

std::vector<Html> row_of(const Context& context, const store::MailboxRecord& record,
                         const store::MailboxStat& stat) {
  const Words& w = context.w;
  const auto when = [&](Micros time) { return time == 0 ? w("never") : w.ago(time, context.now()); };
  Html name = link(mailbox_path(record.name), escaped(record.name));
  if (!record.description.empty()) name += tag("small", {}, escaped(record.description));
  Html size = escaped(w.size(stat.live_octets));
  if (record.quota != 0) {
    size += tag("small", {}, quota_meter(context, record, stat));
  }
  return {name,
          status_pills(context, record),
          escaped(w.number(stat.live)),
          size,
          stat.oldest == 0 ? escaped("–") : w.ago(stat.oldest, context.now()),
          when(stat.last_delivery),
          when(stat.last_drain)};
}

Response list(Context& context, const Request& request) {
  const Words& w = context.w;
  auto all = context.mailboxes();
  if (!all) return failed(context, request, all.error());
  const std::string wanted = lower(request.query.get("q").substr(0, 100));
  const std::string_view after = request.query.get("after");
  const bool any = !all->empty();
  std::erase_if(*all, [&](const store::MailboxRecord& r) { return !fits(r, wanted) || r.name <= after; });

  std::vector<std::vector<Html>> rows;
  for (std::size_t at = 0; at < std::min(all->size(), kPage); ++at) {
    const auto stat = context.store().stat((*all)[at].id);
    if (!stat && stat.error().code() == Code::NotFound) continue;
    if (!stat) return failed(context, request, stat.error());
    rows.push_back(row_of(context, (*all)[at], *stat));
  }
  const bool may_add = context.may(vault::Role::Administrator);
  Html empty = tag("p", {}, any ? w("mailboxes.none-fits") : w("mailboxes.none"));
  if (!any && may_add) empty += link_button("/new-mailbox", w("mailboxes.add"), true);
  PageParts parts;
  parts.title = w("mailboxes.title");
  if (may_add) parts.actions = link_button("/new-mailbox", w("mailboxes.add"), true);
  Html inside;
  if (any) inside += list_filter(context, request.query.get("q").substr(0, 100));
  inside += table(w("mailboxes.title"),
                  {{w("mailbox.name")},
                   {w("mailbox.status")},
                   {w("mailbox.waiting"), true},
                   {w("mailbox.size"), true},
                   {w("mailbox.oldest")},
                   {w("mailbox.last-delivery")},
                   {w("mailbox.last-drain")}},
                  rows, empty);
  if (all->size() > kPage) {
    std::string next = "/mailboxes?after=" + url_part((*all)[kPage - 1].name);
    if (!wanted.empty()) next += "&q=" + url_part(wanted);
    inside += tag("p", {{"class", "onward"}}, link_button(next, w("do.next")));
  }
  parts.content = tag("section", {{"class", "panel"}}, inside);
  return mailbox_page(context, request, parts);
}

// --- new

Response new_page(const Context& context, const Request& request, const MailboxText& text,
                  const std::optional<Wrong>& wrong) {
  const Words& w = context.w;
  PageParts parts;
  parts.title = w("mailboxes.add");
  parts.status = wrong ? 400 : 200;
  parts.content = tag(
      "div", {{"class", "panel"}},
      form(context, "/new-mailbox",
           mailbox_fields(context, text, wrong, false) +
               tag("div", {{"class", "onward"}},
                   button(w("mailboxes.add.do"), Tone::Good) + link_button("/mailboxes", w("do.cancel")))));
  return mailbox_page(context, request, parts);
}

Response show_new(Context& context, const Request& request) {
  MailboxText text;
  text.grace = "1";
  text.receipts = std::to_string(store::kReceipts / 86'400);
  text.trace = "auto";
  return new_page(context, request, text, std::nullopt);
}

Response made_page(const Context& context, const Request& request, const vault::MadeMailbox& made,
                   const vault::Settings& settings) {
  const Words& w = context.w;
  Html content;
  if (vault::open_to_guesses(made.record)) content += notice(w("mailbox.guessable"), Tone::Warning);
  content +=
      section(w("mailbox.made.address"), tag("p", {}, copyable(context, made.address)) +
                                             tag("p", {{"class", "quiet"}}, w("mailbox.address.help")));
  if (made.token) {
    content += section(w("mailbox.token"),
                       notice(w("once.warning"), Tone::Warning) +
                           tag("p", {{"class", "secret"}}, copyable(context, made.token->text())) +
                           tag("p", {{"class", "quiet"}}, w("mailbox.token.help")));
  }
  content += shown_once(context, w("mailbox.password"), made.password,
                        link_button(mailbox_path(made.record.name), w("mailbox.made.onward"), true));
  content += setup_sections(context, made.record, settings);
  PageParts parts;
  parts.title = w("mailbox.made", {{"name", made.record.name}});
  parts.content = content;
  parts.secret = true;
  return mailbox_page(context, request, parts);
}

Response add(Context& context, const Request& request) {
  const MailboxText text = text_of(request.form);
  const MailboxSaid said = said_of(context, text);
  if (said.wrong) return new_page(context, request, text, said.wrong);
  vault::NewMailbox wanted = vault::new_mailbox(said.change);
  wanted.smtp_auth = text.smtp_auth;
  const auto made = vault::add_mailbox(context.store(), wanted, std::nullopt, context.actor());
  if (!made && made.error().code() == Code::Exists)
    return new_page(context, request, text, taken(context, wanted.name, {}));
  if (!made) return failed(context, request, made.error());
  const auto settings = vault::read_settings(context.store());
  return made_page(context, request, *made, settings ? *settings : vault::Settings());
}

}  // namespace

void add_mailbox_pages(Routes& routes) {
  routes.push_back({"GET", "/mailboxes", Access::Viewer, list});
  routes.push_back({"GET", "/new-mailbox", Access::Administrator, show_new});
  routes.push_back({"POST", "/new-mailbox", Access::Administrator, add});
  add_one_mailbox_pages(routes);
  add_mailbox_key_pages(routes);
}

}  // namespace gw::web
