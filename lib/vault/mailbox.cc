#include "vault/mailbox.h"

#include "base/text.h"
#include "vault/change_note.h"
#include "vault/keys.h"
#include "vault/recovery.h"

namespace gw::vault {
namespace {

store::Note note(store::LeafType type, std::string_view actor, const store::MailboxRecord& record,
                 std::string_view change, std::uint64_t value = 0) {
  return {type, change_note(actor, "mailbox " + record.name, change), value};
}

// Returns the stored record if the caller has read the same version. Fails with Conflict otherwise:
// the caller decided on what it saw.
Result<store::MailboxRecord> current(store::Store& store, const store::MailboxRecord& mailbox) {
  Result<store::MailboxRecord> now = store.mailbox(mailbox.id);
  if (!now) return now;
  if (now->version != mailbox.version)
    return Error(Code::Conflict, "the mailbox was changed in the meantime");
  return now;
}

// Returns a new recovery slot for the present recipients; nullopt if the vault has none, or if the
// mailbox was created without a recovery slot, and stays without one.
Result<std::optional<store::Slot>> new_recovery_slot(store::Store& store, const MailboxId& mailbox,
                                                     const seal::KeyRing& ring) {
  const Result<store::Record> there = store.get({store::Kind::Slot, mailbox, std::string(kRecoverySlot)});
  if (!there && there.error().code() == Code::NotFound) return std::optional<store::Slot>();
  if (!there) return there.error();
  // After that: a mailbox without a recovery slot does not depend on the recipients.
  const auto recipients = recovery_keys(store);
  if (!recipients) return recipients.error();
  if (recipients->empty()) return std::optional<store::Slot>();
  Result<store::Slot> slot = make_recovery_slot(store, mailbox, ring, *recipients);
  if (!slot) return slot.error();
  return std::optional(std::move(*slot));
}

}  // namespace

// The first slot tells whether the commit was made: it contains random bytes, so it is never equal by
// chance.
Result<void> put_slots(store::Store& store, const store::MailboxRecord& record,
                       const std::vector<store::Slot>& slots, const store::Note& why) {
  const Result<void> put = store.put_mailbox(record, slots, why);
  if (put || put.error().code() != Code::Unknown) return put;
  const Result<store::Record> found = store.get({store::Kind::Slot, record.id, slots.front().name});
  if (!found && found.error().code() != Code::NotFound) return put;
  if (found && found->value == slots.front().value) return {};
  return Error(Code::Unavailable, put.error().text());
}

std::string address_of(const store::MailboxRecord& mailbox, const Settings& settings) {
  return mailbox.local_part() + (settings.host.empty() ? "" : "@" + settings.host);
}

Result<CreatedMailbox> add_mailbox(store::Store& store, const NewMailbox& wanted, Secret password,
                                   std::string_view actor, std::optional<Secret> token) {
  if (const auto wrong = first_wrong(wanted)) return refusal(*wrong);
  if (!wanted.name) return refusal({MailboxField::Name, {}});
  if (const Result<void> valid = check_password(password); !valid) return valid.error();
  if (token)
    if (const Result<void> valid = check_token(*token); !valid) return valid.error();
  const Result<Settings> settings = read_settings(store);
  if (!settings) return settings.error();
  // Before any key is made: a mailbox must not come into being with a slot for an exchanged
  // recovery recipient.
  const auto recipients = recovery_keys(store);
  if (!recipients) return recipients.error();

  CreatedMailbox made;
  made.record.id = wanted.id ? *wanted.id : random_id<MailboxId>();
  apply(wanted, made.record);
  made.record.created = now();
  made.password = std::move(password);
  made.address = address_of(made.record, *settings);
  made.token = std::move(token);
  if (made.token) made.record.token_hash = token_hash(made.record.id, made.token->view());

  // The keys exist only in this ring and in the sealed slots; the record gets the public half.
  seal::KeyRing ring;
  ring.keys.push_back(seal::ring_key(1, seal::generate_key()));
  made.record.generations.push_back({1, ring.keys.front().public_half, made.record.created});
  std::vector<store::Slot> slots;
  Result<store::Slot> slot = make_password_slot(store, *settings, made.record.id, ring, made.password);
  if (!slot) return slot.error();
  slots.push_back(std::move(*slot));
  if (wanted.recovery && !recipients->empty()) {
    Result<store::Slot> recovery = make_recovery_slot(store, made.record.id, ring, *recipients);
    if (!recovery) return recovery.error();
    slots.push_back(std::move(*recovery));
  }
  const Result<void> done =
      put_slots(store, made.record, slots, note(store::LeafType::MailboxMade, actor, made.record, "added"));
  if (!done) return done.error();
  // Reads the record back for the version that the store has assigned.
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

Result<void> change_password(store::Store& store, const store::MailboxRecord& mailbox,
                             const seal::KeyRing& ring, const Secret& fresh, std::string_view actor) {
  if (const Result<void> valid = check_password(fresh); !valid) return valid.error();
  const Result<Settings> settings = read_settings(store);
  if (!settings) return settings.error();
  const Result<store::MailboxRecord> record = current(store, mailbox);
  if (!record) return record.error();
  Result<store::Slot> slot = make_password_slot(store, *settings, mailbox.id, ring, fresh);
  if (!slot) return slot.error();
  std::vector<store::Slot> slots{std::move(*slot)};
  // The recovery slot wraps the same keys, but recipients may have been added or removed since.
  Result<std::optional<store::Slot>> recovery = new_recovery_slot(store, mailbox.id, ring);
  if (!recovery) return recovery.error();
  if (*recovery) slots.push_back(std::move(**recovery));
  return put_slots(store, *record, slots, note(store::LeafType::Slot, actor, *record, "password changed"));
}

namespace {

// Puts a record whose keys have changed, with new slots for these keys, in one commit. A record
// without matching slots would receive mail that no password opens.
Result<void> put_keys(store::Store& store, const store::MailboxRecord& record, const seal::KeyRing& ring,
                      const Secret& password, std::string_view actor, const std::string& change) {
  const Result<Settings> settings = read_settings(store);
  if (!settings) return settings.error();
  std::vector<store::Slot> slots;
  Result<store::Slot> slot = make_password_slot(store, *settings, record.id, ring, password);
  if (!slot) return slot.error();
  slots.push_back(std::move(*slot));
  Result<std::optional<store::Slot>> recovery = new_recovery_slot(store, record.id, ring);
  if (!recovery) return recovery.error();
  if (*recovery) slots.push_back(std::move(**recovery));
  return put_slots(
      store, record, slots,
      note(store::LeafType::Key, actor, record,
           change + ", key generation " + std::to_string(record.newest().number), record.newest().number));
}

}  // namespace

Result<void> reset_password(store::Store& store, const store::MailboxRecord& mailbox, const Secret& fresh,
                            std::string_view actor) {
  if (const Result<void> valid = check_password(fresh); !valid) return valid.error();
  // The record is read before the messages are counted. If the mailbox is activated again after the
  // count, its record has another version, and the commit below fails with Conflict.
  Result<store::MailboxRecord> record = store.mailbox(mailbox.id);
  if (!record) return record.error();
  if (record->status != store::Status::Suspended)
    return Error(Code::Conflict, "the mailbox is not suspended");
  const Result<store::MailboxStat> stat = store.stat(mailbox.id);
  if (!stat) return stat.error();
  if (stat->live + stat->pending + stat->drained + stat->quarantined != 0)
    return Error(Code::Conflict, "the mailbox still holds messages, which no password could open afterwards");
  const std::uint32_t generation = record->newest().number + 1;
  seal::KeyRing ring;
  ring.keys.push_back(seal::ring_key(generation, seal::generate_key()));
  // Only the new generation remains: no password opens the old ones.
  record->generations.assign(1, {generation, ring.keys.back().public_half, now()});
  return put_keys(store, *record, ring, fresh, actor, "password reset");
}

Result<store::MailboxRecord> rotate(store::Store& store, const store::MailboxRecord& mailbox,
                                    seal::KeyRing ring, const Secret& password, std::string_view actor) {
  Result<store::MailboxRecord> record = current(store, mailbox);
  if (!record) return record;
  const std::uint32_t generation = record->newest().number + 1;
  ring.keys.push_back(seal::ring_key(generation, seal::generate_key()));
  record->generations.push_back({generation, ring.keys.back().public_half, now()});
  if (const Result<void> put = put_keys(store, *record, ring, password, actor, "key renewed"); !put)
    return put.error();
  return store.mailbox(mailbox.id);
}

}  // namespace gw::vault
