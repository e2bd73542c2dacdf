// What a sweep does beside: it removes packs that nothing names, and moves leaves out of the indexes.
// Each step may be repeated, and is, if the keeper is killed in between.
#include <algorithm>

#include "store/rados/rados_store_private.h"

namespace gw::store::rados {
namespace {

constexpr std::size_t kUpkeepSize = 4096;    // about the bytes of one change
constexpr std::size_t kRemovedAtOnce = 500;  // packs whose keys one change erases

std::string block_of(std::span<const Bytes> leaves) {
  ByteWriter writer;
  writer.u32(static_cast<std::uint32_t>(leaves.size()));
  for (const Bytes& leaf : leaves) writer.u32(static_cast<std::uint32_t>(leaf.size())).bytes(leaf);
  return std::string(as_text(writer.data()));
}

}  // namespace

Result<void> RadosStore::upkeep(const MailboxId& mailbox, bool dropped) {
  const auto loaded = load_index(context_, mailbox);
  if (!loaded) return loaded.error();
  // It is just being created.
  if (!loaded->exists) return {};
  // Another keeper that is registered may have left packs that nothing names.
  if (!loaded->others.empty()) {
    const auto box = at(mailbox);
    const Index::Lead lead(box->index);
    box->index.forget();
    if (auto done = box->index.prepare(); !done) return done;
  }
  if (!dropped) {
    if (auto done = roll(mailbox); !done) return done;
  }
  if (auto done = remove_orphans(mailbox); !done) return done;
  if (auto done = remove_unnamed(mailbox); !done) return done;
  return dropped ? clean(mailbox) : Result<void>();
}

// Moves whole blocks of leaves to objects of their own. The object is written first; its content does
// not depend on who writes it.
Result<void> RadosStore::roll(const MailboxId& log) {
  for (;;) {
    const auto loaded = look(log);
    if (!loaded) return loaded.error();
    const std::uint64_t first = loaded->state.rolled;
    if (loaded->entry.log.range.size() < first + kBlock) return {};
    std::vector<Bytes> leaves;
    const ClusterReader reader(context_);
    auto scanned = reader.scan(Family::History, leaf_key(log, first), leaf_key(log, first + kBlock),
                               [&](ByteView, ByteView value) {
                                 leaves.push_back(to_bytes(value));
                                 return true;
                               });
    if (!scanned) return scanned;
    if (leaves.size() != kBlock) return Error(Code::Corrupt, "leaves of the history are missing");
    WriteOp op;
    op.data = block_of(leaves);
    const std::string object = block_object(log, first / kBlock);
    const Reply reply = context_.cluster.write(Pool::Meta, object, std::move(op));
    if (!reply.done()) return context_.error(reply, "cannot write " + object);
    auto changed = change(log, kUpkeepSize, true, [&](Batch& batch) -> Result<ChangeResult> {
      IndexState& state = batch.index_state(log);
      if (state.rolled != first) return ChangeResult::Done;
      state.rolled += kBlock;
      batch.touch(log);
      for (std::uint64_t index = first; index < first + kBlock; ++index)
        batch.writes(log).erase("l" + hex16(index));
      return ChangeResult::Done;
    });
    if (!changed) return changed;
  }
}

Result<std::vector<Bytes>> RadosStore::leaves_of(const MailboxId& log, std::uint64_t block) {
  const std::string object = block_object(log, block);
  ReadOp op;
  op.range = ReadOp::Range{};
  const Reply reply = context_.cluster.read(Pool::Meta, object, std::move(op));
  const Error damaged(Code::Corrupt, "the leaves in " + object + " are missing or malformed");
  if (reply.outcome == Outcome::Missing) return damaged;
  if (!reply.done()) return context_.error(reply, "cannot read " + object);
  ByteReader reader(as_bytes(reply.data));
  std::vector<Bytes> leaves;
  for (std::uint32_t left = reader.u32(); left > 0 && reader.ok(); --left)
    leaves.push_back(to_bytes(reader.bytes(reader.u32())));
  if (!reader.done() || leaves.size() != kBlock) return damaged;
  return leaves;
}

// The packs of keys `t`: first the objects, then the keys.
Result<void> RadosStore::remove_unnamed(const MailboxId& mailbox) {
  for (;;) {
    std::vector<std::pair<std::string, std::string>> unnamed;
    auto found = for_each_pair(context_, {index_object(mailbox), "t", {}, {}, {}},
                               [&](const std::string& key, const std::string& value) {
                                 unnamed.emplace_back(key, value);
                                 return unnamed.size() < kRemovedAtOnce;
                               });
    if (!found && found.error().code() == Code::NotFound) return {};
    if (!found) return found;
    if (unnamed.empty()) return {};
    for (const auto& [key, parts] : unnamed) {
      const PackId pack = pack_of(std::string_view(key).substr(1));
      auto removed = remove_pack(context_, mailbox, pack, static_cast<std::uint32_t>(from_hex16(parts)));
      if (!removed) return removed;
      packs_.forget(pack.object(mailbox));
    }
    auto changed = change(mailbox, kUpkeepSize, true, [&](Batch& batch) -> Result<ChangeResult> {
      batch.touch(mailbox);
      for (const auto& [key, parts] : unnamed) batch.writes(mailbox).erase(key);
      return ChangeResult::Done;
    });
    if (!changed) return changed;
  }
}

// The packs of a keeper that was fenced and that it did not name any more. It cannot name them later,
// because its writes are refused.
Result<void> RadosStore::remove_orphans(const MailboxId& mailbox) {
  std::vector<std::pair<std::string, PackNumbers>> fenced;
  std::optional<Error> damage;
  auto found = for_each_pair(context_, {index_object(mailbox), "o", {}, {}, {}},
                             [&](const std::string& key, const std::string& value) {
                               const auto numbers = decode_pack_numbers(value);
                               if (numbers) {
                                 fenced.emplace_back(key.substr(1), *numbers);
                               } else {
                                 damage = numbers.error();
                               }
                               return !damage;
                             });
  if (!found && found.error().code() == Code::NotFound) return {};
  if (!found) return found;
  if (damage) return *damage;
  for (const auto& [inc, numbers] : fenced) {
    ClusterReader reader(context_);
    std::vector<std::string> keys;
    for (std::uint64_t number = numbers.low; number < numbers.reserved; ++number) {
      keys.push_back("k" + PackId{inc, number}.text());
      keys.push_back("t" + PackId{inc, number}.text());
    }
    if (auto fetched = reader.fetch(index_object(mailbox), keys); !fetched) return fetched;
    for (std::uint64_t number = numbers.low; number < numbers.reserved; ++number) {
      const PackId pack{inc, number};
      bool named = false;
      for (const char* letter : {"k", "t"}) {
        const auto stored = reader.value({index_object(mailbox), letter + pack.text()});
        if (!stored) return stored.error();
        named |= stored->has_value();
      }
      if (named) continue;
      if (auto removed = remove_pack(context_, mailbox, pack, std::nullopt); !removed) return removed;
    }
    const std::string key = "o" + inc;
    auto changed = change(mailbox, kUpkeepSize, true, [&](Batch& batch) -> Result<ChangeResult> {
      batch.touch(mailbox);
      batch.writes(mailbox).erase(key);
      return ChangeResult::Done;
    });
    if (!changed) return changed;
  }
  return {};
}

// What is left of a removed mailbox beside its index.
Result<void> RadosStore::clean(const MailboxId& mailbox) {
  const ClusterReader reader(context_);
  const auto wanted = reader.value({index_object(mailbox), kCleaning});
  if (!wanted) return wanted.error();
  if (!*wanted) return {};
  for (unsigned shard = 0; shard < 256; ++shard) {
    WriteOp op;
    op.remove = true;
    op.although_full = true;
    const std::string object = seen_object(mailbox, static_cast<std::uint8_t>(shard));
    const Reply reply = context_.cluster.write(Pool::Meta, object, std::move(op));
    if (!reply.done() && reply.outcome != Outcome::Missing)
      return context_.error(reply, "cannot remove " + object);
  }
  return change(mailbox, kUpkeepSize, true, [&](Batch& batch) -> Result<ChangeResult> {
    batch.touch(mailbox);
    batch.writes(mailbox).erase(kCleaning);
    return ChangeResult::Done;
  });
}

}  // namespace gw::store::rados
