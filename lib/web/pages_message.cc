// One message: what the store knows of it, and with the mailbox's password what is in it.
#include "vault/mailbox.h"
#include "vault/message_change.h"
#include "web/mail_html.h"
#include "web/mailbox_keys.h"
#include "web/mailbox_parts.h"
#include "web/message_note.h"
#include "web/message_pages.h"
#include "web/message_parts.h"
#include "web/open_views.h"
#include "web/widgets.h"

namespace gw::web {
namespace {

// Longer than a page takes to be made of the largest message.
constexpr std::chrono::seconds kPatience{10};

// The frame's document: nothing is loaded, nothing runs, nothing is sent, and it is nobody's page but this
// console's. The frame itself is sandboxed too; `sandbox` here holds where the address is opened by itself.
constexpr std::string_view kFramePolicy =
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri "
    "'none'; "
    "frame-ancestors 'self'";
// The page's own, which the frame's document may stand in, and nothing may replace it by a link within.
constexpr std::string_view kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src "
    "'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

struct Place {
  store::MailboxRecord mailbox;
  store::MessageRecord record;
  std::string path() const { return messages_path(mailbox.name) + "/" + record.id.hex(); }
};

// The message that the path names, in a mailbox that the account may see.
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
                        {w("message.octets"), escaped(w.number(record.octets))},
                        {w("message.wire-octets"), escaped(w.number(record.wire_octets))},
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

// What is open: the buttons that need it, and what is in it.
Html opened(const Context& context, const Place& place, OpenView& view) {
  const Words& w = context.w;
  Html all = tag("p", {{"class", "quiet"}}, w("message.open.note"));
  all += tag("div", {{"class", "onward"}},
             action_button(context, place.path() + "/eml", w("message.download"), Tone::Good) +
                 action_button(context, place.path() + "/close", w("message.close")));
  all = section(w("message.opened"), checks(context, view) + all);
  ViewSource source(view.message);
  const auto reading = mime::read_for_people(source, reading_limits());
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
    const ReadingTurn turn(*view, kPatience);
    if (!turn) return failed(context, request, Error(Code::Busy, "the message is being read"));
    content = opened(context, place, *view);
    parts.secret = true;
  } else if (place.record.state == store::State::Pending) {
    content = notice(w("message.pending"), Tone::Plain);
  } else {
    content = password_section(context, place, wrong);
  }
  parts.content = content + record_section(context, place.record);
  Response response = mailbox_page(context, request, parts);
  if (view) response.set("Content-Security-Policy", std::string(kPagePolicy));
  return response;
}

Response show(Context& context, const Request& request) {
  const auto place = place_of(context, request);
  if (!place) return failed(context, request, place.error());
  return message_page(context, request, *place, {});
}

// Reads it to its end: only then its digest is compared. None: it is whole.
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
  if (const auto noted = note_seen(context, place->mailbox.id, place->record.id, "shown"); !noted)
    return failed(context, request, noted.error());
  auto view = std::make_shared<OpenView>(std::move(*message), place->record);
  view->damage = damage_of(view->message);
  if (view->damage && view->damage->code() != Code::Corrupt) return failed(context, request, *view->damage);
  context.console().views().open(context.session_id(), place->mailbox.id, std::move(view));
  return redirect(place->path());
}

Response close(Context& context, const Request& request) {
  const auto place = place_of(context, request);
  if (!place) return failed(context, request, place.error());
  context.console().views().close(context.session_id(), place->mailbox.id, place->record.id);
  return redirect(place->path());
}

// The frame's document. Where nothing is open there is nothing to see.
Response html(Context& context, const Request& request) {
  const auto place = place_of(context, request);
  if (!place) return failed(context, request, place.error());
  const auto view = context.console().views().find(context.session_id(), place->mailbox.id, place->record.id);
  if (!view) return refused(context, request, 404);
  const ReadingTurn turn(*view, kPatience);
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
  response.set("X-DNS-Prefetch-Control", "off");
  response.set("Referrer-Policy", "no-referrer");
  return response;
}

// The octets as they were received. What is found damaged on the way breaks the connection, so that nobody
// takes what came for the whole.
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
  response.set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'");
  response.length = place->record.octets;
  response.stream = [view = std::move(view)](const Sink& sink) {
    const ReadingTurn turn(*view, kPatience);
    if (!turn) return false;
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
