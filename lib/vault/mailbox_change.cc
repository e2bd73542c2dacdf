#include "vault/mailbox_change.h"

#include <algorithm>

#include "base/text.h"
#include "mail/address.h"
#include "vault/change_note.h"

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

template <class Fit>
// Returns the first value of the list that does not fit, an empty string if the list is too long,
// or nullopt.
std::optional<std::string> first_unfit(const std::optional<std::vector<std::string>>& list, const Fit& fit) {
  if (!list) return std::nullopt;
  if (list->size() > kMaxList) return std::string();
  const auto found = std::ranges::find_if_not(*list, fit);
  return found == list->end() ? std::nullopt : std::optional(*found);
}

template <class Form>
// Returns each text in its comparable form, without duplicates: the index of the store has one
// entry per address.
std::vector<std::string> forms_of(const std::vector<std::string>& texts, const Form& form_of) {
  std::vector<std::string> result;
  for (const std::string& text : texts) {
    std::string form = form_of(text);
    if (std::ranges::find(result, form) == result.end()) result.push_back(std::move(form));
  }
  return result;
}

void apply(const MailboxChange& said, store::MailboxRecord& record) {
  if (said.name) record.name = *said.name;
  if (said.description) record.description = *said.description;
  if (said.aliases) record.aliases = forms_of(*said.aliases, mail::comparable);
  if (said.domains) record.domains = forms_of(*said.domains, mail::comparable_domain);
  if (said.allow) record.allow = *said.allow;
  if (said.quota) record.quota = *said.quota;
  if (said.grace) record.grace = *said.grace;
  if (said.receipts) record.receipts = *said.receipts;
  if (said.trace) record.trace = *said.trace;
  if (said.status) record.status = *said.status;
  if (said.hold) record.hold = *said.hold;
  if (said.allow_reject) record.allow_reject = *said.allow_reject;
  if (said.require_tls) record.require_tls = *said.require_tls;
}

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

std::optional<FieldError> first_wrong(const MailboxChange& said) {
  if (said.name && (!mail::valid_name(*said.name) || looks_like_id(*said.name)))
    return FieldError{MailboxField::Name, *said.name};
  if (said.description && !fit_for_description(*said.description))
    return FieldError{MailboxField::Description, *said.description};
  if (const auto alias = first_unfit(said.aliases, fit_for_alias))
    return FieldError{MailboxField::Alias, *alias};
  if (const auto domain = first_unfit(said.domains, fit_for_domain))
    return FieldError{MailboxField::Domain, *domain};
  if (const auto block = first_unfit(said.allow, mail::valid_block))
    return FieldError{MailboxField::Allow, *block};
  if (said.grace && (*said.grace < 0 || *said.grace > kMaxGrace))
    return FieldError{MailboxField::Grace, std::to_string(*said.grace)};
  if (said.receipts && (*said.receipts < 0 || *said.receipts > kMaxGrace))
    return FieldError{MailboxField::Receipts, std::to_string(*said.receipts)};
  return std::nullopt;
}

Error refusal(const FieldError& wrong) {
  const auto bad = [&](const char* what) {
    return Error(Code::BadInput, what + (": " + printable(wrong.value)));
  };
  switch (wrong.field) {
    case MailboxField::Name:
      return bad("not a valid mailbox name");
    case MailboxField::Description:
      return Error(Code::BadInput, "a description must be at most 1024 bytes of UTF-8 on one line");
    case MailboxField::Grace:
      return Error(Code::BadInput, "the grace period is out of range");
    case MailboxField::Receipts:
      return Error(Code::BadInput, "the time for receipts is out of range");
    case MailboxField::Alias:
    case MailboxField::Domain:
    case MailboxField::Allow:
      break;
  }
  // An empty value stands for a list that is too long (first_unfit()).
  if (wrong.value.empty()) return Error(Code::BadInput, "too many aliases, domains or blocks: at most 1000");
  if (wrong.field == MailboxField::Alias) return bad("not a valid alias");
  return bad(wrong.field == MailboxField::Domain ? "not a valid domain" : "not a valid address block");
}

NewMailbox new_mailbox(const MailboxChange& said) {
  NewMailbox wanted;
  wanted.name = said.name.value_or("");
  wanted.description = said.description.value_or("");
  wanted.aliases = forms_of(said.aliases.value_or(wanted.aliases), mail::comparable);
  wanted.domains = forms_of(said.domains.value_or(wanted.domains), mail::comparable_domain);
  wanted.allow = said.allow.value_or(wanted.allow);
  wanted.quota = said.quota.value_or(wanted.quota);
  wanted.grace = said.grace.value_or(wanted.grace);
  wanted.receipts = said.receipts.value_or(wanted.receipts);
  wanted.trace = said.trace.value_or(wanted.trace);
  wanted.allow_reject = said.allow_reject.value_or(wanted.allow_reject);
  wanted.require_tls = said.require_tls.value_or(wanted.require_tls);
  return wanted;
}

Result<store::MailboxRecord> change_mailbox(store::Store& store, const store::MailboxRecord& before,
                                            const MailboxChange& said, std::string_view actor) {
  if (const auto wrong = first_wrong(said)) return refusal(*wrong);
  store::MailboxRecord record = before;
  apply(said, record);
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
      store.drop_mailbox(mailbox.id, change_note(actor, "mailbox " + mailbox.name, "removed"));
  // The reply was lost: the mailbox tells whether it was removed.
  if (!dropped && dropped.error().code() == Code::Unknown) {
    const Result<store::MailboxRecord> left = store.mailbox(mailbox.id);
    if (left) return Error(Code::Unavailable, dropped.error().text());
    return left.error().code() == Code::NotFound ? Result<void>() : dropped;
  }
  if (dropped || dropped.error().code() != Code::Conflict) return dropped;
  return dropped.error().with_hint("suspend the mailbox and remove all its messages first");
}

bool open_to_guesses(const store::MailboxRecord& mailbox) {
  return mailbox.allow.empty() && !(mailbox.aliases.empty() && mailbox.domains.empty());
}

}  // namespace gw::vault
