// Mailboxes, small records and histories.
#include <algorithm>

#include "store/rados/rados_store_private.h"
#include "store/record_changes.h"

namespace gw::store::rados {
namespace {

constexpr std::size_t kNoteSize = 512;        // about the bytes that a leaf adds
constexpr std::size_t kRecordSize = 4 << 10;  // about the bytes of a record and its leaf

}  // namespace

Result<void> RadosStore::put_mailbox(const MailboxRecord& record, const std::vector<Slot>& slots,
                                     const Note& note) {
  const auto wanted = mailbox_change(vault_, record, slots, note, limits());
  if (!wanted) return wanted.error();
  // A mailbox that does not exist is not remembered, because anybody may name one.
  if (record.version != 0) {
    if (auto known = existing(record.id); !known) return known.error();
  }
  auto done = change_both(context_, at({})->index, at(record.id)->index,
                          {[&](Batch& batch) { return apply(batch, *wanted); }, wanted->size, false});
  const std::lock_guard lock(counts_mutex_);
  counts_.reset();
  return done;
}

Result<void> RadosStore::remove_mailbox(const MailboxId& id, std::string_view actor) {
  if (auto known = existing(id); !known) return known.error();
  auto done = change_both(
      context_, at({})->index, at(id)->index,
      {[&](Batch& batch) { return store::remove_mailbox(batch, vault_, id, actor); }, kRecordSize, true});
  const std::lock_guard lock(counts_mutex_);
  counts_.reset();
  return done;
}

Result<std::uint64_t> RadosStore::change_record(const RecordKey& key, std::uint64_t version,
                                                std::optional<ByteView> value, const Note& note) {
  const auto wanted = record_change(key, version, value, note);
  if (!wanted) return wanted.error();
  std::uint64_t made = 0;
  auto changed =
      change(key.mailbox, wanted->size, !value, [&](Batch& batch) { return apply(batch, *wanted, made); });
  if (!changed) return changed.error();
  return made;
}

Result<std::uint64_t> RadosStore::put_if(const RecordKey& key, std::uint64_t version, ByteView value,
                                         const Note& note) {
  if (value.size() > limits().record) return Error(Code::BadInput, "the record is too long");
  return change_record(key, version, value, note);
}

Result<void> RadosStore::erase_if(const RecordKey& key, std::uint64_t version, const Note& note) {
  if (version == 0) return Error(Code::BadInput, "the version to erase is missing");
  if (auto changed = change_record(key, version, std::nullopt, note); !changed) return changed.error();
  return {};
}

Result<std::uint64_t> RadosStore::note(const MailboxId& log, const Leaf& given) {
  if (auto fits = check_note(given, log.zero()); !fits) return fits.error();
  std::uint64_t index = 0;
  auto noted =
      change(log, kRecordSize, false, [&](Batch& batch) { return add_note(batch, log, given, index); });
  if (!noted) return noted.error();
  return index;
}

Result<std::size_t> RadosStore::note_messages(const MailboxId& mailbox, const Leaf& like,
                                              std::span<const MessageId> messages) {
  if (messages.empty()) return 0;
  if (messages.size() > limits().notes) return Error(Code::BadInput, "too many messages for one note");
  Leaf first = like;
  first.message = messages.front();
  if (auto fits = check_note(first, mailbox.zero()); !fits) return fits.error();
  if (!of_message(like.type)) return Error(Code::BadInput, "the leaf is not about a message");
  std::size_t noted = 0;
  auto done = change(mailbox, kNoteSize * messages.size(), false, [&](Batch& batch) -> Result<ChangeResult> {
    if (auto fetched = fetch_messages(batch.reader(), mailbox, messages); !fetched) return fetched.error();
    return add_notes(batch, mailbox, like, messages, noted);
  });
  if (!done) return done.error();
  return noted;
}

// The heads are read before the vault's history changes. Each was true when it was read, which is all
// that a checkpoint says.
Result<std::string> RadosStore::checkpoint(std::string_view actor) {
  if (!options_.signer) return Error(Code::Config, "the store has no history key");
  const auto all = directory();
  if (!all) return all.error();
  std::map<MailboxId, LogHead> heads;
  for (const auto& [id, there] : *all) {
    const auto loaded = load_index(context_, id);
    if (!loaded) return loaded.error();
    // A mailbox that is just being created has no history yet.
    if (!loaded->exists) continue;
    heads[id] = loaded->entry.log.head();
  }
  LogHead head;
  auto noted = change({}, kRecordSize, false, [&](Batch& batch) -> Result<ChangeResult> {
    if (!batch.claim_records()) return ChangeResult::NextBatch;
    std::vector<std::string> keys;
    for (const auto& [id, at] : heads) keys.push_back("c" + id.hex());
    if (auto fetched = batch.reader().fetch(index_object({}), keys); !fetched) return fetched.error();
    for (const auto& [id, at] : heads) {
      const std::string key = "c" + id.hex();
      const auto known = batch.reader().value({index_object({}), key});
      if (!known) return known.error();
      // A mailbox whose history has not grown since its last Head leaf needs none.
      if (*known && from_hex16(**known) >= at.size) continue;
      batch.writes({}).put(key, hex16(at.size));
      Leaf leaf;
      leaf.type = LeafType::Head;
      leaf.mailbox = id;
      leaf.value = at.size;
      leaf.container = at.root;
      leaf.actor = actor;
      batch.leaf({}, leaf);
    }
    head = batch.state({})->log.head();
    return ChangeResult::Done;
  });
  if (!noted) return noted.error();
  return options_.signer.sign(vault_, head);
}

Result<std::vector<RemovalRecord>> RadosStore::removal_records(const MailboxId& mailbox,
                                                               const MessageId& from, std::size_t limit) {
  if (auto known = existing(mailbox); !known) return known.error();
  std::vector<RemovalRecord> page;
  if (limit == 0) return page;
  std::vector<std::pair<std::string, Place>> places;
  std::optional<Error> damage;
  std::size_t size = 0;
  const Range keys = range(Family::Messages, removal_record_key(mailbox, from), after(Key('r').id(mailbox)));
  auto scanned = for_each_pair(context_, keys, [&](const std::string& key, const std::string& value) {
    auto place = decode_place(value);
    if (!place) {
      damage = place.error();
      return false;
    }
    size += place->envelope;
    places.emplace_back(key, std::move(*place));
    return places.size() < limit && size < kRemovalRecordPage;
  });
  if (!scanned) return scanned.error();
  if (damage) return *damage;
  for (const auto& [key, place] : places) {
    auto body = body_at(mailbox, place);
    if (!body) {
      // A sweep has removed it, or a purge has moved it, since the page was read.
      const auto now = place_of(mailbox, key);
      if (!now && now.error().code() == Code::NotFound) continue;
      if (!now) return now.error();
      body = body_at(mailbox, *now);
    }
    if (!body && body.error().code() == Code::NotFound) return Error(Code::Corrupt, body.error().text());
    if (!body) return body.error();
    auto removed = decode_removal_record(body->envelope);
    if (!removed) return removed.error();
    page.push_back(std::move(*removed));
  }
  return page;
}

}  // namespace gw::store::rados
