#include "web/pages/change_text.h"

#include <string>

namespace gw::web {
namespace {

// A field of vault::Differences, its label, and the ids under which its values stand in the table.
struct ChangeField {
  std::string_view name;
  Text label;
  std::string_view values;  // empty if its values are names, numbers or addresses
};

constexpr std::string_view kArrow = " -> ";

// Of two fields that begin alike the longer one comes first.
const ChangeField kChangeFields[] = {
    {"allow miss", "events.field.allow-miss", "events.value."},
    {"allow private", "route.private.short", ""},
    {"allow", "mailbox.allow", ""},
    {"aliases", "mailbox.aliases", ""},
    {"argon2 memory", "events.field.argon2-memory", ""},
    {"argon2 passes", "events.field.argon2-passes", ""},
    {"backup of", "events.field.backup-of", ""},
    {"bytes", "events.field.bytes", ""},
    {"ca", "route.ca", ""},
    {"cheap passwords", "events.field.cheap-passwords", ""},
    {"clients", "route.clients", ""},
    {"description", "mailbox.description", ""},
    {"domains", "mailbox.domains", ""},
    {"files", "events.field.files", ""},
    {"findings", "events.field.findings", ""},
    {"from the backup of", "events.field.backup-of", ""},
    {"grace", "mailbox.grace", ""},
    {"host", "events.field.host", ""},
    {"key generation", "events.field.key-generation", ""},
    {"language", "events.field.language", ""},
    {"legal hold", "events.field.legal-hold", ""},
    {"logins", "route.logins", ""},
    {"mailbox", "route.mailbox", ""},
    {"map", "route.map", ""},
    {"messages", "route.messages", ""},
    {"name", "mailbox.name", ""},
    {"on copy failure", "route.on-copy-failure", "route.failure."},
    {"only", "account.only", ""},
    {"pin", "route.pin", ""},
    {"quota", "mailbox.quota", ""},
    {"receipts", "mailbox.receipts", ""},
    {"recovery recipient", "events.field.recovery-recipient", ""},
    {"require tls", "mailbox.require-tls", ""},
    {"role", "account.role", "role."},
    {"status", "mailbox.status", "status."},
    {"tls", "route.tls", "route.tls."},
    {"trace", "mailbox.trace", "mailbox.trace."},
    {"uncopied delete", "route.uncopied-delete", "route.delete."},
    {"upstream", "route.upstream", ""},
};

const ChangeField* field_of(std::string_view part) {
  for (const ChangeField& each : kChangeFields)
    if (part.size() > each.name.size() && part.starts_with(each.name) && part[each.name.size()] == ' ')
      return &each;
  return nullptr;
}

Html value_text(const Words& w, const ChangeField& field, std::string_view value) {
  if (!field.values.empty())
    if (const auto word = Text::find(std::string(field.values) + std::string(value))) return w(*word);
  if (value == "yes") return w("yes");
  if (value == "no") return w("no");
  if (value == "none") return w("events.value.none");
  return escaped(value);
}

Html part_text(const Words& w, std::string_view part) {
  if (const auto word = Text::find("events.change." + std::string(part))) return w(*word);
  if (const auto word = Text::find("role." + std::string(part))) return w(*word);
  const ChangeField* field = field_of(part);
  if (!field) return escaped(part);
  const std::string_view values = part.substr(field->name.size() + 1);
  const std::size_t arrow = values.find(kArrow);
  Html text = w(field->label) + escaped(": ");
  if (arrow == std::string_view::npos) return text + value_text(w, *field, values);
  return text + value_text(w, *field, values.substr(0, arrow)) + escaped(" → ") +
         value_text(w, *field, values.substr(arrow + kArrow.size()));
}

}  // namespace

Html change_text(const Words& w, std::string_view change) {
  constexpr std::string_view kSeparator = ", ";
  Html all;
  for (bool first = true; !change.empty(); first = false) {
    const std::size_t end = change.find(kSeparator);
    if (!first) all += escaped("; ");
    all += part_text(w, change.substr(0, end));
    change = end == std::string_view::npos ? std::string_view() : change.substr(end + kSeparator.size());
  }
  return all;
}

}  // namespace gw::web
