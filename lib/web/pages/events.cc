// The page on events: a history with a filter, and the checkpoint by which it can be proved later.
#include "base/text.h"
#include "web/pages/history_page.h"
#include "web/pages/pages.h"
#include "web/ui/layout.h"
#include "web/ui/widgets.h"

namespace gw::web {
namespace {

constexpr std::size_t kPage = 50;
constexpr Micros kDay = Micros{86'400} * 1'000'000;
constexpr std::string_view kSection = "/events";

// The filter as the user typed it, and as it is applied.
struct Asked {
  std::string mailbox, type, since, until, message, actor;  // as typed
  EventFilter filter;
  bool wrong = false;
};

// Reads the filter. A date in `until` means the whole of that day. Fields that cannot be understood
// are ignored, and `wrong` makes the page say so.
Asked asked_of(const Fields& query) {
  Asked asked;
  const auto field = [&](const char* name) { return std::string(trim(query.get(name).substr(0, 128))); };
  asked.mailbox = field("mailbox");
  asked.type = field("type");
  asked.since = field("since");
  asked.until = field("until");
  asked.message = field("message");
  asked.actor = asked.filter.actor = field("actor");
  asked.filter.type = parse_leaf_type(asked.type);
  asked.filter.from = parse_time(asked.since);
  if (const auto day = parse_time(asked.until))
    asked.filter.to = *day + (asked.until.size() == 10 ? kDay : 0);
  asked.filter.message = MessageId::parse(asked.message);
  asked.wrong = (!asked.type.empty() && !asked.filter.type) || (!asked.since.empty() && !asked.filter.from) ||
                (!asked.until.empty() && !asked.filter.to) ||
                (!asked.message.empty() && !asked.filter.message);
  return asked;
}

std::string query_of(const Asked& asked, std::uint64_t before) {
  std::string query = "?before=" + std::to_string(before);
  for (const auto& [name, value] : {std::pair("mailbox", &asked.mailbox),
                                    {"type", &asked.type},
                                    {"since", &asked.since},
                                    {"until", &asked.until},
                                    {"message", &asked.message},
                                    {"actor", &asked.actor}})
    if (!value->empty()) query += "&" + std::string(name) + "=" + url_part(*value);
  return query;
}

Html type_word(const Context& context, store::LeafType type) {
  const auto word = Text::find("event." + std::string(name(type)));
  return word ? context.w(*word) : escaped(name(type));
}

Html filter_form(const Context& context, const Asked& asked,
                 const std::vector<store::MailboxRecord>& mailboxes) {
  const Words& w = context.w;
  std::vector<Choice> logs;
  if (context.account().is_unrestricted()) logs.push_back({"", w("events.vault")});
  for (const store::MailboxRecord& each : mailboxes) logs.push_back({each.name, escaped(each.name)});
  std::vector<Choice> types{{"", w("events.type.all")}};
  for (const store::LeafType each : leaf_types())
    types.push_back({std::string(name(each)), type_word(context, each)});
  return tag("form", {{"method", "get"}, {"action", "/events"}, {"class", "filters"}, {"role", "search"}},
             select("mailbox", w("events.of"), logs, asked.mailbox) +
                 select("type", w("events.type"), types, asked.filter.type ? asked.type : "") +
                 field({.name = "since", .label = w("events.since"), .value = asked.since, .type = "date"}) +
                 field({.name = "until", .label = w("events.until"), .value = asked.until, .type = "date"}) +
                 field({.name = "message", .label = w("events.message"), .value = asked.message}) +
                 field({.name = "actor", .label = w("events.actor"), .value = asked.actor}) +
                 button(w("do.filter")));
}

// Returns what an entry refers to: a message, or a mailbox. The name of a mailbox is shown only if
// the account may see it.
Html about(const Context& context, const Asked& asked, const store::Leaf& leaf) {
  if (!leaf.message.zero()) {
    const std::string id = leaf.message.hex();
    const std::string path = "/mailboxes/" + url_part(asked.mailbox) + "/messages/" + id;
    return tag("a", {{"href", path}, {"class", "mono"}}, escaped(id));
  }
  if (leaf.mailbox.zero()) return {};
  const std::string named = context.mailbox_name(leaf.mailbox);
  if (named.empty()) return tag("code", {}, escaped(leaf.mailbox.hex()));
  return link("/mailboxes/" + url_part(named), escaped(named));
}

Html listed(const Context& context, const Asked& asked, const EventPage& found) {
  const Words& w = context.w;
  std::vector<std::vector<Html>> rows;
  for (const store::Leaf& leaf : found.leaves)
    rows.push_back({w.at(leaf.time), type_word(context, leaf.type), about(context, asked, leaf),
                    escaped(leaf.actor), escaped(w.number(leaf.index))});
  Html all = table(w("events.title"),
                   {{w("events.time")},
                    {w("events.type")},
                    {w("events.about")},
                    {w("events.actor")},
                    {w("events.seq"), true}},
                   rows, tag("p", {}, w("events.none")));
  if (found.before == 0) return all;
  // events_before() has examined its limit of entries without filling the page.
  if (found.leaves.size() < kPage) all += notice(w("events.more"), Tone::Plain);
  return all + tag("p", {{"class", "onward"}},
                   link_button("/events" + query_of(asked, found.before), w("events.older")));
}

// Shows the key together with the checkpoint, since users need both to verify it and should keep
// both elsewhere.
Result<Html> checkpoint_section(const Context& context) {
  const Words& w = context.w;
  const auto health = context.store().health();
  if (!health) return health.error();
  Html inside = tag("p", {}, w("checkpoint.text"));
  if (!health->verifier.empty())
    inside += tag("p", {}, w("checkpoint.key")) + copyable_block(context, health->verifier);
  return section(w("checkpoint.title"),
                 inside + action_button(context, "/events/checkpoint", w("checkpoint.do")));
}

Response show(Context& context, const Request& request) {
  const Words& w = context.w;
  const auto mailboxes = context.mailboxes();
  if (!mailboxes) return failed(context, request, mailboxes.error());
  Asked asked = asked_of(request.query);
  // The vault's own history names all mailboxes, so other accounts start with one of their
  // mailboxes.
  const bool is_unrestricted = context.account().is_unrestricted();
  if (asked.mailbox.empty() && !is_unrestricted && !mailboxes->empty())
    asked.mailbox = mailboxes->front().name;
  Html content;
  if (!asked.mailbox.empty() || is_unrestricted) {
    if (!asked.mailbox.empty()) {
      const auto mailbox = context.mailbox(asked.mailbox);
      if (!mailbox) return failed(context, request, mailbox.error());
      asked.mailbox = mailbox->name;
      asked.filter.log = mailbox->id;
    }
    const std::uint64_t before = parse_number(request.query.get("before")).value_or(0);
    const auto found = events_before(context.store(), asked.filter, before, kPage);
    if (!found) return failed(context, request, found.error());
    content = filter_form(context, asked, *mailboxes);
    if (asked.wrong) content += notice(w("events.wrong-filter"), Tone::Warning);
    content += listed(context, asked, *found);
  } else {
    content = tag("div", {{"class", "empty"}}, tag("p", {}, w("events.nothing")));
  }
  PageParts parts;
  parts.title = w("events.title");
  parts.section = kSection;
  if (context.may(vault::Role::Operator))
    parts.actions = link_button("/test-delivery", w("delivery.do"), true);
  parts.content = tag("section", {{"class", "panel"}}, content);
  if (is_unrestricted && context.may(vault::Role::Operator)) {
    const auto checkpoint = checkpoint_section(context);
    if (!checkpoint) return failed(context, request, checkpoint.error());
    parts.content += *checkpoint;
  }
  return page(context, request, parts);
}

// A checkpoint appends an entry to the vault's history, hence a POST.
Response checkpoint(Context& context, const Request& request) {
  if (!context.account().is_unrestricted()) return refused(context, request, 403);
  Result<std::string> note = context.store().checkpoint(context.actor());
  if (!note) return failed(context, request, note.error());
  std::string day = rfc3339(context.now()).substr(0, 10);
  Response response = plain(200, std::move(*note));
  // A download rather than a page: the file is verified byte for byte.
  response.set("Content-Disposition", "attachment; filename=\"checkpoint-" + day + ".txt\"");
  return response;
}

}  // namespace

void add_event_pages(Routes& routes) {
  routes.push_back({"GET", "/events", Access::Viewer, show});
  routes.push_back({"POST", "/events/checkpoint", Access::Operator, checkpoint});
}

}  // namespace gw::web
