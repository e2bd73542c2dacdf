// Messages in the API: listed without a password, opened with that of the mailbox.
#include <algorithm>
#include <memory>

#include "base/text.h"
#include "mail/header.h"
#include "mime/reading.h"
#include "transfer/inner_files.h"
#include "transfer/manifest.h"
#include "transfer/message_source.h"
#include "vault/drain.h"
#include "vault/message_change.h"
#include "web/api/api_private.h"
#include "web/pages/message_note.h"

namespace gw::web::api {
namespace {

using vault::Role;

constexpr std::uint64_t kMessagesPage = 100;
constexpr std::uint64_t kMaxMessagesListed = 1000;
constexpr std::size_t kMaxLookedAt = 20'000;
constexpr std::size_t kMaxHeader = 1 << 20;

// Which messages a list contains. Without a state: those that wait for the archive.
struct MessageFilter {
  std::string_view state;
  std::optional<Micros> since, until;

  bool wants(const store::MessageRecord& record) const {
    if ((since && record.received < *since) || (until && record.received >= *until)) return false;
    if (state.empty()) return record.state == store::State::Live || record.state == store::State::Unconfirmed;
    return state == "all" || name(record.state) == state;
  }
};

Result<MessageFilter> message_filter(const Call& call) {
  MessageFilter filter;
  filter.state = call.request.query.get("state");
  if (!filter.state.empty() && filter.state != "all" && !store::parse_state(filter.state))
    return Error(Code::Usage, "`state` is not one of live, unconfirmed, pending, drained, quarantined, all");
  const auto since = time_in(call, "since");
  const auto until = time_in(call, "until");
  if (!since || !until) return since ? until.error() : since.error();
  filter.since = *since;
  filter.until = *until;
  return filter;
}

// Lists in the order of seq. `next` is the seq of the last message that was examined; the next page
// begins after it. A page may be shorter than `limit`, if many messages were examined that do not
// match, and even empty: only `next` null is the end.
Result<Answer> list_messages(Call& call) {
  const auto mailbox = call.context.mailbox(call.parameter("name"));
  if (!mailbox) return mailbox.error();
  const auto filter = message_filter(call);
  if (!filter) return filter.error();
  // At least 1: with 0, `next` would be where the page began, and the client would ask for ever.
  const auto limit = number_in(call, "limit", kMessagesPage, 1, kMaxMessagesListed);
  if (!limit) return limit.error();
  const auto begin = number_in(call, "after", 0, 0, std::numeric_limits<std::int64_t>::max());
  if (!begin) return begin.error();
  Json items = Json::array();
  std::uint64_t after = *begin;
  std::size_t looked = 0;
  while (looked < kMaxLookedAt && items.size() < *limit) {
    const auto page = call.store().list(mailbox->id, after, kMaxMessagesListed);
    if (!page) return page.error();
    if (page->empty()) return list_of(std::move(items), 0);
    for (const store::MessageRecord& record : *page) {
      after = record.seq;
      ++looked;
      if (filter->wants(record)) items.push_back(json::message_json(record));
      // `after` must be the last message that was examined, not the last one that was read.
      if (items.size() >= *limit) break;
    }
  }
  return list_of(std::move(items), after);
}

// The message that the path names, in a mailbox that the token may see.
struct Found {
  store::MailboxRecord mailbox;
  store::MessageRecord record;
};

Result<Found> find(const Call& call) {
  auto mailbox = call.context.mailbox(call.parameter("name"));
  if (!mailbox) return mailbox.error();
  const auto id = MessageId::parse(std::string(call.parameter("id")));
  if (!id) return Error(Code::NotFound, "no such message");
  auto record = call.store().find(mailbox->id, *id);
  if (!record) return record.error();
  return Found{std::move(*mailbox), std::move(*record)};
}

Result<Answer> show_message(Call& call) {
  const auto found = find(call);
  return found ? Answer{json::message_json(found->record)} : Result<Answer>(found.error());
}

// Streams the message as it was received. It is never in memory as a whole. If the container turns
// out to be damaged, the connection is cut (Response::stream).
Answer raw_message(std::shared_ptr<vault::Message> message, const MessageId& id) {
  Response response;
  response.content_type = "message/rfc822";
  response.set("Content-Disposition", "attachment; filename=\"" + id.hex() + ".eml\"");
  response.length = message->size();
  response.stream = [message](const Sink& sink) {
    for (;;) {
      const auto piece = message->next();
      if (!piece) return false;
      if (piece->empty()) return true;
      if (!sink(*piece)) return false;
    }
  };
  Answer answer;
  answer.other = std::move(response);
  return answer;
}

// Returns the header of the message. Reads no further than its end, or than kMaxHeader bytes.
Result<Answer> message_headers(vault::Message& message) {
  mail::HeaderWalker walker({});
  std::string text;
  std::uint64_t before = 0;
  bool cut = false;
  while (!walker.done() && !cut) {
    const auto piece = message.next();
    if (!piece) return piece.error();
    if (piece->empty()) break;
    walker.write(*piece);
    // The last piece may hold the beginning of the body, which does not belong to the header.
    const std::uint64_t end = walker.done() ? std::max(walker.size(), before) : before + piece->size();
    text += as_text(piece->first(static_cast<std::size_t>(end - before)));
    before += piece->size();
    cut = text.size() > kMaxHeader;
  }
  return Answer{{{"headers", valid_text(text)}, {"cut", cut}}};
}

Json header_fields(const std::vector<mime::Field>& fields) {
  Json all = Json::array();
  for (const mime::Field& each : fields)
    all.push_back({{"name", valid_text(each.name)}, {"value", valid_text(each.value)}});
  return all;
}

Result<Answer> message_text(vault::Message& message) {
  transfer::MessageSource source(message);
  const auto read = mime::read_for_people(source);
  if (!read) return read.error();
  Answer answer;
  answer.json["fields"] = header_fields(read->fields);
  answer.json["inner_fields"] = header_fields(read->inner);
  answer.json["text"] = read->text ? Json(valid_text(read->text->text)) : Json();
  answer.json["cut"] = read->text && read->text->cut;
  Json& attachments = answer.json["attachments"] = Json::array();
  for (const mime::Attachment& each : read->attachments)
    attachments.push_back(
        {{"name", valid_text(each.name)}, {"type", valid_text(each.type)}, {"octets", each.size}});
  answer.json["more_attachments"] = read->more_attachments;
  answer.json["limit_reached"] = read->limit_reached || read->fields_cut;
  return answer;
}

Result<Answer> journal_report(vault::Message& message) {
  transfer::MessageSource source(message);
  const auto report = mime::read_journal_report(source);
  if (!report) return report.error();
  const auto inner = transfer::inner_files(source, *report);
  if (!inner) return inner.error();
  return Answer{transfer::journal_json(*report, *inner)};
}

Result<Answer> open_message(Call& call) {
  const auto found = find(call);
  if (!found) return found.error();
  const auto ring = unlock(call, found->mailbox);
  if (!ring) return not_unlocked(ring);
  const auto vault_id = call.store().vault_id();
  if (!vault_id) return vault_id.error();
  auto opened = vault::open_message(call.store(), *ring, *vault_id, found->mailbox.id, found->record);
  if (!opened) return opened.error();
  const std::string form = call.body.value("form", "text");
  // Before anything is returned: a message that was read must be in the history. It names the
  // actor, which includes the token.
  if (const auto noted = note_seen(call.context, found->mailbox.id, found->record.id,
                                   form == "eml" ? "downloaded" : "shown");
      !noted)
    return noted.error();
  if (form == "envelope") return Answer{json::envelope_json(opened->envelope())};
  if (form == "headers") return message_headers(*opened);
  if (form == "journal") return journal_report(*opened);
  if (form == "text") return message_text(*opened);
  // Only `eml` is left; the schema admits no other form.
  return raw_message(std::make_shared<vault::Message>(std::move(*opened)), found->record.id);
}

Result<Answer> change_messages(Call& call) {
  const auto mailbox = call.context.mailbox(call.parameter("name"));
  if (!mailbox) return mailbox.error();
  std::vector<MessageId> ids;
  for (const Json& each : call.body["ids"]) {
    const auto id = MessageId::parse(each.get<std::string>());
    if (!id) return Error(Code::BadInput, "`" + printable(each.get<std::string>()) + "` is not a message id");
    ids.push_back(*id);
  }
  const std::string word = call.body["change"].get<std::string>();
  // Likewise only `remove` is left.
  const vault::MessageChange kind = word == "quarantine" ? vault::MessageChange::Quarantine
                                    : word == "undelete" ? vault::MessageChange::Restore
                                                         : vault::MessageChange::Remove;
  const auto changed = vault::change_messages(call.store(), mailbox->id, kind, ids, call.context.actor(),
                                              call.body.value("dry_run", false));
  if (!changed) return changed.error();
  Json items = Json::array();
  for (const MessageId& id : changed->done) items.push_back(json::result_json(id, nullptr));
  for (const vault::MessageFailure& failure : changed->failed)
    items.push_back(json::result_json(failure.id, &failure.error));
  return list_of(std::move(items), 0);
}

}  // namespace

void add_message_operations(Operations& all) {
  all.push_back({"GET", "/api/v1/mailboxes/:name/messages", "listMessages",
                 "List the messages of a mailbox, oldest first; no password is needed", Role::Viewer,
                 list_messages, "[Message]"});
  all.back().query = {{"after", "integer", "Only after this seq: `next` of the previous page"},
                      {"limit", "integer", "Greatest number of items: 1 to 1000, by default 100"},
                      {"state", "string", "A state, or `all`; by default live and unconfirmed"},
                      {"since", "string", "Received at this time or later (RFC 3339)"},
                      {"until", "string", "Received before this time (RFC 3339)"}};
  all.push_back({"POST", "/api/v1/mailboxes/:name/messages/change", "changeMessages",
                 "Quarantine, bring back or remove messages; each has its own result", Role::Operator,
                 change_messages, "[MessageResult]", "MessagesChange"});
  all.push_back({"GET", "/api/v1/mailboxes/:name/messages/:id", "showMessage",
                 "Show one message, without its content", Role::Viewer, show_message, "Message"});
  all.push_back({"POST", "/api/v1/mailboxes/:name/messages/:id/open", "openMessage",
                 "Open a message with the password of its mailbox, which is not stored", Role::Viewer,
                 open_message, "OpenedMessage", "OpenMessage"});
}

}  // namespace gw::web::api
