#include "vault/proof.h"

#include <optional>

#include "base/text.h"
#include "seal/age.h"
#include "seal/envelope.h"
#include "store/leaf.h"
#include "store/merkle.h"
#include "vault/drain.h"

namespace gw::vault {
namespace {

constexpr std::size_t kHashPage = 1000;

// The hashes of the first `size` leaves of a history, and the last leaf that matches.
struct Search {
  std::vector<Digest> hashes;
  std::optional<Bytes> leaf;
  std::uint64_t index = 0;
};

template <class Fits>
// The last match counts: for Head leaves it is the newest head, and for a message that was lost and
// accepted again it is the leaf that is in force.
Result<Search> search(store::Store& store, const MailboxId& log, std::uint64_t size, const Fits& fits) {
  Search found;
  while (found.hashes.size() < size) {
    const auto page = store.history_read(log, found.hashes.size(),
                                         std::min<std::uint64_t>(kHashPage, size - found.hashes.size()));
    if (!page) return page.error();
    // The head counts more leaves than there are. Without this check the loop would not end.
    if (page->empty()) return Error(Code::Corrupt, "a history is shorter than its tree head says");
    for (const Bytes& stored : *page) {
      const auto leaf = store::decode_leaf(stored);
      if (!leaf) return leaf.error();
      if (fits(*leaf)) {
        found.leaf = stored;
        found.index = found.hashes.size();
      }
      found.hashes.push_back(store::leaf_hash(stored));
    }
  }
  return found;
}

Inclusion inclusion(Search found, std::uint64_t size) {
  Inclusion inclusion;
  inclusion.leaf = std::move(*found.leaf);
  inclusion.index = found.index;
  inclusion.size = size;
  inclusion.path = store::inclusion_path(found.hashes, found.index);
  // Computes the root over the same hashes, so that path and root are consistent by construction.
  // The callers compare the root with what is signed.
  store::CompactRange range;
  for (const Digest& hash : found.hashes) range.append(hash);
  inclusion.root = range.root();
  return inclusion;
}

// Returns the size on the second line of a note (vault/checkpoint.h).
Result<std::uint64_t> size_in(std::string_view note) {
  const std::vector<std::string_view> lines = split(note, '\n');
  const auto size = lines.size() > 1 ? parse_number(lines[1]) : std::nullopt;
  if (!size) return Error(Code::Internal, "the checkpoint has no size");
  return *size;
}

}  // namespace

// The checkpoint is made first; it appends a Head leaf for each mailbox that has grown, so that the
// signed head covers the message.
Result<Proof> prove(store::Store& store, const MailboxId& mailbox, const MessageId& message,
                    std::string_view actor) {
  auto note = store.checkpoint(actor);
  if (!note) return note.error();
  const auto size = size_in(*note);
  if (!size) return size.error();

  // Both histories are searched only up to the sizes that are signed. Entries appended meanwhile do
  // not disturb.
  auto head = search(store, {}, *size, [&](const store::Leaf& leaf) {
    return leaf.type == store::LeafType::Head && leaf.mailbox == mailbox;
  });
  if (!head) return head.error();
  if (!head->leaf) return Error(Code::NotFound, "no such mailbox in the vault's history");
  const auto named = store::decode_leaf(*head->leaf);
  if (!named) return named.error();

  auto accepted = search(store, mailbox, named->value, [&](const store::Leaf& leaf) {
    const bool first = leaf.type == store::LeafType::Accepted || leaf.type == store::LeafType::Pending;
    return first && leaf.message == message;
  });
  if (!accepted) return accepted.error();
  if (!accepted->leaf) return Error(Code::NotFound, "the mailbox never had this message");

  Proof proof;
  proof.message = inclusion(std::move(*accepted), named->value);
  proof.head = inclusion(std::move(*head), *size);
  // A proof that a verifier would reject must not leave the program.
  if (proof.message.root != named->container)
    return Error(Code::Corrupt, "the mailbox's history does not match its tree head in the vault's history");
  proof.note = std::move(*note);
  return proof;
}

namespace {

struct OpenedRecord {
  Envelope envelope;
  Content content;
};

Result<OpenedRecord> opened_record(const store::RemovalRecord& swept, const seal::KeyRing& ring,
                                   const VaultId& vault, const MailboxId& mailbox) {
  const store::MessageRecord& record = swept.record;
  const auto corrupt = [&](const std::string& why) {
    return Error(Code::Corrupt, "the removal record of message " + record.id.hex() + ": " + why);
  };
  const seal::RingKey* key = ring.find(record.generation);
  if (key == nullptr) return corrupt("it is sealed to a key that the mailbox does not have");
  // open_header() expects the payload's nonce after the header. The removal record does not keep
  // it, since nothing is decrypted with it here; zeros take its place.
  Bytes prefix = swept.header;
  prefix.resize(prefix.size() + seal::kNonce);
  const auto header = seal::open_header(prefix, std::span(key, 1), seal::Shape::Own);
  if (!header) return corrupt(header.error().text());
  const seal::EnvelopePlace place{vault,           mailbox,     record.id,        record.generation,
                                  record.received, record.size, record.wire_size, record.container};
  const auto plain = seal::open_envelope(header->file_key, place, swept.envelope);
  if (!plain) return corrupt(plain.error().text());
  auto envelope = decode_envelope(*plain);
  if (!envelope) return corrupt(envelope.error().text());
  const seal::Key commitment_key = seal::commitment_key(header->file_key);
  if (seal::commitment(commitment_key.view(), envelope->sha256) != record.commitment)
    return corrupt("its content does not match the commitment in the history");
  Content content{envelope->sha256, to_bytes(commitment_key.view())};
  return OpenedRecord{std::move(*envelope), std::move(content)};
}

}  // namespace

Result<Content> open_removed(const store::RemovalRecord& swept, const seal::KeyRing& ring,
                             const VaultId& vault, const MailboxId& mailbox) {
  auto receipt = opened_record(swept, ring, vault, mailbox);
  if (!receipt) return receipt.error();
  return std::move(receipt->content);
}

Result<Envelope> open_removed_envelope(const store::RemovalRecord& swept, const seal::KeyRing& ring,
                                       const VaultId& vault, const MailboxId& mailbox) {
  auto receipt = opened_record(swept, ring, vault, mailbox);
  if (!receipt) return receipt.error();
  return std::move(receipt->envelope);
}

Result<Content> content_of(store::Store& store, const seal::KeyRing& ring, const MailboxId& mailbox,
                           const MessageId& id) {
  const auto vault = store.vault_id();
  if (!vault) return vault.error();
  const auto record = store.find(mailbox, id);
  if (record) {
    const auto message = open_message(store, ring, *vault, mailbox, *record);
    if (!message) return message.error();
    return Content{message->envelope().sha256, to_bytes(message->commitment_key())};
  }
  if (record.error().code() != Code::NotFound) return record.error();
  // removal_records() returns the first record from this id on, which may be of another message.
  const auto swept = store.removal_records(mailbox, id, 1);
  if (!swept) return swept.error();
  if (swept->empty() || swept->front().record.id != id)
    return Error(Code::NotFound,
                 "the message and its removal record, which proves its content, have been removed");
  return open_removed(swept->front(), ring, *vault, mailbox);
}

}  // namespace gw::vault
