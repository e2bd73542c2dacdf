// The list of mailboxes, and the pages that create one.
#include <algorithm>

#include "base/text.h"
#include "vault/mailbox_settings.h"
#include "web/pages/mailbox_form.h"
#include "web/pages/mailbox_parts.h"
#include "web/pages/pages.h"
#include "web/ui/layout.h"
#include "web/ui/widgets.h"

namespace gw::web {
namespace {

constexpr std::size_t kMailboxesPage = 100;

Html mailbox_filter(const Context& context, std::string_view wanted) {
  Field search{
      .name = "q", .label = context.w("mailboxes.search"), .value = std::string(wanted), .type = "search"};
  return filter_form(context, "/mailboxes", !wanted.empty(), field(search));
}

// `wanted` is in lower case; so are names of mailboxes.
bool fits(const store::MailboxRecord& record, const std::string& wanted) {
  return wanted.empty() || record.name.find(wanted) != std::string::npos ||
         lower(record.description).find(wanted) != std::string::npos;
}

std::vector<Html> mailbox_row(const Context& context, const store::MailboxRecord& record,
                              const store::MailboxStat& stat) {
  const Words& w = context.w;
  const auto when = [&](Micros time) { return time == 0 ? w("never") : w.ago(time, context.now()); };
  Html name = link(mailbox_path(record.name), escaped(record.name));
  if (!record.description.empty()) name += tag("small", {}, escaped(record.description));
  Html size = escaped(w.size(stat.live_bytes));
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

Response list_mailboxes(Context& context, const Request& request) {
  const Words& w = context.w;
  auto all = context.mailboxes();
  if (!all) return failed(context, request, all.error());
  const std::string wanted = lower(request.query.get("q").substr(0, 100));
  const std::string_view after = request.query.get("after");
  const bool any = !all->empty();
  std::erase_if(*all, [&](const store::MailboxRecord& r) { return !fits(r, wanted); });
  const std::size_t count = all->size();
  // Pages continue by name rather than by number, so that a mailbox that is created or removed
  // meanwhile shifts nothing.
  std::erase_if(*all, [&](const store::MailboxRecord& r) { return r.name <= after; });

  std::vector<std::vector<Html>> rows;
  for (std::size_t at = 0; at < std::min(all->size(), kMailboxesPage); ++at) {
    const auto stat = context.store().stat((*all)[at].id);
    // The mailbox was removed after the list was read.
    if (!stat && stat.error().code() == Code::NotFound) continue;
    if (!stat) return failed(context, request, stat.error());
    rows.push_back(mailbox_row(context, (*all)[at], *stat));
  }
  const bool may_add = context.may(vault::Role::Administrator);
  Html empty = tag("p", {}, any ? w("mailboxes.none-fits") : w("mailboxes.none"));
  if (!any && may_add) empty += link_button("/new-mailbox", w("mailboxes.add"), true);
  PageParts parts;
  parts.title = w("mailboxes.title");
  if (may_add) parts.actions = link_button("/new-mailbox", w("mailboxes.add"), true);
  Html inside;
  if (any) inside += mailbox_filter(context, request.query.get("q").substr(0, 100));
  if (any)
    inside += tag("p", {{"class", "quiet"}}, w.counted("mailboxes.count.one", "mailboxes.count.many", count));
  inside += table(w("mailboxes.title"),
                  {{w("mailbox.name")},
                   {w("mailbox.status")},
                   {w("mailbox.waiting"), true},
                   {w("mailbox.size"), true},
                   {w("mailbox.oldest")},
                   {w("mailbox.last-delivery")},
                   {w("mailbox.last-drain")}},
                  rows, empty);
  if (all->size() > kMailboxesPage) {
    std::string next = "/mailboxes?after=" + url_part((*all)[kMailboxesPage - 1].name);
    if (!wanted.empty()) next += "&q=" + url_part(wanted);
    inside += tag("p", {{"class", "onward"}}, link_button(next, w("do.next")));
  }
  parts.content = tag("section", {{"class", "panel"}}, inside);
  return mailbox_page(context, request, parts);
}

Response new_mailbox_page(const Context& context, const Request& request, const MailboxText& text,
                          const std::optional<FormError>& wrong) {
  const Words& w = context.w;
  PageParts parts;
  parts.title = w("mailboxes.add");
  parts.status = wrong ? 400 : 200;
  parts.content =
      tag("div", {{"class", "panel"}},
          form(context, "/new-mailbox",
               mailbox_fields(context, text, wrong, false) +
                   tag("div", {{"class", "onward"}},
                       button(w("do.continue"), Tone::Good) + link_button("/mailboxes", w("do.cancel")))));
  return mailbox_page(context, request, parts);
}

Response show_new_mailbox(Context& context, const Request& request) {
  MailboxText text;
  text.grace = "1";
  text.receipts = std::to_string(store::kReceipts / 86'400);
  text.trace = "auto";
  return new_mailbox_page(context, request, text, std::nullopt);
}

// The second step: the fields are valid, and this page shows the password and sender token that
// will be in force. Nothing is created yet, so a user who leaves here leaves nothing behind.
Response secrets_page(const Context& context, const Request& request, const MailboxText& text,
                      const std::string& wrong) {
  const Words& w = context.w;
  Secret password = request.form.secret("password");
  // The client may send anything as the password of the previous form.
  if (!vault::check_password(password)) password = vault::generate_password();
  Html inside;
  for (const auto& [name, value] : fields_of(text)) inside += hidden(name, value);
  if (text.smtp_auth) {
    Secret token = request.form.secret("token");
    if (!vault::check_token(token)) token = vault::generate_token();
    inside += proposed_secret(context, "token", w("mailbox.token"), token) +
              tag("p", {{"class", "quiet"}}, w("mailbox.token.help"));
  }
  inside += proposed_secret(context, "password", w("mailbox.password"), password);
  if (!wrong.empty()) inside += notice(escaped(wrong), Tone::Bad);
  inside += tag("div", {{"class", "onward"}},
                button(w("mailboxes.add.do"), Tone::Good) + link_button("/mailboxes", w("do.cancel")));
  PageParts parts;
  parts.title = w("mailbox.new.secrets", {{"name", text.name}});
  parts.status = wrong.empty() ? 200 : 400;
  parts.content = form(context, "/new-mailbox", inside);
  parts.secret = true;
  return mailbox_page(context, request, parts);
}

Response add_mailbox(Context& context, const Request& request) {
  const MailboxText text = text_of(request.form);
  const MailboxSaid said = parse_form(context, text);
  if (said.wrong) return new_mailbox_page(context, request, text, said.wrong);
  const vault::NewMailbox wanted{said.settings};
  // A name that is taken is reported before the secrets are shown. Another request may still take
  // it first; then add_mailbox() fails with Exists.
  if (vault::find_mailbox(context.store(), text.name))
    return new_mailbox_page(context, request, text, taken(context, text.name, {}));
  if (!request.form.has("password")) return secrets_page(context, request, text, {});
  std::optional<Secret> password = kept_secret(request, "password");
  std::optional<Secret> token = kept_secret(request, "token");
  if (!password || (text.smtp_auth && !token))
    return secrets_page(context, request, text, context.w.plain("once.not-kept"));
  if (!text.smtp_auth) token.reset();
  const auto made =
      vault::add_mailbox(context.store(), wanted, std::move(*password), context.actor(), std::move(token));
  if (!made && made.error().code() == Code::Exists)
    return new_mailbox_page(context, request, text, taken(context, text.name, {}));
  if (!made && made.error().code() == Code::BadInput) return refused(context, request, 400);
  if (!made) return failed(context, request, made.error());
  return redirect(mailbox_path(made->record.name) + "?done=mailbox-made");
}

}  // namespace

void add_mailbox_pages(Routes& routes) {
  routes.push_back({"GET", "/mailboxes", Access::Viewer, list_mailboxes});
  routes.push_back({"GET", "/new-mailbox", Access::Administrator, show_new_mailbox});
  routes.push_back({"POST", "/new-mailbox", Access::Administrator, add_mailbox});
  add_one_mailbox_pages(routes);
  add_mailbox_key_pages(routes);
}

}  // namespace gw::web
