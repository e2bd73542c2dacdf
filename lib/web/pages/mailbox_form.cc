#include "web/pages/mailbox_form.h"

#include <charconv>
#include <utility>

#include "base/text.h"
#include "vault/mailbox.h"
#include "web/ui/widgets.h"

namespace gw::web {
namespace {

std::string text_lines(const std::vector<std::string>& all) {
  std::string text;
  for (const std::string& each : all) text += (text.empty() ? "" : "\n") + each;
  return text;
}

// Returns the items of a list, which users separate by lines, commas or spaces.
std::vector<std::string> list_of(std::string_view text) {
  std::vector<std::string> all;
  std::string word;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == ',' || c == ' ' || c == '\t') {
      if (!word.empty()) all.push_back(std::exchange(word, {}));
    } else {
      word += c;
    }
  }
  if (!word.empty()) all.push_back(std::move(word));
  return all;
}

// Returns a size in the largest unit that is exact, such as `10 GiB`, so that saving the unchanged
// form changes nothing.
std::string size_text(std::uint64_t size) {
  if (size == 0) return {};
  for (const auto& [unit, shift] : {std::pair("TiB", 40), {"GiB", 30}, {"MiB", 20}, {"KiB", 10}}) {
    if (size % (1ull << shift) == 0) return std::to_string(size >> shift) + " " + unit;
  }
  return std::to_string(size);
}

// Likewise days if that is exact, else seconds.
std::string days_text(std::int64_t seconds) {
  if (seconds % kDaySeconds == 0) return std::to_string(seconds / kDaySeconds);
  return std::to_string(seconds) + "s";
}

std::optional<std::int64_t> days_of(std::string_view text) {
  if (const auto days = parse_number(text)) {
    // A hundred years, so that the product below cannot overflow.
    if (*days > 36'500) return std::nullopt;
    return static_cast<std::int64_t>(*days) * kDaySeconds;
  }
  const auto span = parse_duration(text);
  return span ? std::optional<std::int64_t>(span->count()) : std::nullopt;
}

}  // namespace

Text wrong_word(const vault::FieldError& wrong) {
  if (wrong.too_many) return "mailbox.wrong.many";
  // strings_test checks that every field has its text.
  return Text::find("mailbox.wrong." + std::string(vault::words_of(wrong.field).key))
      .value_or(Text("mailbox.wrong.name"));
}

MailboxText text_of(const store::MailboxRecord& record) {
  MailboxText text;
  text.name = record.name;
  text.description = record.description;
  text.aliases = text_lines(record.aliases);
  text.domains = text_lines(record.domains);
  text.allow = text_lines(record.allow);
  text.quota = size_text(record.quota);
  text.grace = days_text(record.grace);
  text.receipts = days_text(record.receipts);
  text.trace = name(record.trace);
  text.allow_reject = record.allow_reject;
  text.require_tls = record.require_tls;
  return text;
}

MailboxText text_of(const Form& form) {
  MailboxText text;
  for (const auto& [name, to] : {std::pair("name", &text.name),
                                 {"description", &text.description},
                                 {"aliases", &text.aliases},
                                 {"domains", &text.domains},
                                 {"allow", &text.allow},
                                 {"quota", &text.quota},
                                 {"grace", &text.grace},
                                 {"receipts", &text.receipts},
                                 {"trace", &text.trace}})
    *to = trim(form.get(name));
  text.allow_reject = form.get("allow_reject") == "yes";
  text.require_tls = form.get("require_tls") == "yes";
  text.smtp_auth = form.get("smtp_auth") == "yes";
  return text;
}

std::vector<std::pair<std::string, std::string>> fields_of(const MailboxText& text) {
  // Checkboxes are sent only if they are ticked, as a browser does.
  std::vector<std::pair<std::string, std::string>> all{
      {"name", text.name},       {"description", text.description},
      {"aliases", text.aliases}, {"domains", text.domains},
      {"allow", text.allow},     {"quota", text.quota},
      {"grace", text.grace},     {"receipts", text.receipts},
      {"trace", text.trace}};
  if (text.allow_reject) all.emplace_back("allow_reject", "yes");
  if (text.require_tls) all.emplace_back("require_tls", "yes");
  if (text.smtp_auth) all.emplace_back("smtp_auth", "yes");
  return all;
}

MailboxSaid parse_form(const Context& context, const MailboxText& text) {
  const Words& w = context.w;
  MailboxSaid said;
  vault::MailboxSettings& change = said.settings;
  const auto wrong = [&](std::string_view field, Text word, const std::string& value) {
    if (!said.wrong) said.wrong = FormError{std::string(field), w.plain(word, {{"value", value}})};
  };
  change.name = text.name;
  change.description = text.description;
  // Without the right to set addresses, they stay unset: the change leaves them as they are, even
  // if the client sends the fields.
  if (context.account().is_unrestricted()) {
    change.aliases = list_of(text.aliases);
    change.domains = list_of(text.domains);
  }
  change.allow = list_of(text.allow);
  const auto quota = text.quota.empty() ? std::optional<std::uint64_t>(0) : parse_size(text.quota);
  const auto grace = days_of(text.grace);
  // The values of fields that cannot be parsed do not matter, because `wrong` is set below.
  change.quota = quota.value_or(0);
  change.grace = grace.value_or(0);
  const auto receipts = days_of(text.receipts);
  if (!text.receipts.empty()) change.receipts = receipts.value_or(0);
  change.trace = store::parse_trace(text.trace).value_or(store::Trace::Auto);
  change.allow_reject = text.allow_reject;
  change.require_tls = text.require_tls;
  if (const auto found = vault::first_wrong(change))
    wrong(vault::words_of(found->field).key, wrong_word(*found), printable(found->value));
  if (!quota) wrong("quota", "mailbox.wrong.quota", text.quota);
  if (!grace) wrong("grace", "mailbox.wrong.grace", text.grace);
  if (!text.receipts.empty() && !receipts) wrong("receipts", "mailbox.wrong.receipts", text.receipts);
  // An account must not create a mailbox, or rename one to a name, that it could not see
  // afterwards.
  if (!said.wrong && !context.may_see(text.name)) wrong("name", "mailbox.wrong.not-yours", text.name);
  return said;
}

Html mailbox_fields(const Context& context, const MailboxText& text, const std::optional<FormError>& wrong,
                    bool existing) {
  const Words& w = context.w;
  Html fields;
  const auto add = [&](const char* name, Text label, const std::string& value, const Html& help,
                       const char* type = "text", bool required = false) {
    Field one{.name = name, .label = w(label), .value = value, .type = type, .help = help};
    if (wrong && wrong->field == name) one.wrong = wrong->text;
    one.required = required;
    // The cursor starts at the field to fix.
    one.focus = wrong ? wrong->field == name : std::string_view(name) == "name" && !existing;
    fields += field(one);
  };
  add("name", "mailbox.name", text.name, w("mailbox.name.help"), "text", true);
  add("description", "mailbox.description", text.description, w("mailbox.description.help"));
  if (context.account().is_unrestricted())
    add("aliases", "mailbox.aliases", text.aliases, w("mailbox.aliases.help"), "textarea");
  const Html common = std::exchange(fields, {});
  // The rest is rarely needed, and is folded unless it holds the field to fix.
  if (context.account().is_unrestricted())
    add("domains", "mailbox.domains", text.domains, w("mailbox.domains.help"), "textarea");
  add("allow", "mailbox.allow", text.allow, w("mailbox.allow.help"), "textarea");
  fields += checkbox("allow_reject", w("mailbox.allow-reject"), text.allow_reject);
  add("quota", "mailbox.quota", text.quota, w("mailbox.quota.help"));
  add("grace", "mailbox.grace", text.grace, w("mailbox.grace.help"));
  add("receipts", "mailbox.receipts", text.receipts, w("mailbox.receipts.help"));
  fields += select(
      "trace", w("mailbox.trace"),
      {{"auto", w("mailbox.trace.auto")}, {"on", w("mailbox.trace.on")}, {"off", w("mailbox.trace.off")}},
      text.trace.empty() ? "auto" : text.trace, w("mailbox.trace.help"));
  fields += checkbox("require_tls", w("mailbox.require-tls"), text.require_tls);
  // The token of an existing mailbox is not changed here.
  if (!existing) fields += checkbox("smtp_auth", w("mailbox.smtp-auth"), text.smtp_auth);
  const bool open =
      wrong && wrong->field != "name" && wrong->field != "description" && wrong->field != "aliases";
  return common +
         tag("details", {{"class", "more"}, {"open", open}}, tag("summary", {}, w("mailbox.more")) + fields);
}

FormError taken(const Context& context, std::string_view name, const MailboxId& own) {
  const auto found = vault::find_mailbox(context.store(), name);
  if (found && found->id != own) return {"name", context.w.plain("mailbox.wrong.taken")};
  return {"aliases", context.w.plain("mailbox.wrong.address-taken")};
}

}  // namespace gw::web
