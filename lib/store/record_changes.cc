#include "store/record_changes.h"

#include <algorithm>

#include "store/message_changes.h"
#include "store/resolve.h"
#include "store/rules.h"

namespace gw::store {
namespace {

constexpr std::size_t kSmallChange = 4 << 10;  // about the bytes of a record and its leaf

Error no_mailbox() {
  return Error(Code::NotFound, "no such mailbox");
}

}  // namespace

Result<MailboxChange> mailbox_change(const VaultId& vault, const MailboxRecord& record,
                                     const std::vector<Slot>& slots, const Note& note, const Limits& limits) {
  if (auto fits = check_mailbox(record); !fits) return fits.error();
  if (auto fits = check_slots(slots, limits); !fits) return fits.error();
  if (auto fits = check_note(note); !fits) return fits.error();
  MailboxChange change{vault, record, slots, encode(record), index_keys(vault, record), {}, 0};
  if (change.value.size() > limits.record) return Error(Code::BadInput, "the mailbox record is too long");
  change.leaf.type = record.version == 0 ? LeafType::MailboxMade : note.type;
  change.leaf.mailbox = record.id;
  change.leaf.value = note.value;
  change.leaf.container = sha256(change.value);
  change.leaf.actor = note.actor;
  change.size = kSmallChange + change.value.size();
  for (const Slot& slot : slots) change.size += slot.value.size();
  return change;
}

Result<ChangeResult> apply(Transaction& transaction, const MailboxChange& change) {
  const MailboxRecord& record = change.record;
  const bool fresh = record.version == 0;
  // Names and aliases must be unique, and the check below reads the database, which does not show
  // what an earlier rule of this transaction wrote. So only one rule in a transaction changes
  // records.
  if (!transaction.claim_records()) return ChangeResult::NextBatch;
  Entry* entry = transaction.state(record.id);
  // A removed mailbox keeps its entry and its history, so its id cannot be used again: a second
  // history under the same id could not be told from a falsified one.
  if (fresh && entry != nullptr) return Error(Code::Exists, "a mailbox with this id exists or existed");
  if (!fresh && (entry == nullptr || !entry->record)) return no_mailbox();
  if (!fresh && entry->record->version != record.version)
    return Error(Code::Conflict, "the mailbox was changed in the meantime");
  // The old keys come from the stored record, not from the caller's, so that no index entry is left
  // behind.
  std::vector<RecordKey> before;
  if (!fresh) before = index_keys(change.vault, *entry->record);
  for (const RecordKey& key : change.keys) {
    if (std::binary_search(before.begin(), before.end(), key)) continue;
    auto taken = transaction.get(Family::Records, record_key(key));
    if (!taken) return taken.error();
    if (*taken)
      return Error(Code::Exists, key.kind == Kind::Name
                                     ? "a mailbox with this name already exists"
                                     : "another mailbox already has an alias or domain of this one");
  }
  // A new mailbox also appears in the vault's history. Its own history can therefore not disappear
  // without a trace.
  if (fresh) {
    entry = &transaction.make(record.id);
    transaction.state({});
    transaction.leaf({}, change.leaf);
  }
  const std::uint64_t version = transaction.leaf(record.id, change.leaf) + 1;
  // Erased before the new ones are written: a transaction applies its writes in order, and a key may
  // be in both lists.
  for (const RecordKey& key : before) transaction.erase(Family::Records, record_key(key));
  for (const RecordKey& key : change.keys)
    transaction.put(Family::Records, record_key(key), with_version(version, record.id.view()));
  for (const Slot& slot : change.slots) {
    const Key key = record_key({Kind::Slot, record.id, slot.name});
    if (slot.value.empty()) {
      transaction.erase(Family::Records, key);
    } else {
      transaction.put(Family::Records, key, with_version(version, slot.value));
    }
  }
  transaction.put(Family::Records, record_key({Kind::Mailbox, record.id, {}}),
                  with_version(version, change.value));
  MailboxRecord stored = record;
  stored.version = version;
  // A new object, because readers may hold the old one.
  entry->record = std::make_shared<const MailboxRecord>(std::move(stored));
  return ChangeResult::Done;
}

Result<ChangeResult> remove_mailbox(Transaction& transaction, const VaultId& vault, const MailboxId& id,
                                    std::string_view actor) {
  if (!transaction.claim_records() || !transaction.claim_messages(id)) return ChangeResult::NextBatch;
  Entry* entry = transaction.state(id);
  if (entry == nullptr || !entry->record) return no_mailbox();
  if (entry->record->status != Status::Suspended)
    return Error(Code::Conflict, "the mailbox is not suspended");
  if (!empty(entry->log.stat)) return Error(Code::Conflict, "the mailbox still holds messages");
  for (const RecordKey& key : index_keys(vault, *entry->record))
    transaction.erase(Family::Records, record_key(key));
  for (const Kind kind : {Kind::Mailbox, Kind::Slot, Kind::Setting, Kind::Admin, Kind::Route}) {
    const Key prefix = record_key({kind, id, {}});
    auto scanned = transaction.scan(Family::Records, prefix, after(prefix), [&](ByteView key, ByteView) {
      transaction.erase(Family::Records, key);
      return true;
    });
    if (!scanned) return scanned.error();
  }
  // The history stays, and so does the location of each message id, so that no id is accepted again.
  const Key prints = Key().id(id);
  transaction.erase_range(Family::Seen, prints, after(prints));
  // Removal records go with the mailbox.
  for (const char tag : {'r', 'x'}) {
    const Key receipts = Key(tag).id(id);
    transaction.erase_range(Family::Messages, receipts, after(receipts));
  }
  // The entry stays, see above. The new epoch makes a drain that has read messages of this mailbox
  // examine them again.
  entry->record = nullptr;
  ++entry->epoch;
  transaction.touch(id);
  Leaf leaf;
  leaf.type = LeafType::MailboxRemoved;
  leaf.mailbox = id;
  leaf.actor = actor;
  transaction.state({});
  transaction.leaf({}, leaf);
  return ChangeResult::Done;
}

Result<RecordChange> record_change(const RecordKey& key, std::uint64_t version, std::optional<ByteView> value,
                                   const Note& note) {
  if (auto fits = check_key(key); !fits) return fits.error();
  if (auto fits = check_note(note); !fits) return fits.error();
  RecordChange change{key, version, value, {}, kSmallChange + (value ? value->size() : 0)};
  change.leaf.type = note.type;
  change.leaf.mailbox = key.mailbox;
  change.leaf.value = note.value;
  change.leaf.actor = note.actor;
  if (value) change.leaf.container = sha256(*value);
  return change;
}

Result<ChangeResult> apply(Transaction& transaction, const RecordChange& change, std::uint64_t& made) {
  const RecordKey& key = change.key;
  if (!transaction.claim_records()) return ChangeResult::NextBatch;
  const Entry* entry = transaction.state(key.mailbox);
  if (entry == nullptr || (!key.mailbox.zero() && !entry->record)) return no_mailbox();
  auto stored = transaction.get(Family::Records, record_key(key));
  if (!stored) return stored.error();
  if (change.version == 0 && *stored) return Error(Code::Exists, "the record already exists");
  if (change.version != 0) {
    if (!*stored) return Error(Code::Conflict, "the record was changed in the meantime");
    auto record = without_version(key, as_bytes(**stored));
    if (!record) return record.error();
    if (record->version != change.version)
      return Error(Code::Conflict, "the record was changed in the meantime");
  }
  // The version comes from the history, which only grows, and so never repeats even if a record is
  // erased and created again. A caller with an old version can therefore not overwrite a new record.
  made = transaction.leaf(key.mailbox, change.leaf) + 1;
  if (change.value) {
    transaction.put(Family::Records, record_key(key), with_version(made, *change.value));
  } else {
    transaction.erase(Family::Records, record_key(key));
  }
  return ChangeResult::Done;
}

Result<ChangeResult> add_note(Transaction& transaction, const MailboxId& log, const Leaf& given,
                              std::uint64_t& index) {
  const Entry* entry = transaction.state(log);
  if (entry == nullptr || (!log.zero() && !entry->record)) return no_mailbox();
  Leaf leaf = given;
  if (!log.zero()) leaf.mailbox = log;
  // The record is read under the claim, so that the leaf has the digests of a message that still
  // exists at this moment.
  if (of_message(leaf.type)) {
    if (!transaction.claim_messages(log)) return ChangeResult::NextBatch;
    const auto record = find_message(transaction, log, leaf.message);
    if (!record) return record.error();
    leaf = message_leaf(leaf.type, log, *record, leaf.actor);
  }
  index = transaction.leaf(log, leaf);
  return ChangeResult::Done;
}

Result<ChangeResult> add_notes(Transaction& transaction, const MailboxId& mailbox, const Leaf& like,
                               std::span<const MessageId> messages, std::size_t& noted) {
  const Entry* entry = transaction.state(mailbox);
  if (entry == nullptr || !entry->record) return no_mailbox();
  if (!transaction.claim_messages(mailbox)) return ChangeResult::NextBatch;
  noted = 0;
  for (const MessageId& message : messages) {
    const auto record = find_message(transaction, mailbox, message);
    if (!record && record.error().code() == Code::NotFound) continue;
    if (!record) return record.error();
    transaction.leaf(mailbox, message_leaf(like.type, mailbox, *record, like.actor));
    ++noted;
  }
  return ChangeResult::Done;
}

}  // namespace gw::store
