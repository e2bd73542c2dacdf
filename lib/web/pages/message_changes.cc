// Changes to messages: one that its own page names, or several that the list marks.
#include "vault/message_change.h"
#include "web/pages/mailbox_parts.h"
#include "web/pages/message_pages.h"
#include "web/ui/widgets.h"

namespace gw::web {
namespace {

constexpr std::size_t kMaxChanged = 200;  // messages that one form may name

// A change to several messages, as a form names it.
struct WantedChange {
  vault::MessageChange kind{};
  std::string word;  // as in the form
  std::vector<MessageId> ids;
};

// Returns the change; nullopt if the form is not one of this console: an unknown change, a
// malformed id or more ids than a page has.
std::optional<WantedChange> wanted_change(const Form& form) {
  WantedChange wanted;
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

// The texts of a confirmation.
struct Question {
  Html title, effect, button;
};

Question question_of(const Words& w, const WantedChange& wanted) {
  const std::size_t count = wanted.ids.size();
  switch (wanted.kind) {
    case vault::MessageChange::Remove:
      return {w.counted("messages.remove.one", "messages.remove.many", count), w("messages.remove.effect"),
              w.counted("messages.remove.do.one", "messages.remove.do.many", count)};
    case vault::MessageChange::Quarantine:
      return {w.counted("messages.quarantine.one", "messages.quarantine.many", count),
              w("messages.quarantine.effect"),
              w.counted("messages.quarantine.do.one", "messages.quarantine.do.many", count)};
    case vault::MessageChange::Restore:
      break;
  }
  return {w.counted("messages.restore.one", "messages.restore.many", count), w("messages.restore.effect"),
          w.counted("messages.restore.do.one", "messages.restore.do.many", count)};
}

// Returns where the form came from, if that is a list of this mailbox; otherwise the list's start.
std::string back_of(const Form& form, const std::string& path) {
  const std::string back(form.get("back"));
  return is_own_address(back) && (back == path || back.starts_with(path + "?")) ? back : path;
}

// Asks for a confirmation and says what will happen. It is a page, so that it also works without
// JavaScript.
Response sure_page(const Context& context, const Request& request, const store::MailboxRecord& mailbox,
                   const WantedChange& wanted) {
  const Words& w = context.w;
  const std::string path = messages_path(mailbox.name);
  const std::string list = back_of(request.form, path);
  const std::string back =
      wanted.ids.size() == 1 && !request.form.has("back") ? path + "/" + wanted.ids.front().hex() : list;
  Html inside = hidden("change", wanted.word) + hidden("sure", "yes");
  if (request.form.has("back")) inside += hidden("back", list);
  Html listed;
  for (const MessageId& id : wanted.ids) {
    inside += hidden("id", id.hex());
    listed += tag("li", {}, tag("code", {}, escaped(id.hex())));
  }
  const bool removes = wanted.kind == vault::MessageChange::Remove;
  const Question question = question_of(w, wanted);
  PageParts parts;
  parts.title = question.title;
  parts.content =
      tag("div", {{"class", "panel"}},
          notice(question.effect, removes ? Tone::Bad : Tone::Warning) +
              tag("p", {}, link(path, w("messages.of", {{"name", mailbox.name}}))) + tag("ul", {}, listed) +
              form(context, change_path(mailbox.name),
                   inside + tag("div", {{"class", "onward"}},
                                button(question.button, removes ? Tone::Bad : Tone::Good) +
                                    link_button(back, w("do.cancel")))));
  return mailbox_page(context, request, parts);
}

Response change_messages(Context& context, const Request& request) {
  const Words& w = context.w;
  const auto mailbox = context.mailbox(request.parameter("name"));
  if (!mailbox) return failed(context, request, mailbox.error());
  const auto wanted = wanted_change(request.form);
  if (!wanted) return refused(context, request, 400);
  const std::string path = messages_path(mailbox->name);
  const std::string back = back_of(request.form, path);
  const auto with = [](const std::string& address, const char* parameter) {
    return address + (address.find('?') == std::string::npos ? "?" : "&") + parameter;
  };
  if (wanted->ids.empty()) return redirect(with(back, "problem=none-chosen"));
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
    // A change on the page of one message leads back to it, as long as it exists.
    const bool stays =
        wanted->ids.size() == 1 && !request.form.has("back") && wanted->kind != vault::MessageChange::Remove;
    return redirect(with(stays ? path + "/" + wanted->ids.front().hex() : back, "done=changed"));
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

std::string change_path(std::string_view mailbox) {
  return mailbox_path(mailbox) + "/change-messages";
}

void add_message_change_pages(Routes& routes) {
  routes.push_back({"POST", "/mailboxes/:name/change-messages", Access::Operator, change_messages});
}

}  // namespace gw::web
