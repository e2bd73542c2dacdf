// The list of a mailbox's messages, which needs no password unless it shows subjects and senders.
#include <map>

#include "base/text.h"
#include "vault/message_list.h"
#include "web/pages/mailbox_keys.h"
#include "web/pages/mailbox_parts.h"
#include "web/pages/message_head.h"
#include "web/pages/message_note.h"
#include "web/pages/message_pages.h"
#include "web/pages/message_parts.h"
#include "web/ui/widgets.h"

namespace gw::web {
namespace {

constexpr std::size_t kMessagesPage = 50;
constexpr std::size_t kMaxLookedAt = 20'000;
// Likewise if each message has to be opened.
constexpr std::size_t kMaxOpened = 300;
constexpr std::size_t kMaxWanted = 200;  // bytes of a text that is searched

// The filter as the user typed it, and as it is applied.
struct MessageFilter {
  std::string state, since, until, from_text, subject;  // as typed
  std::optional<store::State> only;
  std::optional<Micros> from, to;
  bool wrong = false;
  // Whether messages have to be opened.
  bool searches() const { return !from_text.empty() || !subject.empty(); }
  bool active() const { return only || from || to || wrong || searches(); }
};

// Reads the filter. A date in `until` means the whole of that day.
MessageFilter filter_of(const Fields& query, bool open) {
  MessageFilter filter;
  filter.state = query.get("state");
  filter.since = query.get("since").substr(0, 40);
  filter.until = query.get("until").substr(0, 40);
  if (open) {
    filter.from_text = trim(query.get("from").substr(0, kMaxWanted));
    filter.subject = trim(query.get("subject").substr(0, kMaxWanted));
  }
  filter.only = store::parse_state(filter.state);
  filter.from = parse_time(filter.since);
  if (const auto day = parse_time(filter.until)) filter.to = *day + (filter.until.size() == 10 ? kDay : 0);
  filter.wrong = (!filter.since.empty() && !filter.from) || (!filter.until.empty() && !filter.to);
  return filter;
}

bool fits(const MessageFilter& filter, const store::MessageRecord& record) {
  return (!filter.only || record.state == *filter.only) &&
         (!filter.from || record.received >= *filter.from) && (!filter.to || record.received < *filter.to);
}

bool fits(const MessageFilter& filter, const MessageHead& head) {
  return (filter.from_text.empty() || contains_text(head.from, filter.from_text) ||
          contains_text(head.envelope_from, filter.from_text)) &&
         (filter.subject.empty() || contains_text(head.subject, filter.subject));
}

std::string messages_query(const MessageFilter& filter, std::uint64_t before) {
  std::string query = "?before=" + std::to_string(before);
  for (const auto& [name, value] : {std::pair("state", &filter.state),
                                    {"since", &filter.since},
                                    {"until", &filter.until},
                                    {"from", &filter.from_text},
                                    {"subject", &filter.subject}})
    if (!value->empty()) query += "&" + std::string(name) + "=" + url_part(*value);
  return query;
}

Html filter_of_messages(const Context& context, const std::string& path, const MessageFilter& filter,
                        bool open) {
  const Words& w = context.w;
  Html inside;
  if (open) {
    inside +=
        field({.name = "subject", .label = w("message.subject"), .value = filter.subject, .type = "search"}) +
        field({.name = "from", .label = w("messages.from"), .value = filter.from_text, .type = "search"});
  }
  inside += select("state", w("messages.state"),
                   {{"", w("messages.state.all")},
                    {"live", w("state.live")},
                    {"unconfirmed", w("state.unconfirmed")},
                    {"pending", w("state.pending")},
                    {"drained", w("state.drained")},
                    {"quarantined", w("state.quarantined")}},
                   filter.only ? filter.state : "") +
            field({.name = "since", .label = w("messages.since"), .value = filter.since, .type = "date"}) +
            field({.name = "until", .label = w("messages.until"), .value = filter.until, .type = "date"});
  return filter_form(context, path, filter.active(), inside);
}

// One page of the list. `heads` is what the open mailbox tells about its messages.
struct ListedMessages {
  vault::MessagePage page;
  std::map<MessageId, MessageHead> heads;
};

Result<ListedMessages> read_messages(const Context& context, const MailboxId& mailbox,
                                     const seal::KeyRing* ring, const MessageFilter& filter,
                                     std::uint64_t before) {
  ListedMessages listed;
  std::optional<Error> trouble;
  std::optional<VaultId> vault_id;
  if (ring != nullptr) {
    const auto id = context.store().vault_id();
    if (!id) return id.error();
    vault_id = *id;
  }
  std::size_t opened = 0;
  // Reads the head of a message once. After an error of the store nothing more is read.
  const auto head_of = [&](const store::MessageRecord& record) -> const MessageHead* {
    if (trouble) return nullptr;
    ++opened;
    auto head = read_head(context.store(), *ring, *vault_id, mailbox, record);
    if (!head) {
      trouble = head.error();
      return nullptr;
    }
    return &listed.heads.insert_or_assign(record.id, std::move(*head)).first->second;
  };
  const bool searches = ring != nullptr && filter.searches();
  auto found = vault::messages_before(
      context.store(), mailbox, before, kMessagesPage, kMaxLookedAt,
      [&](const store::MessageRecord& record) {
        if (!fits(filter, record)) return false;
        if (!searches) return true;
        const MessageHead* head = head_of(record);
        if (head != nullptr && fits(filter, *head)) return true;
        listed.heads.erase(record.id);
        return false;
      },
      [&] { return trouble.has_value() || opened >= kMaxOpened; });
  if (trouble) return *trouble;
  if (!found) return found.error();
  listed.page = std::move(*found);
  if (ring != nullptr && !searches) {
    for (const store::MessageRecord& record : listed.page.records) (void)head_of(record);
    if (trouble) return *trouble;
  }
  return listed;
}

// Returns what the list shows of an open message: a button that opens it, and its sender.
Html subject_cell(const Context& context, const std::string& path, const store::MessageRecord& record,
                  const MessageHead& head) {
  const Words& w = context.w;
  if (head.damaged) return link(path, pill(w("messages.damaged"), Tone::Bad));
  const Html subject = head.subject.empty() ? w("messages.no-subject") : escaped(head.subject);
  Html cell = record.state == store::State::Pending
                  ? link(path, subject)
                  // A POST, because opening appends a history entry.
                  : tag("button", {{"type", "submit"}, {"class", "subject"}, {"formaction", path + "/open"}},
                        subject);
  const std::string& from = head.from.empty() ? head.envelope_from : head.from;
  return cell + tag("small", {}, escaped(from.empty() ? "<>" : from));
}

Html message_table(const Context& context, const std::string& path, const ListedMessages& listed, bool open,
                   bool choose, bool all_chosen, const Html& empty) {
  const Words& w = context.w;
  std::vector<std::vector<Html>> rows;
  for (const store::MessageRecord& record : listed.page.records) {
    const std::string id = record.id.hex();
    std::vector<Html> row;
    if (choose) {
      row.push_back(tag("input", {{"type", "checkbox"},
                                  {"name", "id"},
                                  {"value", id},
                                  {"checked", all_chosen},
                                  {"autocomplete", "off"},
                                  {"aria-label", w.plain("messages.choose", {{"id", id}})}}));
    }
    if (open) {
      const auto head = listed.heads.find(record.id);
      row.push_back(
          head == listed.heads.end() ? Html() : subject_cell(context, path + "/" + id, record, head->second));
    }
    row.push_back(link(path + "/" + id, w.at_second(record.received)));
    row.push_back(escaped(w.size(record.size)));
    row.push_back(state_pill(context, record.state));
    row.push_back(tag("code", {{"title", id}}, escaped(open ? id.substr(0, 12) + "…" : id)));
    rows.push_back(std::move(row));
  }
  std::vector<Column> columns;
  if (choose) columns.push_back({tag("span", {{"class", "unseen"}}, w("messages.chosen"))});
  if (open) columns.push_back({w("message.subject")});
  columns.push_back({w("message.received")});
  columns.push_back({w("message.size"), true});
  columns.push_back({w("messages.state")});
  columns.push_back({w("message.id")});
  return table(w("messages.title"), columns, rows, empty);
}

// The buttons that change what is marked. `select_all` is the address of the list with everything
// marked; console.js marks the boxes without loading the page again.
Html change_buttons(const Context& context, const std::string& select_all) {
  const auto one = [&](const char* change, Text word, const char* look) {
    return tag("button", {{"type", "submit"}, {"name", "change"}, {"value", change}, {"class", look}},
               context.w(word));
  };
  return tag("div", {{"class", "onward"}},
             tag("a", {{"href", select_all}, {"class", "button"}, {"data-select-all", true}},
                 context.w("messages.select-all")) +
                 one("quarantine", "message.quarantine", "button") +
                 one("restore", "message.restore", "button") + one("remove", "do.remove", "button danger"));
}

// How long the mailbox stays open, with a button that closes it; or the form that opens it.
Html open_section(const Context& context, const store::MailboxRecord& mailbox,
                  const std::optional<OpenedMailboxes::Open>& open, const std::string& wrong) {
  const Words& w = context.w;
  const std::string path = mailbox_path(mailbox.name);
  if (open) {
    const Micros until = context.now() + Micros{open->left.count()} * 1'000'000;
    return tag("div", {{"class", "notice good open-mailbox"}},
               tag("span", {},
                   w.with("messages.open-until", tag("time",
                                                     {{"datetime", rfc3339(until)},
                                                      {"data-until", std::to_string(open->left.count())}},
                                                     escaped(w.clock_second(until))))) +
                   action_button(context, path + "/close", w("messages.close")));
  }
  Field password{.name = "password", .label = w("mailbox.password"), .type = "password"};
  password.help = w("messages.open.help");
  password.wrong = wrong;
  password.required = true;
  password.focus = !wrong.empty();
  return tag("details", {{"class", "more"}, {"open", !wrong.empty()}},
             tag("summary", {}, w("messages.open")) +
                 form(context, path + "/open", field(password) + button(w("messages.open.do"), Tone::Good)));
}

Response messages_page(const Context& context, const Request& request, const store::MailboxRecord& mailbox,
                       const std::string& wrong = {}, int status = 200) {
  const Words& w = context.w;
  const auto open =
      context.console().opened_mailboxes().find(context.session_id(), mailbox.id, mailbox.version);
  const MessageFilter filter = filter_of(request.query, open.has_value());
  const std::uint64_t before = parse_number(request.query.get("before")).value_or(0);
  const auto found = read_messages(context, mailbox.id, open ? open->ring.get() : nullptr, filter, before);
  if (!found) return failed(context, request, found.error());
  const auto stat = context.store().stat(mailbox.id);
  if (!stat) return failed(context, request, stat.error());
  const std::string path = messages_path(mailbox.name);
  const bool operates = context.may(vault::Role::Operator);
  const bool any = !found->page.records.empty();
  const std::string here = path + messages_query(filter, before);
  Html listed = message_table(
      context, path, *found, open.has_value(), operates && any, request.query.get("select") == "all",
      tag("p", {}, filter.active() || before != 0 ? w("messages.none-fits") : w("messages.none")));
  if (any && (operates || open)) {
    const Html buttons = operates ? change_buttons(context, here + "&select=all") : Html();
    listed = form(context, change_path(mailbox.name), hidden("back", here) + buttons + listed + buttons);
  }
  Html inside = open_section(context, mailbox, open, wrong);
  inside += filter_of_messages(context, path, filter, open.has_value());
  if (filter.wrong) inside += notice(w("messages.wrong-day"), Tone::Warning);
  const std::uint64_t count = stat->live + stat->pending + stat->drained + stat->quarantined;
  Html counted = w.counted("messages.count.one", "messages.count.many", count);
  if (filter.active() || before != 0)
    counted += escaped(" ") + w("messages.shown", {{"count", w.number(found->page.records.size())}});
  inside += tag("p", {{"class", "quiet"}}, counted) + listed;
  if (before != 0 || found->page.before != 0) {
    // messages_before() has examined its limit of messages without filling the page.
    if (found->page.before != 0 && found->page.records.size() < kMessagesPage)
      inside += notice(w("messages.more-to-look-at"), Tone::Plain);
    Html onward;
    if (before != 0) onward += link_button(path + messages_query(filter, 0), w("messages.newest"));
    if (found->page.before != 0)
      onward += link_button(path + messages_query(filter, found->page.before), w("messages.older"));
    inside += tag("p", {{"class", "onward"}}, onward);
  }
  PageParts parts;
  parts.title = w("messages.of", {{"name", mailbox.name}});
  parts.actions = link_button(mailbox_path(mailbox.name), w("messages.mailbox"));
  parts.content = tag("section", {{"class", "panel"}}, inside);
  parts.status = status;
  if (open) {
    // The page must not show the mailbox for longer than it is open, also without JavaScript.
    parts.secret = true;
    parts.refresh_after = static_cast<int>(open->left.count()) + 1;
    parts.refresh_to = path + "?" + std::string(kUnattended) + "=1";
  }
  return mailbox_page(context, request, parts);
}

Response list_messages(Context& context, const Request& request) {
  const auto mailbox = context.mailbox(request.parameter("name"));
  if (!mailbox) return failed(context, request, mailbox.error());
  return messages_page(context, request, *mailbox);
}

// Opens the mailbox for this session, after an entry in its history.
Response open_mailbox(Context& context, const Request& request) {
  const auto mailbox = context.mailbox(request.parameter("name"));
  if (!mailbox) return failed(context, request, mailbox.error());
  auto ring = unlock_mailbox(context, request, *mailbox, request.form.secret("password"));
  if (!ring) {
    const auto wrong = password_complaint(context, ring, false);
    if (!wrong) return failed(context, request, ring.error());
    return wrong->on(messages_page(context, request, *mailbox, wrong->text, wrong->status));
  }
  if (const auto noted = note_opened(context, *mailbox); !noted)
    return failed(context, request, noted.error());
  context.console().opened_mailboxes().open(context.session_id(), mailbox->id, mailbox->version,
                                            std::move(*ring));
  return redirect(messages_path(mailbox->name));
}

Response close_mailbox(Context& context, const Request& request) {
  const auto mailbox = context.mailbox(request.parameter("name"));
  if (!mailbox) return failed(context, request, mailbox.error());
  context.console().opened_mailboxes().close(context.session_id(), mailbox->id);
  return redirect(messages_path(mailbox->name));
}

}  // namespace

std::string messages_path(std::string_view mailbox) {
  return mailbox_path(mailbox) + "/messages";
}

void add_message_pages(Routes& routes) {
  routes.push_back({"GET", "/mailboxes/:name/messages", Access::Viewer, list_messages});
  routes.push_back({"POST", "/mailboxes/:name/open", Access::Viewer, open_mailbox});
  routes.push_back({"POST", "/mailboxes/:name/close", Access::Viewer, close_mailbox});
  add_message_change_pages(routes);
  add_one_message_pages(routes);
}

}  // namespace gw::web
