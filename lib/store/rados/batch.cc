#include "store/rados/batch.h"

#include <algorithm>

#include "store/leaf.h"

namespace gw::store::rados {
namespace {

std::string record_spot() {
  return spot(Family::Records, record_key({Kind::Mailbox, MailboxId{}, {}})).key;
}

std::string joined(std::span<const ByteView> parts) {
  std::string value;
  for (const ByteView part : parts) value += as_text(part);
  return value;
}

std::string end_of(const std::string& prefix) {
  std::string end = prefix;
  ++end.back();
  return end;
}

}  // namespace

Result<Loaded> load_index(Context& context, const MailboxId& log) {
  const std::string object = index_object(log);
  const std::string own = "w" + context.inc;
  const std::string numbers = "n" + context.inc;
  ReadOp op;
  op.attributes = {kVersion};
  op.keys = {kState, kTurn, own, numbers, record_spot()};
  op.page = ReadOp::Page{{}, "w", 1000};
  const Reply reply = context.cluster.read(Pool::Meta, object, std::move(op));
  Loaded loaded;
  if (reply.outcome == Outcome::Missing) return loaded;
  if (!reply.done()) return context.error(reply, "cannot read " + object);
  loaded.exists = true;
  loaded.version = from_hex16(reply.attributes.at(kVersion));
  const auto value = [&](const std::string& key) -> const std::string* {
    const auto at = reply.pairs.find(key);
    return at == reply.pairs.end() ? nullptr : &at->second;
  };
  if (const std::string* stored = value(kState)) {
    auto state = decode_index_state(*stored);
    if (!state) return state.error();
    loaded.entry.log = std::move(state->log);
    loaded.entry.epoch = state->epoch;
    state->log = {};
    loaded.state = std::move(*state);
  } else {
    return Error(Code::Corrupt, "the index " + object + " has no state");
  }
  if (const std::string* turn = value(kTurn)) loaded.turn = *turn;
  if (const std::string* stored = value(own)) loaded.writes = from_hex16(*stored);
  if (const std::string* stored = value(numbers)) {
    const auto known = decode_pack_numbers(*stored);
    if (!known) return known.error();
    loaded.numbers = *known;
  }
  if (const std::string* stored = value(record_spot()); stored != nullptr && !log.zero()) {
    auto record = without_version({Kind::Mailbox, log, {}}, as_bytes(*stored));
    if (!record) return record.error();
    auto mailbox = decode_mailbox(record->value);
    if (!mailbox) return mailbox.error();
    mailbox->version = record->version;
    loaded.entry.record = std::make_shared<const MailboxRecord>(std::move(*mailbox));
  }
  for (const auto& [key, stored] : reply.pairs) {
    if (key.starts_with('w') && key != own) loaded.others.push_back(key.substr(1));
  }
  return loaded;
}

void Writes::put(const std::string& key, std::string value) {
  size_ += key.size() + value.size();
  keys_.insert_or_assign(key, std::move(value));
}

void Writes::erase(const std::string& key) {
  size_ += key.size();
  keys_.insert_or_assign(key, std::nullopt);
}

void Writes::erase_prefix(const std::string& prefix) {
  std::erase_if(keys_, [&](const auto& each) { return each.first.starts_with(prefix); });
  prefixes_.push_back(prefix);
}

void Writes::merge(Writes&& later) {
  for (const std::string& prefix : later.prefixes_) erase_prefix(prefix);
  for (auto& [key, value] : later.keys_) keys_.insert_or_assign(key, std::move(value));
  size_ += later.size_;
}

void Writes::add_to(WriteOp& op) const {
  for (const std::string& prefix : prefixes_) op.erase_ranges.emplace_back(prefix, end_of(prefix));
  for (const auto& [key, value] : keys_) {
    if (value) {
      op.set.insert_or_assign(key, *value);
    } else {
      op.erase.push_back(key);
    }
  }
}

Batch::Batch(Context& context, std::vector<Part> parts)
    : context_(context), reader_(context), wall_(context.clock()) {
  for (Part& part : parts) {
    Now& now = now_[part.log];
    now.entry = part.loaded.entry;
    now.state = part.loaded.state;
    now.known = part.loaded.exists;
    all_[part.log];
    loaded_.emplace(part.log, std::move(part.loaded));
  }
}

void Batch::begin() {
  own_.clear();
  own_beside_.clear();
  for (const auto& [log, loaded] : loaded_) own_[log];
  before_ = now_;
}

void Batch::undo() {
  now_ = std::move(before_);
  begin();
}

void Batch::keep() {
  for (auto& [log, changes] : own_) {
    Changes& all = all_[log];
    all.writes.merge(std::move(changes.writes));
    all.changed |= changes.changed;
    all.named.merge(changes.named);
    for (const auto& [pack, count] : changes.added) all.added[pack] += count;
    all.packs.merge(changes.packs);
    all.records.merge(changes.records);
    all.records_dropped |= changes.records_dropped;
    all.absent.merge(changes.absent);
  }
  for (auto& [spot, value] : own_beside_) beside_.insert_or_assign(spot, std::move(value));
  begin();
}

Entry* Batch::state(const MailboxId& log) {
  const auto found = now_.find(log);
  return found == now_.end() || !found->second.known ? nullptr : &found->second.entry;
}

Entry& Batch::make(const MailboxId& log) {
  Now& now = now_.at(log);
  now.known = true;
  now.made = true;
  return now.entry;
}

void Batch::touch(const MailboxId& log) {
  own_.at(log).changed = true;
}

// Only here a leaf gets its index and time. Time never decreases within a history even if the wall
// clock does: leaves are evidence of an order.
std::uint64_t Batch::leaf(const MailboxId& log, Bytes& encoded) {
  LogState& state = now_.at(log).entry.log;
  state.time = std::max(state.time, wall_);
  const std::uint64_t index = state.range.size();
  place(encoded, index, state.time);
  state.range.append(leaf_hash(encoded));
  put(Family::History, leaf_key(log, index), encoded);
  touch(log);
  return index;
}

Batch::Changes& Batch::own(const Spot& spot) {
  for (auto& [log, changes] : own_) {
    if (index_object(log) == spot.object) return changes;
  }
  // The rules write only to the histories whose state they were given.
  std::abort();
}

void Batch::put(Family family, ByteView key, std::span<const ByteView> parts) {
  Spot at = spot(family, key);
  if (family == Family::Seen) {
    own_beside_.insert_or_assign(std::move(at), joined(parts));
    return;
  }
  Changes& changes = own(at);
  if (at.key.starts_with('q') && family == Family::Messages) {
    changes.records.insert_or_assign(at.key, joined(parts));
    return;
  }
  std::string value = joined(parts);
  if (family == Family::Bodies) {
    if (const auto place = decode_place(value)) ++changes.added[place->pack];
  }
  changes.writes.put(at.key, std::move(value));
}

void Batch::erase(Family family, ByteView key) {
  const Spot at = spot(family, key);
  Changes& changes = own(at);
  if (family == Family::Bodies || (family == Family::Messages && at.key.starts_with('q')))
    changes.named.insert(at.key);
  changes.writes.erase(at.key);
}

void Batch::erase_range(Family family, ByteView from, ByteView end) {
  const Range keys = range(family, from, end);
  if (family == Family::Seen) {
    // With the mailbox go all its fingerprints, each shard an object of its own; see clean().
    const MailboxId mailbox = MailboxId::from(from.first(16));
    own_.at(mailbox).writes.put(kCleaning, "1");
    return;
  }
  Changes& changes = own({keys.object, {}});
  if (keys.prefix == "q") changes.records_dropped = true;
  changes.writes.erase_prefix(keys.prefix);
}

std::size_t Batch::size() const {
  std::size_t size = 0;
  for (const auto* changes : {&own_, &all_}) {
    for (const auto& [log, each] : *changes) {
      size += each.writes.size();
      for (const auto& [key, record] : each.records) size += record.size();
    }
  }
  return size;
}

IndexState& Batch::index_state(const MailboxId& log) {
  return now_.at(log).state;
}

void Batch::expect_absent(const MailboxId& log, const std::string& key) {
  own_.at(log).absent.insert(key);
}

void Batch::move_place(const MailboxId& mailbox, const std::string& key, const Place& to) {
  Changes& changes = own_.at(mailbox);
  changes.named.insert(key);
  ++changes.added[to.pack];
  changes.writes.put(key, encode(to));
}

void Batch::new_pack(const MailboxId& mailbox, const PackId& pack, const PackCount& count) {
  own_.at(mailbox).packs[pack] = count;
}

void Batch::set_numbers(std::function<std::optional<std::uint64_t>()> next, PackNumbers numbers) {
  next_ = std::move(next);
  numbers_ = numbers;
}

// Removal records have the size of envelopes. So they go into packs, and the index gets their places.
Result<void> Batch::place_records(const MailboxId& log, Changes& changes) {
  for (auto at = changes.records.begin(); at != changes.records.end();) {
    const auto number = next_ ? next_() : std::nullopt;
    if (!number) return Error(Code::Busy, "no number for a pack of removal records is left");
    const PackId id{context_.inc, *number};
    PackBuilder pack(context_.vault, log, id, 'r');
    written_.push_back(id);
    for (; at != changes.records.end() && pack.size() < kPackSize; ++at) {
      const Place place = pack.add({}, as_bytes(at->second), {});
      changes.writes.put(at->first, encode(place));
      ++changes.added[id];
    }
    changes.packs[id] = pack.count();
    WriteOp op;
    op.create = true;
    op.although_full = true;
    op.data = pack.take();
    const Reply reply = context_.cluster.write(Pool::Data, id.object(log), std::move(op));
    // Whose it is is not known; it must not be removed.
    if (reply.outcome == Outcome::Exists) written_.pop_back();
    if (!reply.done()) return context_.error(reply, "cannot write removal records");
  }
  return {};
}

// Counts for each pack how many of its entries are named by a key. A pack without any is to be
// removed.
Result<void> Batch::count_packs(const MailboxId& log, Changes& changes) {
  const std::string object = index_object(log);
  std::map<PackId, int> differences = changes.added;
  const std::vector<std::string> named(changes.named.begin(), changes.named.end());
  if (auto fetched = reader_.fetch(object, named); !fetched) return fetched;
  for (const std::string& key : named) {
    const auto stored = reader_.value({object, key});
    if (!stored) return stored.error();
    if (!*stored) continue;
    const auto place = decode_place(**stored);
    if (!place) return place.error();
    --differences[place->pack];
  }
  std::vector<std::string> keys;
  for (const auto& [pack, difference] : differences) {
    if (!changes.packs.contains(pack)) keys.push_back("k" + pack.text());
  }
  if (auto fetched = reader_.fetch(object, keys); !fetched) return fetched;
  for (const auto& [pack, difference] : differences) {
    PackCount count;
    if (const auto fresh = changes.packs.find(pack); fresh != changes.packs.end()) {
      count = fresh->second;
    } else {
      const auto stored = reader_.value({object, "k" + pack.text()});
      if (!stored) return stored.error();
      // A pack that is not counted is never removed, which is the safe direction.
      if (!*stored) continue;
      const auto known = decode_pack_count(**stored);
      if (!known) return known.error();
      count = *known;
    }
    const std::int64_t living = std::int64_t{count.living} + difference;
    if (living > 0) {
      count.living = static_cast<std::uint32_t>(living);
      changes.writes.put("k" + pack.text(), encode(count));
    } else {
      changes.writes.erase("k" + pack.text());
      changes.writes.put("t" + pack.text(), hex16(count.parts));
    }
  }
  if (!changes.records_dropped) return {};
  // The mailbox is removed, and holds no message: none of its packs is named any more.
  return for_each_pair(context_, {object, "k", {}, {}, {}},
                       [&](const std::string& key, const std::string& value) {
                         const auto count = decode_pack_count(value);
                         changes.writes.erase(key);
                         changes.writes.put("t" + key.substr(1), hex16(count ? count->parts : 0));
                         return true;
                       });
}

Result<std::optional<WriteOp>> Batch::finish(const MailboxId& log) {
  Changes& changes = all_.at(log);
  if (auto placed = place_records(log, changes); !placed) return placed.error();
  if (auto counted = count_packs(log, changes); !counted) return counted.error();
  if (changes.writes.empty() && !changes.changed) return std::optional<WriteOp>();
  finished_.insert(log);
  const Loaded& loaded = loaded_.at(log);
  Now& now = now_.at(log);
  const auto vault = all_.find(MailboxId{});
  if (!log.zero() && vault != all_.end() && (now.made || !now.entry.record)) {
    // finish() of the vault comes after that of the mailbox.
    vault->second.writes.put("D" + log.hex(), now.entry.record ? "1" : "0");
    vault->second.changed = true;
    if (now.made) vault->second.absent.insert("D" + log.hex());
  }
  WriteOp op;
  changes.writes.add_to(op);
  IndexState state = now.state;
  state.epoch = now.entry.epoch;
  state.log = now.entry.log;
  op.set[kState] = encode(state);
  op.set_attributes[kVersion] = hex16(loaded.version + 1);
  op.set["w" + context_.inc] = hex16(loaded.writes + 1);
  if (!loaded.exists) {
    op.create = true;
    return std::optional(std::move(op));
  }
  op.must_exist = true;
  op.attribute_is[kVersion] = hex16(loaded.version);
  op.key_is["w" + context_.inc] = loaded.writes == 0 ? std::string() : hex16(loaded.writes);
  op.key_is[kTurn] = {};
  for (const std::string& key : changes.absent) op.key_is[key] = {};
  if (!log.zero()) op.set["n" + context_.inc] = encode(numbers_);
  return std::optional(std::move(op));
}

Loaded Batch::after(const MailboxId& log) const {
  Loaded after = loaded_.at(log);
  if (!finished_.contains(log)) return after;
  const Now& now = now_.at(log);
  after.exists = true;
  ++after.version;
  ++after.writes;
  after.entry = now.entry;
  after.state = now.state;
  after.state.epoch = now.entry.epoch;
  if (!log.zero()) after.numbers = numbers_;
  return after;
}

}  // namespace gw::store::rados
