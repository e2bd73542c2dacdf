// Mailboxes, small records and histories.
#include <algorithm>

#include "store/local/local_store_private.h"
#include "store/record_changes.h"

namespace gw::store {
namespace {

constexpr std::size_t kNote = 512;       // about the bytes that a leaf adds to a batch
constexpr std::size_t kSmall = 4 << 10;  // about the bytes of a record and its leaf

}  // namespace

Result<void> LocalStore::put_mailbox(const MailboxRecord& record, const std::vector<Slot>& slots,
                                     const Note& note) {
  const auto wanted = mailbox_change(vault_, record, slots, note, limits());
  if (!wanted) return wanted.error();
  return change(wanted->size, [&](Batch& batch) { return apply(batch, *wanted); });
}

Result<void> LocalStore::remove_mailbox(const MailboxId& id, std::string_view actor) {
  return change(kSmall, [&](Batch& batch) { return store::remove_mailbox(batch, vault_, id, actor); });
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
  const auto wanted = record_change(key, version, value, note);
  if (!wanted) return wanted.error();
  std::uint64_t made = 0;
  auto changed = change(wanted->size, [&](Batch& batch) { return apply(batch, *wanted, made); });
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
  std::uint64_t index = 0;
  auto noted = change(kSmall, [&](Batch& batch) { return add_note(batch, log, given, index); });
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
  auto done = change(kNote * messages.size(),
                     [&](Batch& batch) { return add_notes(batch, mailbox, like, messages, noted); });
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
    Entry& vault = *batch.state({});
    for (const MailboxId& id : table_.logs()) {
      if (id.zero()) continue;
      // A mailbox whose history has not grown since its last Head leaf needs none.
      LogState& log = batch.state(id)->log;
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
