// The list of a mailbox's messages, which needs no password, and changes to several of them.
#include "base/text.h"
#include "vault/message_change.h"
#include "vault/message_list.h"
#include "web/pages/mailbox_parts.h"
#include "web/pages/message_pages.h"
#include "web/pages/message_parts.h"
#include "web/ui/widgets.h"

namespace gw::web {
namespace {

constexpr std::size_t kPage = 50;
constexpr std::size_t kMaxLookedAt = 20'000;
constexpr std::size_t kMaxChanged = 200;
constexpr Micros kDay = Micros{86'400} * 1'000'000;

// The filter as the user typed it, and as it is applied.
struct Filter {
  std::string state, since, until;  // as typed
  std::optional<store::State> only;
  std::optional<Micros> from, to;
  bool wrong = false;
};

// Reads the filter. A date in `until` means the whole of that day.
Filter filter_of(const Fields& query) {
  Filter filter;
  filter.state = query.get("state");
  filter.since = query.get("since").substr(0, 40);
  filter.until = query.get("until").substr(0, 40);
  filter.only = store::parse_state(filter.state);
  filter.from = parse_time(filter.since);
  if (const auto day = parse_time(filter.until)) filter.to = *day + (filter.until.size() == 10 ? kDay : 0);
  filter.wrong = (!filter.since.empty() && !filter.from) || (!filter.until.empty() && !filter.to);
  return filter;
}

bool fits(const Filter& filter, const store::MessageRecord& record) {
  return (!filter.only || record.state == *filter.only) &&
         (!filter.from || record.received >= *filter.from) && (!filter.to || record.received < *filter.to);
}

std::string query_of(const Filter& filter, std::uint64_t before) {
  std::string query = "?before=" + std::to_string(before);
  for (const auto& [name, value] :
       {std::pair("state", &filter.state), {"since", &filter.since}, {"until", &filter.until}})
    if (!value->empty()) query += "&" + std::string(name) + "=" + url_part(*value);
  return query;
}

Html filter_form(const Context& context, const std::string& path, const Filter& filter) {
  const Words& w = context.w;
  Field since{.name = "since", .label = w("messages.since"), .value = filter.since, .type = "date"};
  Field until{.name = "until", .label = w("messages.until"), .value = filter.until, .type = "date"};
  return tag("form", {{"method", "get"}, {"action", path}, {"class", "filters"}, {"role", "search"}},
             select("state", w("messages.state"),
                    {{"", w("messages.state.all")},
                     {"live", w("state.live")},
                     {"unconfirmed", w("state.unconfirmed")},
                     {"pending", w("state.pending")},
                     {"drained", w("state.drained")},
                     {"quarantined", w("state.quarantined")}},
                    filter.only ? filter.state : "") +
                 field(since) + field(until) + button(w("do.filter")));
}

Html message_table(const Context& context, const std::string& path,
                   const std::vector<store::MessageRecord>& records, bool choose, const Html& empty) {
  const Words& w = context.w;
  std::vector<std::vector<Html>> rows;
  for (const store::MessageRecord& record : records) {
    const std::string id = record.id.hex();
    std::vector<Html> row;
    if (choose) {
      row.push_back(tag("input", {{"type", "checkbox"},
                                  {"name", "id"},
                                  {"value", id},
                                  {"aria-label", w.plain("messages.choose", {{"id", id}})}}));
    }
    row.push_back(link(path + "/" + id, w.at(record.received)));
    row.push_back(escaped(w.size(record.size)));
    row.push_back(state_pill(context, record.state));
    row.push_back(tag("code", {}, escaped(id)));
    rows.push_back(std::move(row));
  }
  std::vector<Column> columns;
  if (choose) columns.push_back({tag("span", {{"class", "unseen"}}, w("messages.chosen"))});
  columns.push_back({w("message.received")});
  columns.push_back({w("message.size"), true});
  columns.push_back({w("messages.state")});
  columns.push_back({w("message.id")});
  return table(w("messages.title"), columns, rows, empty);
}

Html change_buttons(const Context& context) {
  const auto one = [&](const char* change, Text word, const char* look) {
    return tag("button", {{"type", "submit"}, {"name", "change"}, {"value", change}, {"class", look}},
               context.w(word));
  };
  return tag("div", {{"class", "onward"}},
             one("quarantine", "message.quarantine", "button") + one("restore", "message.restore", "button") +
                 one("remove", "do.remove", "button danger"));
}

Response list(Context& context, const Request& request) {
  const Words& w = context.w;
  const auto mailbox = context.mailbox(request.parameter("name"));
  if (!mailbox) return failed(context, request, mailbox.error());
  const Filter filter = filter_of(request.query);
  const std::uint64_t before = parse_number(request.query.get("before")).value_or(0);
  const auto found =
      vault::messages_before(context.store(), mailbox->id, before, kPage, kMaxLookedAt,
                             [&](const store::MessageRecord& record) { return fits(filter, record); });
  if (!found) return failed(context, request, found.error());
  const std::string path = messages_path(mailbox->name);
  const bool operates = context.may(vault::Role::Operator);
  const bool filtered = filter.only || filter.from || filter.to || before != 0;
  Html listed = message_table(context, path, found->records, operates && !found->records.empty(),
                              tag("p", {}, filtered ? w("messages.none-fits") : w("messages.none")));
  if (operates && !found->records.empty())
    listed = form(context, change_path(mailbox->name), listed + change_buttons(context));
  Html inside = filter_form(context, path, filter);
  if (filter.wrong) inside += notice(w("messages.wrong-day"), Tone::Warning);
  inside += listed;
  if (found->before != 0) {
    // messages_before() has examined its limit of messages without filling the page.
    if (found->records.size() < kPage) inside += notice(w("messages.more-to-look-at"), Tone::Plain);
    inside += tag("p", {{"class", "onward"}},
                  link_button(path + query_of(filter, found->before), w("messages.older")));
  }
  PageParts parts;
  parts.title = w("messages.of", {{"name", mailbox->name}});
  parts.actions = link_button(mailbox_path(mailbox->name), w("messages.mailbox"));
  parts.content = tag("section", {{"class", "panel"}}, inside);
  return mailbox_page(context, request, parts);
}

// A change to several messages, as a form names it.
struct Wanted {
  vault::MessageChange kind{};
  std::string word;  // as in the form
  std::vector<MessageId> ids;
};

// Returns the change; nullopt if the form is not one of this console: an unknown change, a
// malformed id or more ids than a page has.
std::optional<Wanted> wanted_of(const Form& form) {
  Wanted wanted;
  wanted.word = form.get("change");
  if (wanted.word == "quarantine")
    wanted.kind = vault::MessageChange::Quarantine;
  else if (wanted.word == "restore")
    wanted.kind = vault::MessageChange::Restore;
  else if (wanted.word == "remove")
    wanted.kind = vault::MessageChange::Remove;
  else
    return std::nullopt;
  for (const std::string_view text : form.all("id")) {
    const auto id = MessageId::parse(text);
    if (!id || wanted.ids.size() >= kMaxChanged) return std::nullopt;
    wanted.ids.push_back(*id);
  }
  return wanted;
}

// Asks for a confirmation and says what will happen. It is a page, so that it also works without
// JavaScript.
Response sure_page(const Context& context, const Request& request, const store::MailboxRecord& mailbox,
                   const Wanted& wanted) {
  const Words& w = context.w;
  const std::string path = messages_path(mailbox.name);
  const std::string back = wanted.ids.size() == 1 ? path + "/" + wanted.ids.front().hex() : path;
  Html inside = hidden("change", wanted.word) + hidden("sure", "yes");
  Html listed;
  for (const MessageId& id : wanted.ids) {
    inside += hidden("id", id.hex());
    listed += tag("li", {}, tag("code", {}, escaped(id.hex())));
  }
  const bool removes = wanted.kind == vault::MessageChange::Remove;
  const Html what = removes ? w.counted("messages.remove.one", "messages.remove.many", wanted.ids.size())
                    : wanted.kind == vault::MessageChange::Quarantine
                        ? w.counted("messages.quarantine.one", "messages.quarantine.many", wanted.ids.size())
                        : w.counted("messages.restore.one", "messages.restore.many", wanted.ids.size());
  PageParts parts;
  parts.title = w("messages.of", {{"name", mailbox.name}});
  parts.content = tag("div", {{"class", "panel"}},
                      notice(what, removes ? Tone::Bad : Tone::Warning) + tag("ul", {}, listed) +
                          form(context, change_path(mailbox.name),
                               inside + tag("div", {{"class", "onward"}},
                                            button(w("do.confirm"), removes ? Tone::Bad : Tone::Good) +
                                                link_button(back, w("do.cancel")))));
  return mailbox_page(context, request, parts);
}

Response change(Context& context, const Request& request) {
  const Words& w = context.w;
  const auto mailbox = context.mailbox(request.parameter("name"));
  if (!mailbox) return failed(context, request, mailbox.error());
  const auto wanted = wanted_of(request.form);
  if (!wanted) return refused(context, request, 400);
  const std::string path = messages_path(mailbox->name);
  if (wanted->ids.empty()) return redirect(path);
  if (request.form.get("sure") != "yes") return sure_page(context, request, *mailbox, *wanted);
  const auto changed =
      vault::change_messages(context.store(), mailbox->id, wanted->kind, wanted->ids, context.actor());
  if (!changed) return failed(context, request, changed.error());
  // A message that was quarantined or removed must not stay readable by an opened view.
  if (wanted->kind != vault::MessageChange::Restore) {
    for (const MessageId& id : changed->done)
      context.console().views().close(context.session_id(), mailbox->id, id);
  }
  if (changed->failed.empty()) {
    const bool stays = wanted->ids.size() == 1 && wanted->kind != vault::MessageChange::Remove;
    return redirect((stays ? path + "/" + wanted->ids.front().hex() : path) + "?done=changed");
  }
  Html listed;
  for (const vault::MessageFailure& each : changed->failed) {
    const Html why = each.error.code() == Code::NotFound ? w("messages.gone") : w("messages.other-state");
    listed += tag("li", {}, tag("code", {}, escaped(each.id.hex())) + escaped(": ") + why);
  }
  PageParts parts;
  parts.title = w("messages.of", {{"name", mailbox->name}});
  // Some messages were changed and others not: the page lists the latter.
  parts.status = 409;
  parts.content =
      tag("div", {{"class", "panel"}},
          notice(w("messages.some-failed",
                   {{"done", w.number(changed->done.size())}, {"failed", w.number(changed->failed.size())}}),
                 Tone::Warning) +
              tag("ul", {}, listed) + tag("p", {{"class", "onward"}}, link_button(path, w("do.back"), true)));
  return mailbox_page(context, request, parts);
}

}  // namespace

std::string messages_path(std::string_view mailbox) {
  return mailbox_path(mailbox) + "/messages";
}

std::string change_path(std::string_view mailbox) {
  return mailbox_path(mailbox) + "/change-messages";
}

void add_message_pages(Routes& routes) {
  routes.push_back({"GET", "/mailboxes/:name/messages", Access::Viewer, list});
  routes.push_back({"POST", "/mailboxes/:name/change-messages", Access::Operator, change});
  add_one_message_pages(routes);
}

}  // namespace gw::web
