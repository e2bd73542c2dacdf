#include "vault/recovery.h"

#include <optional>
#include <utility>

#include "base/log.h"
#include "seal/age.h"
#include "seal/slot.h"
#include "vault/change_note.h"
#include "vault/keys.h"
#include "vault/mailbox.h"
#include "vault/recovery.pb.h"

namespace gw::vault {
namespace {

const store::RecordKey kRecoveryKey{store::Kind::Setting, {}, std::string(kRecoveryRecord)};
// Entries of the history in one read.
constexpr std::uint64_t kLeavesInOneRead = 1000;
// What the actor of a history entry that belongs to a change of the record contains, before the
// recipient and one of the two words.
constexpr std::string_view kChange = ", recovery recipient ";
constexpr std::string_view kAdded = " added";
constexpr std::string_view kRemoved = " removed";
// Reads of the record while other processes change it.
constexpr int kMaxReads = 5;

Error replaced(const char* what) {
  log::error("recovery recipient changed");
  return Error(Code::Corrupt, what);
}

Digest digest_of(std::string_view recipient) {
  return recipient.empty() ? Digest{} : sha256(as_bytes(recipient));
}

// Checks whether the entry belongs to a change of the record. An entry about the vault's settings can
// contain `, recovery recipient none -> age1…`, and is none.
bool is_change(const store::Leaf& leaf) {
  return leaf.type == store::LeafType::Setting &&
         leaf.actor.find(std::string(kChange) + "age1") != std::string::npos &&
         (leaf.actor.ends_with(kAdded) || leaf.actor.ends_with(kRemoved));
}

// Returns the digest in the newest history entry about this record, zeros if there is none, and
// nullopt if a Gap is newer.
Result<std::optional<Digest>> newest_change(store::Store& store) {
  const auto head = store.history_head({});
  if (!head) return head.error();
  for (std::uint64_t end = head->size; end > 0;) {
    const std::uint64_t from = end > kLeavesInOneRead ? end - kLeavesInOneRead : 0;
    auto leaves = store.history_read({}, from, end - from);
    if (!leaves) return leaves.error();
    // A read may return fewer than requested.
    if (leaves->empty()) return Error(Code::Corrupt, "the vault's history has a hole");
    while (from + leaves->size() < end) {
      auto more = store.history_read({}, from + leaves->size(), end - from - leaves->size());
      if (!more) return more.error();
      if (more->empty()) return Error(Code::Corrupt, "the vault's history has a hole");
      leaves->insert(leaves->end(), more->begin(), more->end());
    }
    for (auto each = leaves->rbegin(); each != leaves->rend(); ++each) {
      const Result<store::Leaf> leaf = store::decode_leaf(*each);
      // An entry of a newer version is about something that this program does not know.
      if (!leaf && leaf.error().code() == Code::Version) continue;
      if (!leaf) return leaf.error();
      if (is_change(*leaf)) return std::optional(leaf->container);
      if (leaf->type == store::LeafType::Gap) return std::optional<Digest>();
    }
    end = from;
  }
  return std::optional(Digest{});
}

struct RecoveryRecord {
  proto::RecoveryRecipients list;
  std::uint64_t version = 0;  // 0: there is no record
  Digest digest{};            // of the stored bytes; zeros if there is no record
};

// Reads the recipients without a comparison with the history.
Result<RecoveryRecord> read_list(store::Store& store) {
  const Result<Settings> settings = read_settings(store);
  if (!settings) return settings.error();
  const Result<store::Record> record = store.get(kRecoveryKey);
  if (!record && record.error().code() != Code::NotFound) return record.error();
  RecoveryRecord stored;
  if (record) {
    stored.version = record->version;
    stored.digest = sha256(record->value);
    if (!stored.list.ParseFromArray(record->value.data(), static_cast<int>(record->value.size())))
      return Error(Code::Corrupt, "the record of the recovery recipients is malformed");
  } else if (!settings->recovery_recipient.empty()) {
    stored.list.set_founding(settings->recovery_recipient);
    stored.list.add_recipients()->set_recipient(settings->recovery_recipient);
  }
  return stored;
}

// Returns the version of the record; 0 if there is none.
Result<std::uint64_t> version_of_record(store::Store& store) {
  const Result<store::Record> record = store.get(kRecoveryKey);
  if (record) return record->version;
  if (record.error().code() == Code::NotFound) return std::uint64_t{0};
  return record.error();
}

// Reads the recipients as of the newest change in the history. A vault without a record must have no
// change in its history either: otherwise the record was deleted.
Result<RecoveryRecord> read_newest(store::Store& store) {
  for (int tries = 0; tries < kMaxReads; ++tries) {
    Result<RecoveryRecord> stored = read_list(store);
    if (!stored) return stored;
    const Result<std::optional<Digest>> change = newest_change(store);
    if (!change) return change.error();
    if (!*change || **change == stored->digest) return stored;
    // Another process may have changed the record after it was read, and before the history was.
    const Result<std::uint64_t> version = version_of_record(store);
    if (!version) return version.error();
    if (*version == stored->version)
      return replaced("the recovery recipients differ from those in the vault's history");
  }
  return Error(Code::Busy, "other processes are changing the recovery recipients");
}

// Reads the recipients and compares them with the history.
Result<RecoveryRecord> read(store::Store& store) {
  Result<RecoveryRecord> stored = read_newest(store);
  if (!stored) return stored;
  // The first leaf is covered by every checkpoint.
  const Result<std::vector<Bytes>> leaves = store.history_read({}, 0, 1);
  if (!leaves) return leaves.error();
  if (leaves->empty()) return Error(Code::Corrupt, "the vault's history is empty");
  const Result<store::Leaf> first = store::decode_leaf(leaves->front());
  if (!first) return first.error();
  if (first->type != store::LeafType::VaultMade || first->container != digest_of(stored->list.founding()))
    return replaced("the recovery recipient differs from the one that the vault was created with");
  return stored;
}

Result<void> write(store::Store& store, const RecoveryRecord& changed, const std::string& recipient,
                   std::string_view what, std::string_view actor) {
  Bytes value(changed.list.ByteSizeLong());
  (void)changed.list.SerializeToArray(value.data(), static_cast<int>(value.size()));
  std::string why = std::string(actor) + std::string(kChange) + recipient + std::string(what);
  const auto written =
      store.put_if(kRecoveryKey, changed.version, value, {store::LeafType::Setting, std::move(why), 0});
  if (!written) return written.error().within("cannot change the recovery recipients");
  return {};
}

// Ensures that an older program, which knows only the settings, makes no slot for a recipient that
// was removed: without its recipient in the settings it finds that they differ from the history, and
// makes no slot at all.
Result<void> hide_from_old_programs(store::Store& store, const RecoveryRecord& stored,
                                    std::string_view actor) {
  bool hidden = false;
  for (const proto::RecoveryRecipient& each : stored.list.recipients())
    hidden |= each.removed() && each.recipient() == stored.list.founding();
  Result<Settings> settings = read_settings(store);
  if (!settings) return settings.error();
  const std::string wanted = hidden ? "" : stored.list.founding();
  if (settings->recovery_recipient == wanted) return {};
  settings->recovery_recipient = wanted;
  return write_settings(store, *settings, actor);
}

proto::RecoveryRecipient* find(proto::RecoveryRecipients& list, const std::string& recipient) {
  for (proto::RecoveryRecipient& each : *list.mutable_recipients())
    if (each.recipient() == recipient) return &each;
  return nullptr;
}

std::size_t present(const proto::RecoveryRecipients& list) {
  std::size_t count = 0;
  for (const proto::RecoveryRecipient& each : list.recipients()) count += each.removed() ? 0 : 1;
  return count;
}

}  // namespace

Result<std::vector<RecoveryRecipient>> recovery_recipients(store::Store& store) {
  const Result<RecoveryRecord> stored = read(store);
  if (!stored) return stored.error();
  std::vector<RecoveryRecipient> all;
  for (const proto::RecoveryRecipient& each : stored->list.recipients())
    all.push_back(
        {each.recipient(), each.recipient() == stored->list.founding(), each.removed(), each.added()});
  return all;
}

Result<void> check_recovery_recipient(store::Store& store) {
  const Result<RecoveryRecord> stored = read(store);
  if (!stored) return stored.error();
  return {};
}

Result<std::vector<seal::PublicKey>> recovery_keys(store::Store& store) {
  const auto all = recovery_recipients(store);
  if (!all) return all.error();
  std::vector<seal::PublicKey> keys;
  for (const RecoveryRecipient& each : *all) {
    if (each.removed) continue;
    const Result<seal::PublicKey> key = seal::parse_recipient(each.text);
    if (!key) return Error(Code::Corrupt, "the recovery recipient " + each.text + " is malformed");
    keys.push_back(*key);
  }
  return keys;
}

Result<void> add_recovery_recipient(store::Store& store, const seal::PublicKey& key, std::string_view actor) {
  Result<RecoveryRecord> stored = read(store);
  if (!stored) return stored.error();
  const std::string text = seal::recipient(key);
  // A key to which nothing can be sealed would make each later change of a password fail.
  if (auto sealed = seal::seal_file(Secret(1), key); !sealed)
    return Error(Code::BadInput, text + ": nothing can be sealed to this recipient");
  proto::RecoveryRecipient* known = find(stored->list, text);
  if (known != nullptr && !known->removed()) {
    // The run that added it may have been interrupted before this.
    if (auto hidden = hide_from_old_programs(store, *stored, actor); !hidden) return hidden;
    return Error(Code::Exists, "the vault has the recovery recipient " + text + " already");
  }
  if (present(stored->list) >= kMaxRecoveryRecipients)
    return Error(Code::Full, "the vault has " + std::to_string(kMaxRecoveryRecipients) +
                                 " recovery recipients, which is the limit");
  if (known == nullptr) {
    known = stored->list.add_recipients();
    known->set_recipient(text);
  }
  known->set_removed(false);
  known->set_added(now());
  if (auto written = write(store, *stored, text, kAdded, actor); !written) return written;
  return hide_from_old_programs(store, *stored, actor);
}

Result<void> remove_recovery_recipient(store::Store& store, const seal::PublicKey& key,
                                       std::string_view actor) {
  Result<RecoveryRecord> stored = read(store);
  if (!stored) return stored.error();
  const std::string text = seal::recipient(key);
  proto::RecoveryRecipient* known = find(stored->list, text);
  if (known == nullptr) return Error(Code::NotFound, "the vault has no recovery recipient " + text);
  if (known->removed()) {
    // The run that removed it may have been interrupted before this.
    if (auto hidden = hide_from_old_programs(store, *stored, actor); !hidden) return hidden;
    return Error(Code::Exists, "the recovery recipient " + text + " was removed already");
  }
  if (present(stored->list) == 1)
    return Error(Code::Conflict, "it is the last recovery recipient: mail would be lost with its password")
        .with_hint("gw-store recovery add RECIPIENT");
  known->set_removed(true);
  if (auto written = write(store, *stored, text, kRemoved, actor); !written) return written;
  return hide_from_old_programs(store, *stored, actor);
}

Result<std::vector<Digest>> recovery_slot_of(store::Store& store, const MailboxId& mailbox,
                                             const std::vector<RecoveryRecipient>& recipients) {
  const Result<store::Record> slot = store.get({store::Kind::Slot, mailbox, std::string(kRecoverySlot)});
  if (!slot && slot.error().code() == Code::NotFound) return std::vector<Digest>();
  if (!slot) return slot.error();
  auto named = seal::recovery_slot_recipients(slot->value);
  if (!named) return named;
  // A program of version 0.1 seals to the recipient that the vault was created with.
  if (named->empty())
    for (const RecoveryRecipient& each : recipients)
      if (each.founding) named->push_back(digest_of(each.text));
  return named;
}

Result<void> reseal_recovery(store::Store& store, const store::MailboxRecord& mailbox,
                             const seal::KeyRing& ring, std::string_view actor) {
  const auto keys = recovery_keys(store);
  if (!keys) return keys.error();
  if (keys->empty())
    return Error(Code::Conflict, "the vault has no recovery recipient")
        .with_hint("gw-store recovery add RECIPIENT");
  const Result<store::MailboxRecord> now = store.mailbox(mailbox.id);
  if (!now) return now.error();
  if (now->version != mailbox.version)
    return Error(Code::Conflict, "the mailbox was changed in the meantime");
  Result<store::Slot> slot = make_recovery_slot(store, mailbox.id, ring, *keys);
  if (!slot) return slot.error();
  return put_slots(
      store, *now, {std::move(*slot)},
      {store::LeafType::Slot, change_note(actor, "mailbox " + now->name, "recovery slot sealed again"), 0});
}

}  // namespace gw::vault
