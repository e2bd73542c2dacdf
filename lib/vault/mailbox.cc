#include "vault/mailbox.h"

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "mail/address.h"
#include "vault/keys.h"

namespace gw::vault {
namespace {

constexpr std::string_view kPrefix = "mbx-";
constexpr std::size_t kMaxDescription = 1024;
constexpr std::size_t kMaxList = 1000;
constexpr std::int64_t kMaxGrace = std::int64_t{10} * 365 * 86'400;

bool looks_like_id(std::string_view local) {
  return istarts_with(local, kPrefix) || MailboxId::parse(local).has_value();
}

std::vector<std::string> lowered(const std::vector<std::string>& texts) {
  std::vector<std::string> result;
  for (const std::string& text : texts) {
    std::string form = lower(text);
    if (std::ranges::find(result, form) == result.end()) result.push_back(std::move(form));
  }
  return result;
}

// Whether a login or an address would be understood as another mailbox's: ids come before names.
Result<void> check_wanted(const NewMailbox& wanted) {
  const auto bad = [](std::string text) { return Error(Code::BadInput, std::move(text)); };
  if (!mail::valid_name(wanted.name) || looks_like_id(wanted.name))
    return bad("not a name for a mailbox: " + printable(wanted.name));
  if (wanted.description.size() > kMaxDescription || !valid_utf8(wanted.description) ||
      has_control(wanted.description))
    return bad("a description must be at most 1024 octets of UTF-8 on one line");
  if (wanted.aliases.size() > kMaxList || wanted.domains.size() > kMaxList || wanted.allow.size() > kMaxList)
    return bad("more than 1000 aliases, domains or blocks");
  for (const std::string& alias : wanted.aliases)
    if (!mail::valid_alias(alias) || istarts_with(alias, kPrefix) ||
        alias.substr(0, alias.find('@')).find('+') != std::string::npos)
      return bad("not an address for an alias: " + printable(alias));
  for (const std::string& domain : wanted.domains)
    if (!mail::valid_domain(domain)) return bad("not a domain: " + printable(domain));
  for (const std::string& block : wanted.allow)
    if (!mail::valid_block(block)) return bad("not an address block: " + printable(block));
  if (wanted.grace < 0 || wanted.grace > kMaxGrace) return bad("a grace time out of range");
  return {};
}

store::Note note(store::LeafType type, std::string_view actor, std::uint64_t value = 0) {
  return {type, std::string(actor), value};
}

// The record as stored, if the caller's is of the same version: what the caller saw is what is changed.
Result<store::MailboxRecord> current(store::Store& store, const store::MailboxRecord& mailbox) {
  Result<store::MailboxRecord> now = store.mailbox(mailbox.id);
  if (!now) return now;
  if (now->version != mailbox.version)
    return Error(Code::Conflict, "the mailbox was changed in the meantime");
  return now;
}

}  // namespace

Result<MadeMailbox> add_mailbox(store::Store& store, const NewMailbox& wanted, std::optional<Secret> password,
                                std::string_view actor) {
  if (const Result<void> valid = check_wanted(wanted); !valid) return valid.error();
  if (password)
    if (const Result<void> valid = check_password(*password); !valid) return valid.error();
  const Result<Settings> settings = read_settings(store);
  if (!settings) return settings.error();
  const Result<std::optional<seal::PublicKey>> recipient = recovery_recipient(store, *settings);
  if (!recipient) return recipient.error();

  MadeMailbox made;
  made.record.id = random_id<MailboxId>();
  made.record.name = wanted.name;
  made.record.description = wanted.description;
  made.record.aliases = lowered(wanted.aliases);
  made.record.domains = lowered(wanted.domains);
  made.record.quota = wanted.quota;
  made.record.grace = wanted.grace;
  made.record.allow = wanted.allow;
  made.record.trace = wanted.trace;
  made.record.created = now();
  made.password = password ? std::move(*password) : generate_password();
  made.address = made.record.local_part() + (settings->host.empty() ? "" : "@" + settings->host);
  if (wanted.smtp_auth) {
    made.token = generate_token();
    made.record.token_hash = token_hash(made.record.id, made.token->view());
  }

  seal::KeyRing ring;
  ring.keys.push_back(seal::ring_key(1, seal::generate_key()));
  made.record.generations.push_back({1, ring.keys.front().public_half, made.record.created});
  std::vector<store::Slot> slots;
  Result<store::Slot> slot = make_password_slot(store, *settings, made.record.id, ring, made.password);
  if (!slot) return slot.error();
  slots.push_back(std::move(*slot));
  if (wanted.recovery && *recipient) {
    Result<store::Slot> recovery = make_recovery_slot(store, made.record.id, ring, **recipient);
    if (!recovery) return recovery.error();
    slots.push_back(std::move(*recovery));
  }
  const Result<void> put = store.put_mailbox(made.record, slots, note(store::LeafType::MailboxMade, actor));
  if (!put) return put.error();
  Result<store::MailboxRecord> stored = store.mailbox(made.record.id);
  if (!stored) return stored.error();
  made.record = std::move(*stored);
  return made;
}

Result<store::MailboxRecord> find_mailbox(store::Store& store, std::string_view name) {
  const Result<store::Recipient> found = store.resolve(name, store::Lookup::Login);
  if (!found && found.error().code() == Code::NotFound)
    return Error(Code::NotFound, "no such mailbox: " + printable(name));
  if (!found) return found.error();
  return store.mailbox(found->mailbox.id);
}

Result<Secret> change_password(store::Store& store, const store::MailboxRecord& mailbox,
                               const seal::KeyRing& ring, std::optional<Secret> fresh,
                               std::string_view actor) {
  if (fresh)
    if (const Result<void> valid = check_password(*fresh); !valid) return valid.error();
  Secret password = fresh ? std::move(*fresh) : generate_password();
  const Result<Settings> settings = read_settings(store);
  if (!settings) return settings.error();
  const Result<store::MailboxRecord> record = current(store, mailbox);
  if (!record) return record.error();
  Result<store::Slot> slot = make_password_slot(store, *settings, mailbox.id, ring, password);
  if (!slot) return slot.error();
  const Result<void> put = store.put_mailbox(*record, {std::move(*slot)}, note(store::LeafType::Slot, actor));
  if (!put) return put.error();
  return password;
}

Result<store::MailboxRecord> rotate(store::Store& store, const store::MailboxRecord& mailbox,
                                    seal::KeyRing ring, const Secret& password, std::string_view actor) {
  const Result<Settings> settings = read_settings(store);
  if (!settings) return settings.error();
  const Result<std::optional<seal::PublicKey>> recipient = recovery_recipient(store, *settings);
  if (!recipient) return recipient.error();
  Result<store::MailboxRecord> record = current(store, mailbox);
  if (!record) return record;
  const std::uint32_t generation = record->newest().number + 1;
  ring.keys.push_back(seal::ring_key(generation, seal::generate_key()));
  record->generations.push_back({generation, ring.keys.back().public_half, now()});

  std::vector<store::Slot> slots;
  Result<store::Slot> slot = make_password_slot(store, *settings, mailbox.id, ring, password);
  if (!slot) return slot.error();
  slots.push_back(std::move(*slot));
  // A mailbox that was made without a recovery slot stays without one.
  const Result<store::Record> recovery =
      store.get({store::Kind::Slot, mailbox.id, std::string(kRecoverySlot)});
  if (!recovery && recovery.error().code() != Code::NotFound) return recovery.error();
  if (recovery && *recipient) {
    Result<store::Slot> again = make_recovery_slot(store, mailbox.id, ring, **recipient);
    if (!again) return again.error();
    slots.push_back(std::move(*again));
  }
  const Result<void> put = store.put_mailbox(*record, slots, note(store::LeafType::Key, actor, generation));
  if (!put) return put.error();
  return store.mailbox(mailbox.id);
}

}  // namespace gw::vault
