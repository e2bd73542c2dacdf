// The pages on what opens a mailbox: its password and its keys.
#include "vault/mailbox.h"
#include "web/pages/mailbox_keys.h"
#include "web/pages/mailbox_parts.h"
#include "web/ui/widgets.h"

namespace gw::web {
namespace {

Field mailbox_secret_field(const char* name, const Html& label, const Html& help, const std::string& wrong) {
  Field one{.name = name, .label = label, .type = "password", .help = help, .wrong = wrong};
  // Browsers must not store the password of a mailbox with the user's own one.
  one.autocomplete = "off";
  return one;
}

// What is wrong, at which field, and the status of the page.
struct Refusal {
  std::string field;
  std::string text;
  int status = 400;
  std::string at(std::string_view name) const { return name == field ? text : std::string(); }
};

// Shows the form with a proposed password: the one that the previous form has shown, which the user
// may have stored already, else a new one.
Response password_page(const Context& context, const Request& request, const store::MailboxRecord& record,
                       const Refusal& refusal = {}) {
  const Words& w = context.w;
  const std::string path = mailbox_path(record.name);
  Field recovery{.name = "recovery", .label = w("mailbox.recovery-key"), .type = "textarea"};
  recovery.help = w("mailbox.recovery-key.help");
  recovery.wrong = refusal.at("recovery");
  Field old = mailbox_secret_field("old", w("mailbox.password.old"), {}, refusal.at("old"));
  old.focus = true;
  Secret proposed = request.form.secret("proposed");
  if (!vault::check_password(proposed)) proposed = vault::generate_password();
  PageParts parts;
  parts.title = w("mailbox.password.of", {{"name", record.name}});
  parts.status = refusal.text.empty() ? 200 : refusal.status;
  parts.secret = true;
  const std::string not_kept = refusal.at("proposed");
  parts.content = tag(
      "div", {{"class", "panel"}},
      tag("p", {}, w("mailbox.password.about")) +
          form(
              context, path + "/password",
              tag("h2", {}, w("mailbox.password.opens")) + field(old) +
                  tag("details", {{"open", refusal.field == "recovery"}},
                      tag("summary", {}, w("mailbox.password.lost")) + field(recovery)) +
                  proposed_secret(context, "proposed", w("mailbox.password.new"), proposed, false) +
                  (not_kept.empty() ? Html() : notice(escaped(not_kept), Tone::Bad)) +
                  tag("details", {{"open", refusal.field == "fresh" || refusal.field == "again"}},
                      tag("summary", {}, w("mailbox.password.own")) +
                          field(mailbox_secret_field("fresh", w("mailbox.password.chosen"),
                                                     w("mailbox.password.chosen.help"),
                                                     refusal.at("fresh"))) +
                          field(mailbox_secret_field("again", w("mailbox.password.again"), {},
                                                     refusal.at("again")))) +
                  tag("div", {{"class", "onward"}},
                      button(w("mailbox.change-password"), Tone::Good) + link_button(path, w("do.cancel")))));
  return mailbox_page(context, request, parts);
}

Response show_password(Context& context, const Request& request) {
  const auto record = context.mailbox(request.parameter("name"));
  if (!record) return failed(context, request, record.error());
  return password_page(context, request, *record);
}

Response change_mailbox_password(Context& context, const Request& request) {
  const Words& w = context.w;
  const auto record = context.mailbox(request.parameter("name"));
  if (!record) return failed(context, request, record.error());
  std::optional<Secret> fresh;
  // A password of the user's own choice precedes the proposed one. Both are checked before the
  // mailbox is opened, which costs an Argon2id computation.
  if (!request.form.get("fresh").empty()) {
    fresh = request.form.secret("fresh");
    if (!vault::check_password(*fresh))
      return password_page(context, request, *record, {"fresh", w.plain("mailbox.wrong.weak")});
    if (!equal_secrets(fresh->view(), request.form.secret("again").view()))
      return password_page(context, request, *record, {"again", w.plain("mailbox.wrong.again")});
  } else {
    fresh = kept_secret(request, "proposed");
    if (!fresh || !vault::check_password(*fresh))
      return password_page(context, request, *record, {"proposed", w.plain("once.not-kept")});
  }
  const bool recovery = request.form.get("old").empty() && !request.form.get("recovery").empty();
  const auto ring =
      recovery ? unlock_mailbox_by_recovery(context, request, *record, request.form.secret("recovery"))
               : unlock_mailbox(context, request, *record, request.form.secret("old"));
  if (!ring) {
    const auto wrong = password_complaint(context, ring, recovery);
    if (!wrong) return failed(context, request, ring.error());
    return wrong->on(password_page(context, request, *record,
                                   {recovery ? "recovery" : "old", wrong->text, wrong->status}));
  }
  const auto changed = vault::change_password(context.store(), *record, *ring, *fresh, context.actor());
  // A mailbox that was opened with the old password must not stay open.
  if (changed || changed.error().code() == Code::Unknown) context.console().close_mailbox(record->id);
  // The keeper did not answer, so either password may be in force. The page shows the proposed one
  // again.
  if (!changed && changed.error().code() == Code::Unknown)
    return password_page(context, request, *record, {"proposed", w.plain("once.unknown"), 503});
  if (!changed) return failed(context, request, changed.error());
  return redirect(mailbox_path(record->name) + "?done=password");
}

Response rotate_page(const Context& context, const Request& request, const store::MailboxRecord& record,
                     const Refusal& refusal = {}) {
  const Words& w = context.w;
  const std::string path = mailbox_path(record.name);
  Field password = mailbox_secret_field("password", w("mailbox.password"), {}, refusal.at("password"));
  password.required = true;
  password.focus = true;
  PageParts parts;
  parts.title = w("mailbox.rotate.of", {{"name", record.name}});
  parts.status = refusal.text.empty() ? 200 : refusal.status;
  parts.content =
      tag("div", {{"class", "panel"}},
          tag("p", {}, w("mailbox.rotate.about", {{"number", std::to_string(record.newest().number)}})) +
              form(context, path + "/rotate",
                   field(password) +
                       tag("div", {{"class", "onward"}},
                           button(w("mailbox.rotate"), Tone::Good) + link_button(path, w("do.cancel")))));
  return mailbox_page(context, request, parts);
}

Response show_rotate(Context& context, const Request& request) {
  const auto record = context.mailbox(request.parameter("name"));
  if (!record) return failed(context, request, record.error());
  return rotate_page(context, request, *record);
}

Response rotate_keys(Context& context, const Request& request) {
  const auto record = context.mailbox(request.parameter("name"));
  if (!record) return failed(context, request, record.error());
  const Secret password = request.form.secret("password");
  // A rotation needs the keys, because the new key is wrapped by the same password.
  auto ring = unlock_mailbox(context, request, *record, password);
  if (!ring) {
    const auto wrong = password_complaint(context, ring, false);
    if (!wrong) return failed(context, request, ring.error());
    return wrong->on(rotate_page(context, request, *record, {"password", wrong->text, wrong->status}));
  }
  const auto now = vault::rotate(context.store(), *record, std::move(*ring), password, context.actor());
  // The keys that are kept cannot open what is sealed to the new one.
  context.console().close_mailbox(record->id);
  if (!now) return failed(context, request, now.error());
  return redirect(mailbox_path(now->name) + "?done=rotated");
}

}  // namespace

void add_mailbox_key_pages(Routes& routes) {
  routes.push_back({"GET", "/mailboxes/:name/password", Access::Administrator, show_password});
  routes.push_back({"POST", "/mailboxes/:name/password", Access::Administrator, change_mailbox_password});
  routes.push_back({"GET", "/mailboxes/:name/rotate", Access::Administrator, show_rotate});
  routes.push_back({"POST", "/mailboxes/:name/rotate", Access::Administrator, rotate_keys});
}

}  // namespace gw::web
