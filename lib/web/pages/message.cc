// The pages of one message: what the store knows about it, and its content with the mailbox's
// password.
#include <array>

#include "base/text.h"
#include "mime/unwrap.h"
#include "vault/mailbox.h"
#include "vault/message_change.h"
#include "web/opened_messages.h"
#include "web/pages/mailbox_keys.h"
#include "web/pages/mailbox_parts.h"
#include "web/pages/message_note.h"
#include "web/pages/message_pages.h"
#include "web/pages/message_parts.h"
#include "web/ui/mail_html.h"
#include "web/ui/widgets.h"

namespace gw::web {
namespace {

// How long a request waits for other readers of the same opened message. Building a page from the
// largest message takes less.
constexpr std::chrono::seconds kTimeout{10};

// The policy of the frame's document: it loads nothing, runs nothing and sends nothing, and only a
// page of this console may frame it. The frame element is sandboxed too; `sandbox` here also holds
// if the address is opened by itself.
constexpr std::string_view kFramePolicy =
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri "
    "'none'; "
    "frame-ancestors 'self'";
// The policy of the message page: like that of every page, but it may contain the frame.
constexpr std::string_view kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src "
    "'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

// The message that a path names.
struct MessagePlace {
  store::MailboxRecord mailbox;
  store::MessageRecord record;
  std::string path() const { return messages_path(mailbox.name) + "/" + record.id.hex(); }
};

// Returns the message that the path names, in a mailbox that the account may see.
Result<MessagePlace> message_place(const Context& context, const Request& request) {
  auto mailbox = context.mailbox(request.parameter("name"));
  if (!mailbox) return mailbox.error();
  const auto id = MessageId::parse(request.parameter("id"));
  if (!id) return Error(Code::NotFound, "no such message");
  auto record = context.store().find(mailbox->id, *id);
  if (!record) return record.error();
  return MessagePlace{std::move(*mailbox), std::move(*record)};
}

Html message_record_section(const Context& context, const store::MessageRecord& record) {
  const Words& w = context.w;
  return section(w("message.record"),
                 facts({{w("message.id"), copyable(context, record.id.hex())},
                        {w("messages.state"), state_pill(context, record.state)},
                        {w("message.received"), w.at(record.received)},
                        {w("message.changed"), w.at(record.changed)},
                        {w("message.octets"), escaped(w.number(record.size))},
                        {w("message.wire-octets"), escaped(w.number(record.wire_size))},
                        {w("message.seq"), escaped(std::to_string(record.seq))},
                        {w("message.generation"), escaped(std::to_string(record.generation))},
                        {w("message.container"), tag("code", {}, escaped(to_hex(record.container)))},
                        {w("message.commitment"), tag("code", {}, escaped(to_hex(record.commitment)))}}));
}

Html message_buttons(const Context& context, const MessagePlace& place) {
  using vault::MessageChange;
  const Words& w = context.w;
  if (!context.may(vault::Role::Operator)) return {};
  Html all;
  const auto add = [&](MessageChange change, const char* what, Text word, Tone tone) {
    if (!possible(change, place.record.state)) return;
    all += tag("form", {{"method", "post"}, {"action", change_path(place.mailbox.name)}, {"class", "inline"}},
               hidden("csrf", context.csrf()) + hidden("change", what) + hidden("id", place.record.id.hex()) +
                   button(w(word), tone));
  };
  add(MessageChange::Quarantine, "quarantine", "message.quarantine", Tone::Plain);
  add(MessageChange::Restore, "restore", "message.restore", Tone::Plain);
  add(MessageChange::Remove, "remove", "do.remove", Tone::Bad);
  return all;
}

// The form that opens the message: with a password, unless the mailbox is open.
Html password_section(const Context& context, const MessagePlace& place, const std::string& wrong) {
  const Words& w = context.w;
  if (context.console().opened_mailboxes().find(context.session_id(), place.mailbox.id,
                                                place.mailbox.version)) {
    Html inside = wrong.empty() ? Html() : notice(escaped(wrong), Tone::Bad);
    inside += tag("p", {}, w("message.open.by-mailbox")) +
              form(context, place.path() + "/open", button(w("message.open.do"), Tone::Good));
    return section(w("message.open"), inside);
  }
  Field password{.name = "password", .label = w("mailbox.password"), .type = "password"};
  password.help = w("message.password.help");
  password.wrong = wrong;
  password.required = true;
  password.focus = !wrong.empty();
  return section(w("message.open"), form(context, place.path() + "/open",
                                         field(password) + button(w("message.open.do"), Tone::Good)));
}

Html message_checks(const Context& context, const OpenView& view) {
  const Words& w = context.w;
  if (view.damage) return notice(w("message.damaged"), Tone::Bad);
  return notice(w("message.whole"), Tone::Good);
}

// The parts of an opened message, one of which is shown at a time. Each is a page of its own, so that
// they work without JavaScript.
struct Tab {
  std::string_view id;
  Text word;
};
constexpr std::array<Tab, 7> kTabs{{{"text", "message.tab.text"},
                                    {"html", "message.tab.html"},
                                    {"journal", "message.tab.journal"},
                                    {"headers", "message.tab.headers"},
                                    {"envelope", "message.tab.envelope"},
                                    {"raw", "message.tab.raw"},
                                    {"stored", "message.tab.stored"}}};

// Returns the part that the request asks for, or the one that says most. `reading` is null if the
// message cannot be parsed.
std::string_view chosen_tab(const Request& request, const mime::Reading* reading) {
  const std::string_view asked = request.query.get("view");
  const auto has = [&](std::string_view id) {
    if (id == "text") return reading != nullptr;
    if (id == "headers") return reading != nullptr;
    if (id == "html") return reading != nullptr && reading->html.has_value();
    if (id == "journal") return reading != nullptr && reading->journal.is_journal_report;
    return true;
  };
  for (const Tab& each : kTabs)
    if (each.id == asked && has(asked)) return each.id;
  if (reading == nullptr) return "raw";
  return !reading->text && reading->html ? "html" : "text";
}

Html tab_links(const Context& context, const std::string& path, std::string_view chosen,
               const mime::Reading* reading) {
  Html all;
  for (const Tab& each : kTabs) {
    if (each.id == "html" && (reading == nullptr || !reading->html)) continue;
    if (each.id == "journal" && (reading == nullptr || !reading->journal.is_journal_report)) continue;
    if ((each.id == "text" || each.id == "headers") && reading == nullptr) continue;
    Attributes attributes{{"href", path + "?view=" + std::string(each.id)}};
    if (each.id == chosen) attributes.emplace_back("aria-current", "true");
    all += tag("a", attributes, context.w(each.word));
  }
  return tag("nav", {{"class", "tabs"}, {"aria-label", context.w.plain("message.parts")}}, all);
}

// Returns the subject for the heading, cut to what fits there; empty if there is none.
std::string subject_of(const mime::Reading& reading) {
  constexpr std::size_t kMaxHeading = 200;
  const std::string* found =
      mime::find_field(reading.inner.empty() ? reading.fields : reading.inner, "Subject");
  std::string subject = found == nullptr ? "" : printable(trim(*found));
  if (subject.size() <= kMaxHeading) return subject;
  std::size_t end = kMaxHeading;
  while (end > 0 && (static_cast<unsigned char>(subject[end]) & 0xc0) == 0x80) --end;
  return subject.substr(0, end) + "…";
}

// Shows an opened message: the buttons that need it, and one part of its content. Sets `title` to its
// subject. The caller holds a ReadLock.
Result<Html> opened(const Context& context, const Request& request, const MessagePlace& place, OpenView& view,
                    Html& title) {
  const Words& w = context.w;
  const std::string path = place.path();
  Html all = message_checks(context, view);
  all += tag("p", {{"class", "quiet"}}, w("message.open.note"));
  all += tag("div", {{"class", "onward"}},
             action_button(context, path + "/eml", w("message.download"), Tone::Good) +
                 action_button(context, path + "/close", w("message.close")));
  ViewSource source(view.message);
  const auto reading = mime::read_for_people(source, reading_limits());
  const mime::Reading* readable = reading ? &*reading : nullptr;
  // A message that cannot be parsed can still be downloaded.
  if (readable == nullptr) {
    all += notice(w("message.unreadable"), Tone::Bad);
  } else {
    const std::string subject = subject_of(*readable);
    title = subject.empty() ? w("messages.no-subject") : escaped(subject);
    all = summary_section(context, *readable) + all;
  }
  const std::string_view tab = chosen_tab(request, readable);
  Html content = tag("section", {{"class", "panel"}}, all);
  Html part = tab_links(context, path, tab, readable);
  if (tab == "text") {
    part += text_section(context, *readable);
  } else if (tab == "html") {
    part += html_section(context, path + "/html");
  } else if (tab == "journal") {
    part += journal_section(context, readable->journal);
  } else if (tab == "headers") {
    part += header_section(context, *readable);
  } else if (tab == "envelope") {
    part += envelope_section(context, view.message.envelope());
  } else if (tab == "raw") {
    auto raw = raw_section(context, source);
    // A damaged message has no raw form as a whole.
    part += raw ? std::move(*raw) : notice(w("message.damaged"), Tone::Bad);
  } else {
    part += message_record_section(context, place.record);
  }
  content += tag("section", {{"class", "panel parts"}, {"id", "parts"}}, part);
  if (readable != nullptr) {
    content += attachments_section(context, *readable, path + "/attachment");
    if (readable->limit_reached) content += notice(w("message.limit"), Tone::Warning);
  }
  return content;
}

Response message_page(const Context& context, const Request& request, const MessagePlace& place,
                      const std::string& wrong, int status = 200) {
  const Words& w = context.w;
  PageParts parts;
  parts.title = w("message.title");
  parts.status = status;
  parts.actions =
      link_button(messages_path(place.mailbox.name), w("messages.of", {{"name", place.mailbox.name}})) +
      message_buttons(context, place);
  const auto view = context.console().views().find(context.session_id(), place.mailbox.id, place.record.id);
  Html content;
  if (view) {
    const ReadLock turn(*view, kTimeout);
    if (!turn) return failed(context, request, Error(Code::Busy, "the message is being read"));
    auto shown = opened(context, request, place, *view, parts.title);
    if (!shown) return failed(context, request, shown.error());
    content = std::move(*shown);
    parts.secret = true;
    // The message closes by itself. The page must not show it for longer, also without JavaScript.
    parts.refresh_after = static_cast<int>(
        context.console().views().left(context.session_id(), place.mailbox.id, place.record.id).count() + 1);
    parts.refresh_to = place.path() + "?" + std::string(kUnattended) + "=1";
    // A pending message may still be discarded by its sender, so it cannot be read before it is
    // settled.
  } else if (place.record.state == store::State::Pending) {
    content = notice(w("message.pending"), Tone::Plain) + message_record_section(context, place.record);
  } else {
    content = password_section(context, place, wrong) + message_record_section(context, place.record);
  }
  parts.content = content;
  Response response = mailbox_page(context, request, parts);
  // harden() leaves a policy that is already set.
  if (view) response.set("Content-Security-Policy", std::string(kPagePolicy));
  return response;
}

Response show_message(Context& context, const Request& request) {
  const auto place = message_place(context, request);
  if (!place) return failed(context, request, place.error());
  return message_page(context, request, *place, {});
}

// Reads the message to its end, since only then its digest is compared. Returns nullopt if it is
// intact.
std::optional<Error> damage_of(vault::Message& message) {
  for (;;) {
    const auto piece = message.next();
    if (!piece) return piece.error();
    if (piece->empty()) return std::nullopt;
  }
}

Response open_message(Context& context, const Request& request) {
  const auto place = message_place(context, request);
  if (!place) return failed(context, request, place.error());
  if (place->record.state == store::State::Pending) return redirect(place->path());
  // Without a password only if this session has the mailbox open.
  auto opened_mailbox = request.form.has("password")
                            ? std::nullopt
                            : context.console().opened_mailboxes().find(
                                  context.session_id(), place->mailbox.id, place->mailbox.version);
  std::shared_ptr<const seal::KeyRing> ring = opened_mailbox ? opened_mailbox->ring : nullptr;
  if (!ring) {
    if (!request.form.has("password")) return redirect(place->path());
    auto unlocked = unlock_mailbox(context, request, place->mailbox, request.form.secret("password"));
    if (!unlocked) {
      const auto wrong = password_complaint(context, unlocked, false);
      if (!wrong) return failed(context, request, unlocked.error());
      return wrong->on(message_page(context, request, *place, wrong->text, wrong->status));
    }
    ring = std::make_shared<const seal::KeyRing>(std::move(*unlocked));
  }
  const auto vault_id = context.store().vault_id();
  if (!vault_id) return failed(context, request, vault_id.error());
  auto message = vault::open_message(context.store(), *ring, *vault_id, place->mailbox.id, place->record);
  if (!message && message.error().code() == Code::Corrupt)
    return message_page(context, request, *place, context.w.plain("message.does-not-open"), 409);
  if (!message) return failed(context, request, message.error());
  // Before anything is shown: a message that was read must be in the history.
  if (const auto noted = note_seen(context, place->mailbox.id, place->record.id, "shown"); !noted)
    return failed(context, request, noted.error());
  auto view = std::make_shared<OpenView>(std::move(*message), place->record);
  view->damage = damage_of(view->message);
  // A damaged message is shown with a warning; if the keeper went away, nothing is known about the
  // message.
  if (view->damage && view->damage->code() != Code::Corrupt) return failed(context, request, *view->damage);
  context.console().views().open(context.session_id(), place->mailbox.id, std::move(view));
  // The content is shown by GET, so that a reload does not send the password again.
  return redirect(place->path());
}

Response close_message(Context& context, const Request& request) {
  const auto place = message_place(context, request);
  if (!place) return failed(context, request, place.error());
  context.console().views().close(context.session_id(), place->mailbox.id, place->record.id);
  return redirect(place->path());
}

// The document of the frame. It exists only while the message is open.
Response message_html(Context& context, const Request& request) {
  const auto place = message_place(context, request);
  if (!place) return failed(context, request, place.error());
  const auto view = context.console().views().find(context.session_id(), place->mailbox.id, place->record.id);
  if (!view) return refused(context, request, 404);
  const ReadLock turn(*view, kTimeout);
  if (!turn) return failed(context, request, Error(Code::Busy, "the message is being read"));
  ViewSource source(view->message);
  const auto reading = mime::read_for_people(source, reading_limits());
  if (!reading) return failed(context, request, reading.error());
  if (!reading->html) return refused(context, request, 404);
  auto text = mime::read_text(source, *reading->html, kShownHtml);
  if (!text) return failed(context, request, text.error());
  Response response;
  response.body = harmless_html(text->text);
  response.secret = true;
  response.set("Content-Security-Policy", std::string(kFramePolicy));
  response.set("X-Frame-Options", "SAMEORIGIN");
  // Browsers could otherwise look up host names in the text, which would tell the sender that the
  // mail is read.
  response.set("X-DNS-Prefetch-Control", "off");
  response.set("Referrer-Policy", "no-referrer");
  return response;
}

// Sends the message as it was received. If it turns out to be damaged on the way, the connection is
// cut, so that the client does not mistake the part for the whole. A POST, because it appends a
// history entry.
Response download_message(Context& context, const Request& request) {
  const auto place = message_place(context, request);
  if (!place) return failed(context, request, place.error());
  auto view = context.console().views().find(context.session_id(), place->mailbox.id, place->record.id);
  if (!view) return redirect(place->path());
  if (const auto noted = note_seen(context, place->mailbox.id, place->record.id, "downloaded"); !noted)
    return failed(context, request, noted.error());
  Response response;
  response.content_type = "message/rfc822";
  response.set("Content-Disposition", "attachment; filename=\"" + place->record.id.hex() + ".eml\"");
  // For browsers that show a message/rfc822 instead of storing it.
  response.set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'");
  response.length = place->record.size;
  response.stream = [view = std::move(view)](const Sink& sink) {
    const ReadLock turn(*view, kTimeout);
    if (!turn) return false;
    // The turn lasts as long as the client takes to receive the message; other requests for it wait
    // kTimeout.
    view->message.rewind();
    for (;;) {
      const auto piece = view->message.next();
      if (!piece) return false;
      if (piece->empty()) return true;
      if (!sink(*piece)) return false;
    }
  };
  return response;
}

// Sends one attachment. The browser stores it and never shows it: its type, name and content come from
// the sender. A POST, because it appends a history entry.
Response message_attachment(Context& context, const Request& request) {
  const auto place = message_place(context, request);
  if (!place) return failed(context, request, place.error());
  const auto number = parse_number(request.form.get("part"));
  if (!number) return refused(context, request, 400);
  auto view = context.console().views().find(context.session_id(), place->mailbox.id, place->record.id);
  if (!view) return redirect(place->path());
  mime::Attachment found;
  {
    const ReadLock turn(*view, kTimeout);
    if (!turn) return failed(context, request, Error(Code::Busy, "the message is being read"));
    ViewSource source(view->message);
    auto reading = mime::read_for_people(source, reading_limits());
    if (!reading) return failed(context, request, reading.error());
    if (*number >= reading->attachments.size()) return refused(context, request, 404);
    found = std::move(reading->attachments[static_cast<std::size_t>(*number)]);
  }
  if (const auto noted = note_seen(context, place->mailbox.id, place->record.id, "attachment downloaded");
      !noted)
    return failed(context, request, noted.error());
  Response response;
  response.content_type = "application/octet-stream";
  response.secret = true;
  response.set("Content-Disposition",
               attachment_disposition(found.name, "attachment-" + std::to_string(*number + 1)));
  response.set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'");
  response.set("X-Content-Type-Options", "nosniff");
  response.set("X-Download-Options", "noopen");
  response.stream = [view = std::move(view), content = std::move(found.content)](const Sink& sink) {
    const ReadLock turn(*view, kTimeout);
    if (!turn) return false;
    ViewSource source(view->message);
    mime::ContentReader reader(source, content);
    for (;;) {
      const auto piece = reader.next();
      if (!piece) return false;
      if (piece->empty()) return true;
      if (!sink(*piece)) return false;
    }
  };
  return response;
}

}  // namespace

void add_one_message_pages(Routes& routes) {
  routes.push_back({"GET", "/mailboxes/:name/messages/:id", Access::Viewer, show_message});
  routes.push_back({"POST", "/mailboxes/:name/messages/:id/open", Access::Viewer, open_message});
  routes.push_back({"POST", "/mailboxes/:name/messages/:id/close", Access::Viewer, close_message});
  routes.push_back({"GET", "/mailboxes/:name/messages/:id/html", Access::Viewer, message_html});
  routes.push_back({"POST", "/mailboxes/:name/messages/:id/eml", Access::Viewer, download_message});
  routes.push_back({"POST", "/mailboxes/:name/messages/:id/attachment", Access::Viewer, message_attachment});
}

}  // namespace gw::web
