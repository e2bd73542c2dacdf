#include "vault/proof.h"

#include <optional>

#include "base/text.h"
#include "store/leaf.h"
#include "store/merkle.h"

namespace gw::vault {
namespace {

constexpr std::size_t kPage = 1000;

// The first `size` leaves of a history: their hashes, and the last one that fits.
struct Search {
  std::vector<Digest> hashes;
  std::optional<Bytes> leaf;
  std::uint64_t index = 0;
};

template <class Fits>
Result<Search> search(store::Store& store, const MailboxId& log, std::uint64_t size, const Fits& fits) {
  Search found;
  while (found.hashes.size() < size) {
    const auto page = store.history_read(log, found.hashes.size(),
                                         std::min<std::uint64_t>(kPage, size - found.hashes.size()));
    if (!page) return page.error();
    if (page->empty()) return Error(Code::Corrupt, "a history is shorter than its head says");
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
  store::CompactRange range;
  for (const Digest& hash : found.hashes) range.append(hash);
  inclusion.root = range.root();
  return inclusion;
}

// The second line of a note (vault/checkpoint.h).
Result<std::uint64_t> size_in(std::string_view note) {
  const std::vector<std::string_view> lines = split(note, '\n');
  const auto size = lines.size() > 1 ? parse_number(lines[1]) : std::nullopt;
  if (!size) return Error(Code::Internal, "a checkpoint without a size");
  return *size;
}

}  // namespace

Result<Proof> prove(store::Store& store, const MailboxId& mailbox, const MessageId& message,
                    std::string_view actor) {
  auto note = store.checkpoint(actor);
  if (!note) return note.error();
  const auto size = size_in(*note);
  if (!size) return size.error();

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
  if (proof.message.root != named->container)
    return Error(Code::Corrupt, "the mailbox's history is not the one that its head in the vault's names");
  proof.note = std::move(*note);
  return proof;
}

}  // namespace gw::vault
