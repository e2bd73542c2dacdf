// The rules for changes of mailboxes, small records and histories, the same for every store that
// keeps its data by keys (store/keys.h). See transaction.h for what a rule may do.
//
// The model of the tests (tests/support/memory_store.h) does not use them: it decides the same from
// plain maps, so that a fault in these rules shows as a difference between the two.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "store/transaction.h"

namespace gw::store {

// Store::put_mailbox(), with its input checked.
struct MailboxChange {
  const VaultId& vault;
  const MailboxRecord& record;
  const std::vector<Slot>& slots;
  Bytes value;                  // the encoded record
  std::vector<RecordKey> keys;  // of the names and aliases that lead to the mailbox, sorted
  Leaf leaf;
  std::size_t size = 0;  // about the bytes that the change adds
};
// The arguments must outlive the result.
Result<MailboxChange> mailbox_change(const VaultId& vault, const MailboxRecord& record,
                                     const std::vector<Slot>& slots, const Note& note, const Limits& limits);
Result<ChangeResult> apply(Transaction& transaction, const MailboxChange& change);
// Store::remove_mailbox().
Result<ChangeResult> remove_mailbox(Transaction& transaction, const VaultId& vault, const MailboxId& mailbox,
                                    std::string_view actor);

// Store::put_if() and erase_if(), with their input checked. It refers to the arguments of
// record_change(), which must outlive it.
struct RecordChange {
  const RecordKey& key;
  std::uint64_t version = 0;      // 0: there must be no such record
  std::optional<ByteView> value;  // nullopt: the record is removed
  Leaf leaf;
  std::size_t size = 0;  // about the bytes that the change adds
};
Result<RecordChange> record_change(const RecordKey& key, std::uint64_t version, std::optional<ByteView> value,
                                   const Note& note);
// Sets `made` to the new version.
Result<ChangeResult> apply(Transaction& transaction, const RecordChange& change, std::uint64_t& made);

// Store::note(), for a leaf that check_note() accepts. Sets `index` to that of the leaf.
Result<ChangeResult> add_note(Transaction& transaction, const MailboxId& log, const Leaf& leaf,
                              std::uint64_t& index);
// Store::note_messages(), for a leaf about a message. Sets `noted` to the number of leaves.
Result<ChangeResult> add_notes(Transaction& transaction, const MailboxId& mailbox, const Leaf& like,
                               std::span<const MessageId> messages, std::size_t& noted);

}  // namespace gw::store
