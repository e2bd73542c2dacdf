#include "vault/mailbox_settings.h"

#include <algorithm>

#include "base/text.h"
#include "mail/address.h"
#include "vault/change_note.h"
#include "vault/new_name.h"
#include "vault/sender_list.h"

namespace gw::vault {
namespace {

constexpr std::string_view kPrefix = "mbx-";
constexpr std::size_t kMaxDescription = 1024;
constexpr std::size_t kMaxList = 1000;
constexpr std::int64_t kMaxGrace = std::int64_t{10} * 365 * 86'400;  // seconds

// Checks whether a login or address with this local part would be taken for an id: ids are looked
// up before names, so such a name would lead to another mailbox.
bool looks_like_id(std::string_view local) {
  return istarts_with(local, kPrefix) || MailboxId::parse(local).has_value();
}

// The comparable form drops spaces and comments (RFC 5322, section 3.2.2). In an alias they are a
// typing error that the user should see.
bool has_space_or_comment(const std::string& text) {
  return text.find_first_of(" \t\r\n()") != std::string::npos;
}

bool fit_for_alias(const std::string& alias) {
  const std::string form = mail::comparable(alias);
  return !has_space_or_comment(alias) && mail::valid_alias(form) && !form.starts_with(kPrefix);
}

bool fit_for_domain(const std::string& domain) {
  return !has_space_or_comment(domain) && mail::valid_domain(mail::comparable_domain(domain));
}

bool fit_for_description(const std::string& text) {
  return text.size() <= kMaxDescription && valid_utf8(text) && !has_control(text);
}

// Returns each text in its comparable form, without duplicates: the index of the store has one
// entry per address.
template <class Form>
std::vector<std::string> forms_of(const std::vector<std::string>& texts, const Form& form_of) {
  std::vector<std::string> result;
  for (const std::string& text : texts) {
    std::string form = form_of(text);
    if (std::ranges::find(result, form) == result.end()) result.push_back(std::move(form));
  }
  return result;
}

// Returns the error for the first value of the list that does not fit, if any.
template <class Fit>
std::optional<FieldError> list_error(MailboxField field, const std::optional<std::vector<std::string>>& list,
                                     const Fit& fit) {
  if (!list) return std::nullopt;
  if (list->size() > kMaxList) return FieldError{field, {}, true};
  const auto unfit = std::ranges::find_if_not(*list, fit);
  return unfit == list->end() ? std::nullopt : std::optional(FieldError{field, *unfit});
}

bool fit_for_span(std::int64_t seconds) {
  return seconds >= 0 && seconds <= kMaxGrace;
}

// In the order of the enumerators.
constexpr MailboxFieldWords kFieldWords[] = {
    {MailboxField::Name, "name", "name",
     "a mailbox name (at most 64 of a-z 0-9 . _ -, no . or - first, not an id)"},
    {MailboxField::Description, "description", "description", "one line of UTF-8 of at most 1024 bytes"},
    {MailboxField::Alias, "alias", "aliases", "a plain address"},
    {MailboxField::Domain, "domain", "domains", "a domain"},
    {MailboxField::Allow, "allow", "allow", "an address, a CIDR block or microsoft365"},
    {MailboxField::Grace, "grace", "grace", "a duration of at most 10 years"},
    {MailboxField::Receipts, "receipts", "receipts", "a duration of at most 10 years"},
};

std::string bytes_text(std::uint64_t size) {
  return size == 0 ? "" : std::to_string(size) + " bytes";
}

std::string seconds_text(std::int64_t seconds) {
  return seconds == 0 ? "" : std::to_string(seconds) + " s";
}

// What a suspension or a changed setting looks like in the history. The most important fields come
// first, because a long text is cut.
std::string differences(const store::MailboxRecord& before, const store::MailboxRecord& after) {
  const auto yes = [](bool value) { return value ? "yes" : "no"; };
  Differences found;
  found.value("status", name(before.status), name(after.status));
  found.value("legal hold", yes(before.hold), yes(after.hold));
  found.value("name", before.name, after.name);
  found.list("allow", before.allow, after.allow);
  found.value("allow miss", before.allow_reject ? "reject" : "defer",
              after.allow_reject ? "reject" : "defer");
  found.value("require tls", yes(before.require_tls), yes(after.require_tls));
  found.list("aliases", before.aliases, after.aliases);
  found.list("domains", before.domains, after.domains);
  found.value("quota", bytes_text(before.quota), bytes_text(after.quota));
  found.value("grace", seconds_text(before.grace), seconds_text(after.grace));
  found.value("receipts", seconds_text(before.receipts), seconds_text(after.receipts));
  found.value("trace", name(before.trace), name(after.trace));
  if (before.token_hash != after.token_hash) found.plain("sender token changed");
  found.value("description", before.description, after.description);
  return found.text();
}

}  // namespace

const MailboxFieldWords& words_of(MailboxField field) {
  static_assert(std::size(kFieldWords) == static_cast<std::size_t>(MailboxField::Receipts) + 1);
  return kFieldWords[static_cast<std::size_t>(field)];
}

std::optional<FieldError> first_wrong(const MailboxSettings& settings) {
  if (settings.name && (!valid_new_name(*settings.name) || looks_like_id(*settings.name)))
    return FieldError{MailboxField::Name, *settings.name};
  if (settings.description && !fit_for_description(*settings.description))
    return FieldError{MailboxField::Description, *settings.description};
  if (auto wrong = list_error(MailboxField::Alias, settings.aliases, fit_for_alias)) return wrong;
  if (auto wrong = list_error(MailboxField::Domain, settings.domains, fit_for_domain)) return wrong;
  const auto blocks = settings.allow ? std::optional(expand_senders(*settings.allow)) : std::nullopt;
  if (auto wrong = list_error(MailboxField::Allow, blocks, mail::valid_block)) return wrong;
  if (settings.grace && !fit_for_span(*settings.grace))
    return FieldError{MailboxField::Grace, std::to_string(*settings.grace)};
  if (settings.receipts && !fit_for_span(*settings.receipts))
    return FieldError{MailboxField::Receipts, std::to_string(*settings.receipts)};
  return std::nullopt;
}

std::string text_of(const FieldError& wrong) {
  if (wrong.too_many) return "more than 1000 values";
  return "`" + printable(wrong.value) + "` is not " + std::string(words_of(wrong.field).accepted);
}

Error refusal(const FieldError& wrong) {
  return Error(Code::BadInput, text_of(wrong)).within("`" + std::string(words_of(wrong.field).key) + "`");
}

std::vector<std::string> expand_senders(const std::vector<std::string>& allow) {
  std::vector<std::string> blocks;
  for (const std::string& each : allow) {
    const SenderList* list = find_sender_list(each);
    if (list == nullptr)
      blocks.push_back(each);
    else
      blocks.insert(blocks.end(), list->blocks.begin(), list->blocks.end());
  }
  return blocks;
}

void apply(const MailboxSettings& settings, store::MailboxRecord& record) {
  if (settings.name) record.name = *settings.name;
  if (settings.description) record.description = *settings.description;
  if (settings.aliases) record.aliases = forms_of(*settings.aliases, mail::comparable);
  if (settings.domains) record.domains = forms_of(*settings.domains, mail::comparable_domain);
  if (settings.allow) record.allow = expand_senders(*settings.allow);
  if (settings.quota) record.quota = *settings.quota;
  if (settings.grace) record.grace = *settings.grace;
  if (settings.receipts) record.receipts = *settings.receipts;
  if (settings.trace) record.trace = *settings.trace;
  if (settings.status) record.status = *settings.status;
  if (settings.hold) record.hold = *settings.hold;
  if (settings.allow_reject) record.allow_reject = *settings.allow_reject;
  if (settings.require_tls) record.require_tls = *settings.require_tls;
}

Result<store::MailboxRecord> change_mailbox(store::Store& store, const store::MailboxRecord& before,
                                            const MailboxSettings& change, std::string_view actor) {
  if (const auto wrong = first_wrong(change)) return refusal(*wrong);
  store::MailboxRecord record = before;
  apply(change, record);
  // A change that changes nothing must not leave an entry in the history.
  if (store::encode(record) == store::encode(before)) return before;
  // A change of the status has its own leaf type, because it is what auditors look for.
  const auto type = record.status != before.status ? store::LeafType::Status : store::LeafType::Setting;
  const Result<void> put = store.put_mailbox(
      record, {}, {type, change_note(actor, "mailbox " + before.name, differences(before, record)), 0});
  if (!put && put.error().code() != Code::Unknown) return put.error();
  Result<store::MailboxRecord> now = store.mailbox(record.id);
  if (put) return now;
  // The reply was lost. The record tells whether the change was made.
  if (!now && now.error().code() != Code::NotFound) return put.error();
  if (now && store::encode(*now) == store::encode(record)) return now;
  return Error(Code::Unavailable, put.error().text());
}

Result<void> remove_mailbox(store::Store& store, const store::MailboxRecord& mailbox,
                            std::string_view actor) {
  // The name is in the text because no record tells it afterwards.
  const Result<void> dropped =
      store.remove_mailbox(mailbox.id, change_note(actor, "mailbox " + mailbox.name, "removed"));
  // The reply was lost: the mailbox tells whether it was removed.
  if (!dropped && dropped.error().code() == Code::Unknown) {
    const Result<store::MailboxRecord> left = store.mailbox(mailbox.id);
    if (left) return Error(Code::Unavailable, dropped.error().text());
    return left.error().code() == Code::NotFound ? Result<void>() : dropped;
  }
  if (dropped || dropped.error().code() != Code::Conflict) return dropped;
  return dropped.error().with_hint(mailbox.status != store::Status::Suspended
                                       ? "gw-store mailbox set " + mailbox.name + " --status suspended"
                                       : "gw-store message list " + mailbox.name + " --state all");
}

bool open_to_guesses(const store::MailboxRecord& mailbox) {
  return mailbox.allow.empty() && !(mailbox.aliases.empty() && mailbox.domains.empty());
}

}  // namespace gw::vault
