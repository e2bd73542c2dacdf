// The pages of one mailbox: its state, settings, legal hold, suspension and removal.
#include "base/text.h"
#include "vault/mailbox_settings.h"
#include "web/diagnoses.h"
#include "web/pages/mailbox_form.h"
#include "web/pages/mailbox_parts.h"
#include "web/pages/pages.h"
#include "web/pages/traffic_chart.h"
#include "web/ui/layout.h"
#include "web/ui/widgets.h"

namespace gw::web {
namespace {

Html mailbox_numbers(const Context& context, const store::MailboxRecord& record,
                     const store::MailboxStat& stat) {
  const Words& w = context.w;
  const auto when = [&](Micros time) { return time == 0 ? w("never") : w.ago(time, context.now()); };
  std::vector<Html> all{
      card(w("mailbox.waiting"), escaped(w.number(stat.live)),
           stat.oldest == 0 ? Html() : w.with("mailbox.oldest.age", w.ago(stat.oldest, context.now())))};
  Html quota = w("mailbox.quota.none");
  if (record.quota != 0)
    quota = quota_meter(context, record, stat) + escaped(" ") + quota_text(context, record, stat);
  all.push_back(card(w("mailbox.size"), escaped(w.size(stat.live_bytes)), quota));
  all.push_back(card(w("mailbox.last-delivery"), when(stat.last_delivery),
                     w.counted("mailbox.accepted.one", "mailbox.accepted.many", stat.accepted)));
  all.push_back(card(
      w("mailbox.last-drain"), when(stat.last_drain),
      stat.drained == 0 ? Html() : w.counted("mailbox.in-grace.one", "mailbox.in-grace.many", stat.drained)));
  if (stat.quarantined > 0)
    all.push_back(card(w("mailbox.quarantined"), escaped(w.number(stat.quarantined)), {}, Tone::Warning));
  if (stat.unconfirmed > 0)
    all.push_back(card(w("mailbox.unconfirmed"), escaped(w.number(stat.unconfirmed)), {}, Tone::Warning));
  if (stat.pending > 0) all.push_back(card(w("mailbox.pending"), escaped(w.number(stat.pending))));
  return cards(all);
}

Html listed_texts(const std::vector<std::string>& all, const Html& none) {
  if (all.empty()) return none;
  Html lines;
  for (const std::string& each : all) lines += tag("div", {}, tag("code", {}, escaped(each)));
  return lines;
}

Html about_mailbox(const Context& context, const store::MailboxRecord& record,
                   const vault::Settings& settings) {
  const Words& w = context.w;
  const auto trace = Text::find("mailbox.trace." + std::string(name(record.trace)));
  const auto days = [&](std::int64_t seconds, Text none) {
    if (seconds == 0) return w(none);
    if (seconds % kDaySeconds != 0) return escaped(w.span(seconds));
    return w.counted("mailbox.days.one", "mailbox.days.many",
                     static_cast<std::uint64_t>(seconds / kDaySeconds));
  };
  Html grace = days(record.grace, "mailbox.grace.none");
  if (record.hold) grace += escaped(" ") + pill(w("mailbox.held"), Tone::Warning);
  Html allow = listed_texts(record.allow, w("mailbox.allow.all"));
  if (!record.allow.empty() && record.allow_reject) allow += tag("small", {}, w("mailbox.allow-reject"));
  return section(
      w("mailbox.about"),
      facts(
          {{w("mailbox.address"), copyable(context, vault::address_of(record, settings))},
           {w("mailbox.id"), tag("code", {}, escaped(record.id.hex()))},
           {w("mailbox.description"),
            record.description.empty() ? escaped("–") : escaped(record.description)},
           {w("mailbox.aliases"), listed_texts(record.aliases, w("none"))},
           {w("mailbox.domains"), listed_texts(record.domains, w("none"))},
           {w("mailbox.allow"), allow},
           {w("mailbox.quota"), record.quota == 0 ? w("mailbox.quota.none") : escaped(w.size(record.quota))},
           {w("mailbox.grace"), grace},
           {w("mailbox.receipts"), days(record.receipts, "mailbox.receipts.none")},
           {w("mailbox.trace"), trace ? w(*trace) : Html()},
           {w("mailbox.require-tls"), record.require_tls ? w("yes") : w("no")},
           {w("mailbox.smtp-auth"), record.token_hash ? w("yes") : w("no")},
           {w("mailbox.key"), w("mailbox.key.is", {{"number", std::to_string(record.newest().number)}}) +
                                  escaped(" ") +
                                  tag("code", {}, escaped(seal::recipient(record.newest().public_key)))},
           {w("mailbox.created"), w.at(record.created)}}));
}

Html mailbox_actions(const Context& context, const store::MailboxRecord& record) {
  const Words& w = context.w;
  const std::string path = mailbox_path(record.name);
  Html all = link_button(path + "/messages", w("messages.title"), true) +
             link_button(path + "/setup", w("mailbox.setup")) +
             link_button("/events?mailbox=" + url_part(record.name), w("events.title"));
  if (context.may(vault::Role::Operator)) {
    const bool active = record.status == store::Status::Active;
    all += link_button("/test-delivery?mailbox=" + url_part(record.name), w("delivery.do"));
    all += link_button(path + "/settings", w("do.edit"));
    all += change_button(context, path + "/change", active ? "suspend" : "resume",
                         active ? w("mailbox.suspend") : w("mailbox.resume"),
                         active ? w.plain("mailbox.suspend.sure") : std::string());
    all += change_button(context, path + "/change", record.hold ? "release" : "hold",
                         record.hold ? w("mailbox.release") : w("mailbox.hold"),
                         record.hold ? w.plain("mailbox.release.sure") : std::string());
  }
  if (context.may(vault::Role::Administrator)) {
    all += link_button(path + "/password", w("mailbox.change-password"));
    all += link_button(path + "/rotate", w("mailbox.rotate"));
    all += tag("a", {{"href", path + "/remove"}, {"class", "button danger"}}, w("do.remove"));
  }
  return all;
}

Response show_mailbox(Context& context, const Request& request) {
  const auto record = context.mailbox(request.parameter("name"));
  if (!record) return failed(context, request, record.error());
  const auto stat = context.store().stat(record->id);
  if (!stat) return failed(context, request, stat.error());
  const auto settings = vault::read_settings(context.store());
  if (!settings) return failed(context, request, settings.error());
  std::vector<vault::Diagnosis> diagnoses;
  if (const auto done = vault::examine_mailbox(context.store(), *record, {}, diagnoses); !done)
    return failed(context, request, done.error());
  PageParts parts;
  parts.title = escaped(record->name);
  parts.actions = mailbox_actions(context, *record);
  Html content = tag("p", {}, status_pills(context, *record));
  // A sender who guesses the address can send mail to this mailbox.
  if (vault::open_to_guesses(*record)) content += notice(context.w("mailbox.guessable"), Tone::Warning);
  content += diagnosis_notices(context, std::move(diagnoses));
  const auto traffic = traffic_section(context, request, std::span(&*record, 1), mailbox_path(record->name));
  if (!traffic) return failed(context, request, traffic.error());
  content += mailbox_numbers(context, *record, *stat) + about_mailbox(context, *record, *settings) + *traffic;
  parts.content = content;
  return mailbox_page(context, request, parts);
}

Response show_setup(Context& context, const Request& request) {
  const auto record = context.mailbox(request.parameter("name"));
  if (!record) return failed(context, request, record.error());
  const auto settings = vault::read_settings(context.store());
  if (!settings) return failed(context, request, settings.error());
  PageParts parts;
  parts.title = context.w("mailbox.setup.of", {{"name", record->name}});
  parts.actions = link_button(mailbox_path(record->name), context.w("do.back"));
  parts.content = setup_sections(context, *record, *settings);
  return mailbox_page(context, request, parts);
}

Response settings_page(const Context& context, const Request& request, const store::MailboxRecord& record,
                       const MailboxText& text, const std::optional<FormError>& wrong) {
  const Words& w = context.w;
  const std::string path = mailbox_path(record.name);
  PageParts parts;
  parts.title = w("mailbox.settings.of", {{"name", record.name}});
  parts.status = wrong ? 400 : 200;
  parts.content = tag(
      "div", {{"class", "panel"}},
      form(context, path + "/settings",
           hidden("version", std::to_string(record.version)) + mailbox_fields(context, text, wrong, true) +
               tag("div", {{"class", "onward"}},
                   button(w("do.save"), Tone::Good) + link_button(path, w("do.cancel")))));
  return mailbox_page(context, request, parts);
}

Response show_settings(Context& context, const Request& request) {
  const auto record = context.mailbox(request.parameter("name"));
  if (!record) return failed(context, request, record.error());
  return settings_page(context, request, *record, text_of(*record), std::nullopt);
}

Response change_settings(Context& context, const Request& request) {
  auto record = context.mailbox(request.parameter("name"));
  if (!record) return failed(context, request, record.error());
  const MailboxText text = text_of(request.form);
  const MailboxSaid said = parse_form(context, text);
  if (said.wrong) return settings_page(context, request, *record, text, said.wrong);
  // The form names the version that it was made from. If another user has changed the mailbox
  // since, that change is not overwritten.
  if (request.form.get("version") != std::to_string(record->version)) return refused(context, request, 409);
  const auto now = vault::change_mailbox(context.store(), *record, said.settings, context.actor());
  if (!now && now.error().code() == Code::Exists)
    return settings_page(context, request, *record, text, taken(context, text.name, record->id));
  if (!now) return failed(context, request, now.error());
  return redirect(mailbox_path(now->name) + "?done=saved");
}

// The buttons of the page: each changes one setting and needs no version.
Response change_mailbox(Context& context, const Request& request) {
  const auto record = context.mailbox(request.parameter("name"));
  if (!record) return failed(context, request, record.error());
  const std::string_view what = request.form.get("change");
  vault::MailboxSettings settings;
  if (what == "suspend")
    settings.status = store::Status::Suspended;
  else if (what == "resume")
    settings.status = store::Status::Active;
  else if (what == "hold" || what == "release")
    settings.hold = what == "hold";
  else
    return refused(context, request, 400);
  const auto now = vault::change_mailbox(context.store(), *record, settings, context.actor());
  if (!now) return failed(context, request, now.error());
  return redirect(mailbox_path(now->name) + "?done=saved");
}

Response mailbox_removal_page(const Context& context, const Request& request,
                              const store::MailboxRecord& record, const std::string& wrong) {
  const Words& w = context.w;
  const auto stat = context.store().stat(record.id);
  if (!stat) return failed(context, request, stat.error());
  const std::string path = mailbox_path(record.name);
  // A mailbox can only be removed while it is suspended and empty. Otherwise the page says what is
  // in the way and shows no form.
  const std::uint64_t held = stat->live + stat->pending + stat->drained + stat->quarantined;
  PageParts parts;
  parts.title = w("mailbox.remove.of", {{"name", record.name}});
  parts.status = wrong.empty() ? 200 : 400;
  Html inside;
  if (record.status == store::Status::Active) inside += notice(w("mailbox.remove.active"), Tone::Warning);
  if (held > 0)
    inside += notice(w.counted("mailbox.remove.held.one", "mailbox.remove.held.many", held), Tone::Warning);
  if (inside.empty()) {
    Field typed{.name = "typed", .label = w("mailbox.remove.type", {{"name", record.name}}), .wrong = wrong};
    typed.required = true;
    typed.focus = true;
    inside = notice(w("mailbox.remove.warning"), Tone::Bad) +
             form(context, path + "/remove",
                  field(typed) +
                      tag("div", {{"class", "onward"}},
                          button(w("mailbox.remove.do"), Tone::Bad) + link_button(path, w("do.cancel"))));
  } else {
    inside += tag("p", {{"class", "onward"}}, link_button(path, w("do.back")));
  }
  parts.content = tag("div", {{"class", "panel"}}, inside);
  return mailbox_page(context, request, parts);
}

Response show_mailbox_removal(Context& context, const Request& request) {
  const auto record = context.mailbox(request.parameter("name"));
  if (!record) return failed(context, request, record.error());
  return mailbox_removal_page(context, request, *record, {});
}

Response remove_mailbox_after(Context& context, const Request& request) {
  const auto record = context.mailbox(request.parameter("name"));
  if (!record) return failed(context, request, record.error());
  // The user types the name, because the removal cannot be undone. JavaScript is not needed for it.
  if (trim(request.form.get("typed")) != record->name)
    return mailbox_removal_page(context, request, *record, context.w.plain("mailbox.remove.mistyped"));
  const auto removed = vault::remove_mailbox(context.store(), *record, context.actor());
  // The mailbox has changed since the page was loaded; the new page says what is in the way.
  if (!removed && removed.error().code() == Code::Conflict)
    return mailbox_removal_page(context, request, *record, context.w.plain("error.409"));
  if (!removed) return failed(context, request, removed.error());
  context.console().close_mailbox(record->id);
  return redirect("/mailboxes?done=removed");
}

}  // namespace

void add_one_mailbox_pages(Routes& routes) {
  routes.push_back({"GET", "/mailboxes/:name", Access::Viewer, show_mailbox});
  routes.push_back({"GET", "/mailboxes/:name/setup", Access::Viewer, show_setup});
  routes.push_back({"GET", "/mailboxes/:name/settings", Access::Operator, show_settings});
  routes.push_back({"POST", "/mailboxes/:name/settings", Access::Operator, change_settings});
  routes.push_back({"POST", "/mailboxes/:name/change", Access::Operator, change_mailbox});
  routes.push_back({"GET", "/mailboxes/:name/remove", Access::Administrator, show_mailbox_removal});
  routes.push_back({"POST", "/mailboxes/:name/remove", Access::Administrator, remove_mailbox_after});
}

}  // namespace gw::web
