// The page on events: a history with a filter, and the checkpoint by which it can be proved later.
#include <map>

#include "base/text.h"
#include "vault/change_note.h"
#include "web/pages/change_text.h"
#include "web/pages/history_file.h"
#include "web/pages/history_page.h"
#include "web/pages/pages.h"
#include "web/ui/layout.h"
#include "web/ui/widgets.h"

namespace gw::web {
namespace {

constexpr std::size_t kEventsPage = 50;
// The most entries of one export, and how many are read at a time.
constexpr std::size_t kMaxExported = 1'000'000;
constexpr std::size_t kExportedAtOnce = 500;
constexpr std::string_view kEventsSection = "/events";

// The filter as the user typed it, and as it is applied.
struct AskedEvents {
  std::string mailbox, type, since, until, message, actor;  // as typed
  EventFilter filter;
  bool wrong = false;
};

// Reads the filter. A date in `until` means the whole of that day. Fields that cannot be understood
// are ignored, and `wrong` makes the page say so.
AskedEvents asked_of(const Fields& query) {
  AskedEvents asked;
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

std::string events_query(const AskedEvents& asked, std::uint64_t before) {
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

Html filter_of_events(const Context& context, const AskedEvents& asked,
                      const std::vector<store::MailboxRecord>& mailboxes) {
  const Words& w = context.w;
  std::vector<Choice> logs;
  if (context.account().is_unrestricted()) logs.push_back({"", w("events.vault")});
  for (const store::MailboxRecord& each : mailboxes) logs.push_back({each.name, escaped(each.name)});
  std::vector<Choice> types{{"", w("events.type.all")}};
  for (const store::LeafType each : leaf_types())
    types.push_back({std::string(name(each)), type_word(context, each)});
  const bool active = !(asked.type + asked.since + asked.until + asked.message + asked.actor).empty();
  return filter_form(
      context, "/events", active,
      select("mailbox", w("events.of"), logs, asked.mailbox) +
          select("type", w("events.type"), types, asked.filter.type ? asked.type : "") +
          field({.name = "since", .label = w("events.since"), .value = asked.since, .type = "date"}) +
          field({.name = "until", .label = w("events.until"), .value = asked.until, .type = "date"}) +
          field({.name = "message", .label = w("events.message"), .value = asked.message}) +
          field({.name = "actor", .label = w("events.actor"), .value = asked.actor}));
}

// Returns the object that a change names, as `route out`, with a link to where it is changed.
Html object_text(const Context& context, std::string_view object) {
  const std::size_t space = object.find(' ');
  const std::string_view kind = object.substr(0, space);
  const auto word = Text::find("events.object." + std::string(kind));
  if (!word) return escaped(object);
  if (space == std::string_view::npos) return context.w(*word);
  const std::string_view name = object.substr(space + 1);
  const std::string path = url_part(name);
  const std::string to = kind == "route"     ? "/routes/" + path
                         : kind == "mailbox" ? "/mailboxes/" + path
                         : kind == "account" ? "/administrators/" + path
                                             : "/tokens";
  return link(to, escaped(name)) + tag("small", {}, context.w(*word));
}

// Returns what an entry refers to: a message, a mailbox, or what was changed. The name of a mailbox is
// shown only if the account may see it.
Html about_entry(const Context& context, const AskedEvents& asked, const store::Leaf& leaf,
                 const vault::Author& author) {
  if (!leaf.message.zero()) {
    const std::string id = leaf.message.hex();
    const std::string path = "/mailboxes/" + url_part(asked.mailbox) + "/messages/" + id;
    // The start is enough to tell messages apart; the whole id is the tooltip.
    return tag("a", {{"href", path}, {"class", "mono"}, {"title", id}}, escaped(id.substr(0, 12) + "…"));
  }
  if (!author.object.empty()) return object_text(context, author.object);
  if (leaf.mailbox.zero()) return {};
  const std::string named = context.mailbox_name(leaf.mailbox);
  if (named.empty()) return tag("code", {}, escaped(leaf.mailbox.hex()));
  return link("/mailboxes/" + url_part(named), escaped(named));
}

// Returns in words who did it: `anna` with `console, from 192.0.2.1` below it. The tooltip is the text
// that the history holds.
Html author_text(const Context& context, const store::Leaf& leaf, const vault::Author& author) {
  const Words& w = context.w;
  std::vector<std::string_view> words;
  for (const std::string_view each : split(author.by, ' ')) words.push_back(each);
  const auto word = [&](std::size_t at) { return at < words.size() ? std::string(words[at]) : ""; };
  std::string user(author.user);
  if (user.empty() && !author.uid.empty()) user = "uid " + std::string(author.uid);
  Html main = escaped(author.by);
  Html small;
  if (words.size() == 4 && (word(0) == "console" || word(0) == "api") && word(2) == "from") {
    main = escaped(word(1));
    small =
        w(word(0) == "console" ? Text("events.by.console") : Text("events.by.api"), {{"address", word(3)}});
  } else if (words.size() >= 2 && (word(0) == "smtp" || word(0) == "pop3" || word(0) == "proxy-pop3")) {
    main = w(word(0) == "smtp"   ? Text("events.by.smtp")
             : word(0) == "pop3" ? Text("events.by.pop3")
                                 : Text("events.by.proxy"),
             {{"address", word(1)}});
    std::string rest = user;
    for (std::size_t at = 2; at < words.size(); ++at) rest += (rest.empty() ? "" : " ") + word(at);
    small = escaped(rest);
  } else if (author.by == "connection lost") {
    main = w("events.by.lost");
    small = escaped(user);
  } else if (!user.empty()) {
    main = escaped(user);
    small = w("events.by.with", {{"program", printable(author.by)}});
  }
  if (!small.empty()) main += tag("small", {}, small);
  return tag("span", {{"title", printable(leaf.actor)}}, main);
}

Html listed_events(const Context& context, const AskedEvents& asked, const EventPage& found) {
  const Words& w = context.w;
  std::vector<std::vector<Html>> rows;
  for (const store::Leaf& leaf : found.leaves) {
    const vault::Author author = vault::read_author(leaf.actor);
    rows.push_back({w.at_second(leaf.time), type_word(context, leaf.type),
                    about_entry(context, asked, leaf, author), change_text(w, author.change),
                    author_text(context, leaf, author), escaped(w.number(leaf.index))});
  }
  Html all = table(w("events.title"),
                   {{w("events.time")},
                    {w("events.type")},
                    {w("events.about")},
                    {w("events.change")},
                    {w("events.actor")},
                    {w("events.seq"), true}},
                   rows, tag("p", {}, w("events.none")));
  if (found.before == 0) return all;
  // events_before() has examined its limit of entries without filling the page.
  if (found.leaves.size() < kEventsPage) all += notice(w("events.more"), Tone::Plain);
  return all + tag("p", {{"class", "onward"}},
                   link_button("/events" + events_query(asked, found.before), w("events.older")));
}

// The links of the exports, which hold what the filter matches, without the limit of a page.
Html event_exports(const Context& context, const AskedEvents& asked) {
  const Words& w = context.w;
  const std::string query = "/events/export" + events_query(asked, 0);
  return tag("p", {{"class", "help exports"}},
             w("events.export") + escaped(" ") + link(query + "&format=csv", w("events.export.csv")) +
                 escaped(" · ") + link(query + "&format=jsonl", w("events.export.jsonl")));
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
  return tag("div", {{"id", "checkpoint"}},
             section(w("checkpoint.title"),
                     inside + action_button(context, "/events/checkpoint", w("checkpoint.do"))));
}

// Returns the history that the request asks for, and the filter. If the account sees no history at all,
// `seen` is false. Fails with NotFound if the account may not see the mailbox.
struct LocatedEvents {
  AskedEvents asked;
  bool seen = false;
};

Result<LocatedEvents> locate_events(const Context& context, const Request& request,
                                    const std::vector<store::MailboxRecord>& mailboxes) {
  LocatedEvents located;
  located.asked = asked_of(request.query);
  AskedEvents& asked = located.asked;
  // The vault's own history names all mailboxes, so other accounts start with one of their
  // mailboxes.
  const bool is_unrestricted = context.account().is_unrestricted();
  if (asked.mailbox.empty() && !is_unrestricted && !mailboxes.empty()) asked.mailbox = mailboxes.front().name;
  located.seen = !asked.mailbox.empty() || is_unrestricted;
  if (asked.mailbox.empty()) return located;
  const auto mailbox = context.mailbox(asked.mailbox);
  if (!mailbox) return mailbox.error();
  asked.mailbox = mailbox->name;
  asked.filter.log = mailbox->id;
  return located;
}

Response show_events(Context& context, const Request& request) {
  const Words& w = context.w;
  const auto mailboxes = context.mailboxes();
  if (!mailboxes) return failed(context, request, mailboxes.error());
  const auto located = locate_events(context, request, *mailboxes);
  if (!located) return failed(context, request, located.error());
  const AskedEvents& asked = located->asked;
  Html content;
  if (located->seen) {
    const std::uint64_t before = parse_number(request.query.get("before")).value_or(0);
    const auto found = events_before(context.store(), asked.filter, before, kEventsPage);
    if (!found) return failed(context, request, found.error());
    content = filter_of_events(context, asked, *mailboxes);
    if (asked.wrong) content += notice(w("events.wrong-filter"), Tone::Warning);
    content += event_exports(context, asked) + listed_events(context, asked, *found);
  } else {
    content = tag("div", {{"class", "empty"}}, tag("p", {}, w("events.nothing")));
  }
  PageParts parts;
  parts.title = w("events.title");
  parts.section = kEventsSection;
  parts.content = tag("section", {{"class", "panel"}}, content);
  if (context.account().is_unrestricted() && context.may(vault::Role::Operator)) {
    const auto checkpoint = checkpoint_section(context);
    if (!checkpoint) return failed(context, request, checkpoint.error());
    parts.content += *checkpoint;
  }
  return page(context, request, parts);
}

// Sends the entries that the filter matches as a file, the newest first, at most kMaxExported of them.
// The history is read page by page while the client receives it.
Response download_events(Context& context, const Request& request) {
  const auto mailboxes = context.mailboxes();
  if (!mailboxes) return failed(context, request, mailboxes.error());
  auto located = locate_events(context, request, *mailboxes);
  if (!located) return failed(context, request, located.error());
  if (!located->seen) return refused(context, request, 404);
  // The page warns about a wrong filter and ignores it; a file cannot.
  if (located->asked.wrong) return refused(context, request, 400);
  const std::string format(request.query.get("format"));
  if (format != "csv" && format != "jsonl") return refused(context, request, 400);
  const bool csv = format == "csv";
  std::map<MailboxId, std::string> names;
  for (const store::MailboxRecord& each : *mailboxes) names.emplace(each.id, each.name);
  const std::string of = located->asked.mailbox.empty() ? "vault" : located->asked.mailbox;
  Response response;
  response.content_type = csv ? "text/csv; charset=utf-8" : "application/x-ndjson";
  response.set("Content-Disposition", "attachment; filename=\"history-" + of + "-" +
                                          rfc3339(context.now()).substr(0, 10) + "." + format + "\"");
  response.set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'");
  response.stream = [&console = context.console(), filter = located->asked.filter, names = std::move(names),
                     csv](const Sink& sink) {
    if (csv && !sink(as_bytes(csv_heading()))) return false;
    std::uint64_t before = 0;
    std::size_t left = kMaxExported;
    do {
      // The keeper may have been restarted since the last piece.
      const auto store = console.store();
      if (!store) return false;
      const auto found = events_before(**store, filter, before, std::min(left, kExportedAtOnce));
      // The connection is cut: a file that ends early must not be taken for the whole.
      if (!found) return false;
      std::string piece;
      for (const store::Leaf& leaf : found->leaves) {
        const auto named = names.find(leaf.mailbox);
        piece += csv ? csv_line(leaf, named == names.end() ? "" : named->second) : json_line(leaf);
      }
      if (!piece.empty() && !sink(as_bytes(piece))) return false;
      left -= found->leaves.size();
      before = found->before;
    } while (before != 0 && left > 0);
    return true;
  };
  return response;
}

// A checkpoint appends an entry to the vault's history, hence a POST.
Response make_checkpoint(Context& context, const Request& request) {
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
  routes.push_back({"GET", "/events", Access::Viewer, show_events});
  routes.push_back({"GET", "/events/export", Access::Viewer, download_events});
  routes.push_back({"POST", "/events/checkpoint", Access::Operator, make_checkpoint});
}

}  // namespace gw::web
