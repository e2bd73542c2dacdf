// Mailboxes, small records and histories.
#include <algorithm>

#include "store/local/local_store_private.h"
#include "store/resolve.h"

namespace gw::store {
namespace {

constexpr std::size_t kNote = 512;       // about the bytes that a leaf adds to a batch
constexpr std::size_t kSmall = 4 << 10;  // about the bytes of a record and its leaf

}  // namespace

Result<void> LocalStore::put_mailbox(const MailboxRecord& record, const std::vector<Slot>& slots,
                                     const Note& note) {
  if (auto fits = check_mailbox(record); !fits) return fits;
  if (auto fits = check_slots(slots, limits()); !fits) return fits;
  if (auto fits = check_note(note); !fits) return fits;
  const Bytes value = encode(record);
  if (value.size() > limits().record) return Error(Code::BadInput, "the mailbox record is too long");
  const bool fresh = record.version == 0;
  const std::vector<RecordKey> after = index_keys(vault_, record);
  Leaf leaf;
  leaf.type = fresh ? LeafType::MailboxMade : note.type;
  leaf.mailbox = record.id;
  leaf.value = note.value;
  leaf.container = sha256(value);
  leaf.actor = note.actor;
  std::size_t size = kSmall + value.size();
  for (const Slot& slot : slots) size += slot.value.size();

  return change(size, [&](Batch& batch) -> Result<ChangeResult> {
    // Names and aliases must be unique, and the check below reads the database, which does not show
    // what an earlier function of this batch wrote. So only one function in a batch changes
    // records.
    if (!batch.claim_records()) return ChangeResult::NextBatch;
    Entry* entry = batch.at(record.id);
    // A dropped mailbox keeps its entry and its history, so its id cannot be used again: a second
    // history under the same id could not be told from a falsified one.
    if (fresh && entry != nullptr) return Error(Code::Exists, "a mailbox with this id exists or existed");
    if (!fresh && (entry == nullptr || !entry->record)) return Error(Code::NotFound, "no such mailbox");
    if (!fresh && entry->record->version != record.version)
      return Error(Code::Conflict, "the mailbox was changed in the meantime");
    // The old keys come from the stored record, not from the caller's, so that no index entry is
    // left behind.
    std::vector<RecordKey> before;
    if (!fresh) before = index_keys(vault_, *entry->record);
    for (const RecordKey& key : after) {
      if (std::binary_search(before.begin(), before.end(), key)) continue;
      auto taken = engine_->get(Family::Records, record_key(key));
      if (!taken) return taken.error();
      if (*taken)
        return Error(Code::Exists, key.kind == Kind::Name
                                       ? "a mailbox with this name already exists"
                                       : "another mailbox already has an alias or domain of this one");
    }
    // A new mailbox also appears in the vault's history. Its own history can therefore not
    // disappear without a trace.
    if (fresh) {
      entry = &batch.make(record.id);
      batch.at({});
      batch.leaf({}, leaf);
    }
    const std::uint64_t version = batch.leaf(record.id, leaf) + 1;
    // Erased before the new ones are written: RocksDB applies a batch in order, and a key may be in
    // both lists.
    for (const RecordKey& key : before) batch.erase(Family::Records, record_key(key));
    for (const RecordKey& key : after)
      batch.put(Family::Records, record_key(key), with_version(version, record.id.view()));
    for (const Slot& slot : slots) {
      const Key key = record_key({Kind::Slot, record.id, slot.name});
      if (slot.value.empty()) {
        batch.erase(Family::Records, key);
      } else {
        batch.put(Family::Records, key, with_version(version, slot.value));
      }
    }
    batch.put(Family::Records, record_key({Kind::Mailbox, record.id, {}}), with_version(version, value));
    MailboxRecord stored = record;
    stored.version = version;
    // A new object, because readers may hold the old one.
    entry->record = std::make_shared<const MailboxRecord>(std::move(stored));
    return ChangeResult::Done;
  });
}

Result<void> LocalStore::drop_mailbox(const MailboxId& id, std::string_view actor) {
  return change(kSmall, [&](Batch& batch) -> Result<ChangeResult> {
    if (!batch.claim_records() || !batch.claim_messages(id)) return ChangeResult::NextBatch;
    Entry* entry = batch.at(id);
    if (entry == nullptr || !entry->record) return Error(Code::NotFound, "no such mailbox");
    if (entry->record->status != Status::Suspended)
      return Error(Code::Conflict, "the mailbox is not suspended");
    if (!empty(entry->log.stat)) return Error(Code::Conflict, "the mailbox still holds messages");
    for (const RecordKey& key : index_keys(vault_, *entry->record))
      batch.erase(Family::Records, record_key(key));
    for (const Kind kind : {Kind::Mailbox, Kind::Slot, Kind::Setting, Kind::Admin, Kind::Route}) {
      const Key prefix = record_key({kind, id, {}});
      auto scanned = engine_->scan(Family::Records, prefix, after(prefix), [&](ByteView key, ByteView) {
        batch.erase(Family::Records, key);
        return true;
      });
      if (!scanned) return scanned.error();
    }
    // The history stays, and so does the location of each message id, so that no id is accepted again.
    const Key prints = Key().id(id);
    batch.erase_range(Family::Seen, prints, after(prints));
    // Removal records go with the mailbox.
    for (const char tag : {'r', 'x'}) {
      const Key receipts = Key(tag).id(id);
      batch.erase_range(Family::Messages, receipts, after(receipts));
    }
    // The entry stays in the table, see put_mailbox(). The new epoch makes a drain that has read
    // messages of this mailbox examine them again.
    entry->record = nullptr;
    ++entry->epoch;
    batch.touch(id);
    Leaf leaf;
    leaf.type = LeafType::MailboxDropped;
    leaf.mailbox = id;
    leaf.actor = actor;
    batch.at({});
    batch.leaf({}, leaf);
    return ChangeResult::Done;
  });
}

Result<Record> LocalStore::get(const RecordKey& key) {
  if (key.name.size() > 128) return Error(Code::NotFound, "no such record");
  auto stored = engine_->get(Family::Records, record_key(key));
  if (!stored) return stored.error();
  if (!*stored) return Error(Code::NotFound, "no such record");
  return without_version(key, as_bytes(**stored));
}

Result<std::uint64_t> LocalStore::change_record(const RecordKey& key, std::uint64_t version,
                                                std::optional<ByteView> value, const Note& note) {
  if (auto fits = check_key(key); !fits) return fits.error();
  if (auto fits = check_note(note); !fits) return fits.error();
  Leaf leaf;
  leaf.type = note.type;
  leaf.mailbox = key.mailbox;
  leaf.value = note.value;
  leaf.actor = note.actor;
  if (value) leaf.container = sha256(*value);
  std::uint64_t made = 0;
  auto changed = change(kSmall + (value ? value->size() : 0), [&](Batch& batch) -> Result<ChangeResult> {
    if (!batch.claim_records()) return ChangeResult::NextBatch;
    Entry* entry = batch.at(key.mailbox);
    if (entry == nullptr || (!key.mailbox.zero() && !entry->record))
      return Error(Code::NotFound, "no such mailbox");
    auto stored = engine_->get(Family::Records, record_key(key));
    if (!stored) return stored.error();
    if (version == 0 && *stored) return Error(Code::Exists, "the record already exists");
    if (version != 0) {
      if (!*stored) return Error(Code::Conflict, "the record was changed in the meantime");
      auto record = without_version(key, as_bytes(**stored));
      if (!record) return record.error();
      if (record->version != version) return Error(Code::Conflict, "the record was changed in the meantime");
    }
    // The version comes from the history, which only grows, and so never repeats even if a record
    // is erased and created again. A caller with an old version can therefore not overwrite a new
    // record.
    made = batch.leaf(key.mailbox, leaf) + 1;
    if (value) {
      batch.put(Family::Records, record_key(key), with_version(made, *value));
    } else {
      batch.erase(Family::Records, record_key(key));
    }
    return ChangeResult::Done;
  });
  if (!changed) return changed.error();
  return made;
}

Result<std::uint64_t> LocalStore::put_if(const RecordKey& key, std::uint64_t version, ByteView value,
                                         const Note& note) {
  if (value.size() > limits().record) return Error(Code::BadInput, "the record is too long");
  return change_record(key, version, value, note);
}

Result<void> LocalStore::erase_if(const RecordKey& key, std::uint64_t version, const Note& note) {
  if (version == 0) return Error(Code::BadInput, "the version to erase is missing");
  if (auto changed = change_record(key, version, std::nullopt, note); !changed) return changed.error();
  return {};
}

Result<std::vector<Record>> LocalStore::scan(Kind kind, const MailboxId& mailbox, std::string_view after_name,
                                             std::size_t limit) {
  std::vector<Record> page;
  if (limit == 0) return page;
  std::optional<Error> damage;
  const Key prefix = record_key({kind, mailbox, {}});
  // The first key after a name is the name with a zero byte. Longer names than 128 bytes do not
  // exist; cutting keeps the Key within its capacity.
  Key from = record_key({kind, mailbox, std::string(after_name.substr(0, 129))});
  if (!after_name.empty()) from.u8(0);
  auto scanned = engine_->scan(Family::Records, from, after(prefix), [&](ByteView key, ByteView value) {
    const ByteView name = key.subspan(prefix.view().size());
    auto record = without_version({kind, mailbox, std::string(as_text(name))}, value);
    if (record) {
      page.push_back(std::move(*record));
    } else {
      damage = record.error();
    }
    return !damage && page.size() < limit;
  });
  if (!scanned) return scanned.error();
  if (damage) return *damage;
  return page;
}

Result<LogHead> LocalStore::history_head(const MailboxId& log) {
  const auto entry = table_.find(log);
  if (!entry) return Error(Code::NotFound, "no such mailbox");
  return entry->log.head();
}

Result<std::vector<Bytes>> LocalStore::history_read(const MailboxId& log, std::uint64_t from,
                                                    std::size_t limit) {
  const auto entry = table_.find(log);
  if (!entry) return Error(Code::NotFound, "no such mailbox");
  std::vector<Bytes> page;
  if (limit == 0 || from >= entry->log.range.size()) return page;
  // Up to the size in memory: leaves of a batch that is on disk but not yet published are not
  // shown, so that a reader never sees more leaves than the head covers.
  const Key end = leaf_key(log, entry->log.range.size());
  auto scanned = engine_->scan(Family::History, leaf_key(log, from), end, [&](ByteView, ByteView value) {
    page.push_back(to_bytes(value));
    return page.size() < limit;
  });
  if (!scanned) return scanned.error();
  return page;
}

Result<std::uint64_t> LocalStore::note(const MailboxId& log, const Leaf& given) {
  if (auto fits = check_note(given, log.zero()); !fits) return fits.error();
  Leaf leaf = given;
  if (!log.zero()) leaf.mailbox = log;
  std::uint64_t index = 0;
  auto noted = change(kSmall, [&](Batch& batch) -> Result<ChangeResult> {
    Entry* entry = batch.at(log);
    if (entry == nullptr || (!log.zero() && !entry->record)) return Error(Code::NotFound, "no such mailbox");
    // The record is read under the claim, so that the leaf has the digests of a message that still
    // exists at this moment.
    if (of_message(leaf.type)) {
      if (!batch.claim_messages(log)) return ChangeResult::NextBatch;
      const auto record = find(log, leaf.message);
      if (!record) return record.error();
      leaf = message_leaf(leaf.type, log, *record, leaf.actor);
    }
    index = batch.leaf(log, leaf);
    return ChangeResult::Done;
  });
  if (!noted) return noted.error();
  return index;
}

Result<std::size_t> LocalStore::note_messages(const MailboxId& mailbox, const Leaf& like,
                                              std::span<const MessageId> messages) {
  if (messages.empty()) return 0;
  if (messages.size() > limits().notes) return Error(Code::BadInput, "too many messages for one note");
  Leaf first = like;
  first.message = messages.front();
  if (auto fits = check_note(first, mailbox.zero()); !fits) return fits.error();
  if (!of_message(like.type)) return Error(Code::BadInput, "the leaf is not about a message");
  std::size_t noted = 0;
  auto done = change(kNote * messages.size(), [&](Batch& batch) -> Result<ChangeResult> {
    Entry* entry = batch.at(mailbox);
    if (entry == nullptr || !entry->record) return Error(Code::NotFound, "no such mailbox");
    if (!batch.claim_messages(mailbox)) return ChangeResult::NextBatch;
    noted = 0;
    for (const MessageId& message : messages) {
      const auto record = find(mailbox, message);
      if (!record && record.error().code() == Code::NotFound) continue;
      if (!record) return record.error();
      batch.leaf(mailbox, message_leaf(like.type, mailbox, *record, like.actor));
      ++noted;
    }
    return ChangeResult::Done;
  });
  if (!done) return done.error();
  return noted;
}

Result<std::string> LocalStore::checkpoint(std::string_view actor) {
  if (!options_.signer) return Error(Code::Config, "the store has no history key");
  // The head is taken inside the change function, after the Head leaves were added, and signed
  // after they are on disk: a checkpoint must never cover leaves that a power cut can take back.
  // Signing is outside of the commit, because it may ask another process.
  LogHead head;
  auto noted = change(kSmall, [&](Batch& batch) -> Result<ChangeResult> {
    if (!batch.claim_records()) return ChangeResult::NextBatch;
    Entry& vault = *batch.at({});
    for (const MailboxId& id : table_.logs()) {
      if (id.zero()) continue;
      // A mailbox whose history has not grown since its last Head leaf needs none.
      LogState& log = batch.at(id)->log;
      if (log.headed == log.range.size()) continue;
      log.headed = log.range.size();
      batch.touch(id);
      Leaf leaf;
      leaf.type = LeafType::Head;
      leaf.mailbox = id;
      leaf.value = log.headed;
      leaf.container = log.range.root();
      leaf.actor = actor;
      batch.leaf({}, leaf);
    }
    head = vault.log.head();
    return ChangeResult::Done;
  });
  if (!noted) return noted.error();
  return options_.signer.sign(vault_, head);
}

}  // namespace gw::store
