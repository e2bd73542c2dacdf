// The pages of one message: what the store knows about it, and its content with the mailbox's
// password.
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
// if somebody opens the address by itself.
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
struct Place {
  store::MailboxRecord mailbox;
  store::MessageRecord record;
  std::string path() const { return messages_path(mailbox.name) + "/" + record.id.hex(); }
};

// Returns the message that the path names, in a mailbox that the account may see.
Result<Place> place_of(const Context& context, const Request& request) {
  auto mailbox = context.mailbox(request.parameter("name"));
  if (!mailbox) return mailbox.error();
  const auto id = MessageId::parse(request.parameter("id"));
  if (!id) return Error(Code::NotFound, "no such message");
  auto record = context.store().find(mailbox->id, *id);
  if (!record) return record.error();
  return Place{std::move(*mailbox), std::move(*record)};
}

Html record_section(const Context& context, const store::MessageRecord& record) {
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

Html changes(const Context& context, const Place& place) {
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

Html password_section(const Context& context, const Place& place, const std::string& wrong) {
  const Words& w = context.w;
  Field password{.name = "password", .label = w("mailbox.password"), .type = "password"};
  password.help = w("message.password.help");
  password.wrong = wrong;
  password.required = true;
  password.focus = !wrong.empty();
  return section(w("message.open"), form(context, place.path() + "/open",
                                         field(password) + button(w("message.open.do"), Tone::Good)));
}

Html checks(const Context& context, const OpenView& view) {
  const Words& w = context.w;
  if (view.damage) return notice(w("message.damaged"), Tone::Bad);
  return notice(w("message.whole"), Tone::Good);
}

// Shows an opened message: the buttons that need it, and its content. The caller holds a
// ReadLock.
Html opened(const Context& context, const Place& place, OpenView& view) {
  const Words& w = context.w;
  Html all = tag("p", {{"class", "quiet"}}, w("message.open.note"));
  all += tag("div", {{"class", "onward"}},
             action_button(context, place.path() + "/eml", w("message.download"), Tone::Good) +
                 action_button(context, place.path() + "/close", w("message.close")));
  all = section(w("message.opened"), checks(context, view) + all);
  ViewSource source(view.message);
  const auto reading = mime::read_for_people(source, reading_limits());
  // A message that cannot be parsed can still be downloaded.
  if (!reading) {
    all += notice(w("message.unreadable"), Tone::Bad);
  } else {
    all += journal_section(context, reading->journal);
    all += content_sections(context, *reading, place.path() + "/html");
  }
  return all + envelope_section(context, view.message.envelope());
}

Response message_page(const Context& context, const Request& request, const Place& place,
                      const std::string& wrong, int status = 200) {
  const Words& w = context.w;
  PageParts parts;
  parts.title = w("message.title");
  parts.status = status;
  parts.actions =
      link_button(messages_path(place.mailbox.name), w("messages.of", {{"name", place.mailbox.name}})) +
      changes(context, place);
  const auto view = context.console().views().find(context.session_id(), place.mailbox.id, place.record.id);
  Html content;
  if (view) {
    const ReadLock turn(*view, kTimeout);
    if (!turn) return failed(context, request, Error(Code::Busy, "the message is being read"));
    content = opened(context, place, *view);
    parts.secret = true;
    // A pending message may still be discarded by its sender, so nobody reads it before it is
    // settled.
  } else if (place.record.state == store::State::Pending) {
    content = notice(w("message.pending"), Tone::Plain);
  } else {
    content = password_section(context, place, wrong);
  }
  parts.content = content + record_section(context, place.record);
  Response response = mailbox_page(context, request, parts);
  // harden() leaves a policy that is already set.
  if (view) response.set("Content-Security-Policy", std::string(kPagePolicy));
  return response;
}

Response show(Context& context, const Request& request) {
  const auto place = place_of(context, request);
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

Response open(Context& context, const Request& request) {
  const auto place = place_of(context, request);
  if (!place) return failed(context, request, place.error());
  if (place->record.state == store::State::Pending) return redirect(place->path());
  const auto ring = unlock_mailbox(context, request, place->mailbox, request.form.secret("password"));
  if (!ring) {
    const auto wrong = password_complaint(context, ring.error(), false);
    if (!wrong) return failed(context, request, ring.error());
    return message_page(context, request, *place, *wrong, ring.error().code() == Code::Busy ? 429 : 403);
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

Response close(Context& context, const Request& request) {
  const auto place = place_of(context, request);
  if (!place) return failed(context, request, place.error());
  context.console().views().close(context.session_id(), place->mailbox.id, place->record.id);
  return redirect(place->path());
}

// The document of the frame. It exists only while the message is open.
Response html(Context& context, const Request& request) {
  const auto place = place_of(context, request);
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
Response download(Context& context, const Request& request) {
  const auto place = place_of(context, request);
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

}  // namespace

void add_one_message_pages(Routes& routes) {
  routes.push_back({"GET", "/mailboxes/:name/messages/:id", Access::Viewer, show});
  routes.push_back({"POST", "/mailboxes/:name/messages/:id/open", Access::Viewer, open});
  routes.push_back({"POST", "/mailboxes/:name/messages/:id/close", Access::Viewer, close});
  routes.push_back({"GET", "/mailboxes/:name/messages/:id/html", Access::Viewer, html});
  routes.push_back({"POST", "/mailboxes/:name/messages/:id/eml", Access::Viewer, download});
}

}  // namespace gw::web
