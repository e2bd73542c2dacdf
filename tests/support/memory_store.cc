#include "support/memory_store.h"

#include <algorithm>

#include "store/resolve.h"
#include "support/memory_private.h"

namespace gw::store {

MemoryStore::MemoryStore(MemoryOptions options)
    : options_(std::move(options)),
      leases_(options_.boot_clock),
      permits_(options_.permit_bytes),
      kept_time_({}, options_.clock(), options_.boot_clock(), options_.most_unseen) {
  Leaf leaf;
  leaf.type = LeafType::VaultMade;
  if (!options_.recovery_recipient.empty()) leaf.container = sha256(options_.recovery_recipient);
  // The first leaf of the vault's history, as LocalStore::found() writes it.
  grow({}, leaf);
}

MemoryStore::MemoryStore(const MemoryStore& other, bool keep_removal_records)
    : options_(other.options_),
      keep_removal_records_(keep_removal_records),
      purges_(other.purges_),
      mailboxes_(other.mailboxes_),
      logs_(other.logs_),
      records_(other.records_),
      leases_(options_.boot_clock),
      permits_(options_.permit_bytes),
      kept_time_(other.kept_time_),
      commits_(other.commits_) {}

Result<Health> MemoryStore::health() {
  const std::lock_guard lock(mutex_);
  Health health;
  health.vault = options_.vault;
  health.kind = "memory";
  health.free_bytes = std::numeric_limits<std::uint64_t>::max();
  health.disk_bytes = health.free_bytes;
  health.free_inodes = health.free_bytes;
  health.commits = commits_;
  health.mailboxes = mailboxes_.size();
  health.senders = std::any_of(mailboxes_.begin(), mailboxes_.end(),
                               [](const auto& entry) { return entry.second.record.token_hash.has_value(); });
  if (options_.signer.verifier) health.verifier = options_.signer.verifier(options_.vault);
  return health;
}

Result<void> MemoryStore::put_mailbox(const MailboxRecord& record, const std::vector<Slot>& slots,
                                      const Note& note) {
  if (auto fits = check_mailbox(record); !fits) return fits;
  if (auto fits = check_slots(slots, limits()); !fits) return fits;
  if (auto fits = check_note(note); !fits) return fits;
  const std::lock_guard lock(mutex_);
  const auto found = mailboxes_.find(record.id);
  const bool fresh = record.version == 0;
  // The history of a dropped mailbox stays, and its id with it.
  if (fresh && (found != mailboxes_.end() || logs_.contains(record.id)))
    return Error(Code::Exists, "a mailbox with this id exists or existed");
  if (!fresh && found == mailboxes_.end()) return missing_mailbox();
  if (!fresh && found->second.record.version != record.version)
    return Error(Code::Conflict, "the mailbox was changed in the meantime");
  std::vector<RecordKey> before;
  if (!fresh) before = index_keys(options_.vault, found->second.record);
  const std::vector<RecordKey> after = index_keys(options_.vault, record);
  for (const RecordKey& key : after) {
    if (!std::binary_search(before.begin(), before.end(), key) && records_.contains(key))
      return Error(Code::Exists, key.kind == Kind::Name
                                     ? "a mailbox with this name already exists"
                                     : "another mailbox already has an alias or domain of this one");
  }
  const Bytes value = encode(record);
  if (value.size() > limits().record) return Error(Code::BadInput, "the mailbox record is too long");
  Leaf leaf;
  leaf.type = fresh ? LeafType::MailboxMade : note.type;
  leaf.mailbox = record.id;
  leaf.value = note.value;
  leaf.container = sha256(value);
  leaf.actor = note.actor;
  const std::uint64_t version = grow(record.id, leaf) + 1;
  if (fresh) grow({}, leaf);
  // Erased first: a key can be in both lists.
  for (const RecordKey& key : before) records_.erase(key);
  for (const RecordKey& key : after) records_[key] = {key, to_bytes(record.id.view()), version};
  for (const Slot& slot : slots) {
    const RecordKey key{Kind::Slot, record.id, slot.name};
    if (slot.value.empty()) {
      records_.erase(key);
    } else {
      records_[key] = {key, slot.value, version};
    }
  }
  records_[{Kind::Mailbox, record.id, {}}] = {{Kind::Mailbox, record.id, {}}, value, version};
  Mailbox& mailbox = mailboxes_[record.id];
  mailbox.record = record;
  mailbox.record.version = version;
  return {};
}

Result<void> MemoryStore::remove_mailbox(const MailboxId& id, std::string_view actor) {
  const std::lock_guard lock(mutex_);
  const auto found = mailboxes_.find(id);
  if (found == mailboxes_.end()) return missing_mailbox();
  if (found->second.record.status != Status::Suspended)
    return Error(Code::Conflict, "the mailbox is not suspended");
  if (!empty(found->second.stat)) return Error(Code::Conflict, "the mailbox still holds messages");
  for (const RecordKey& key : index_keys(options_.vault, found->second.record)) records_.erase(key);
  std::erase_if(records_, [&](const auto& entry) { return entry.first.mailbox == id; });
  mailboxes_.erase(found);
  Leaf leaf;
  leaf.type = LeafType::MailboxRemoved;
  leaf.mailbox = id;
  leaf.actor = actor;
  grow({}, leaf);
  return {};
}

Result<MailboxRecord> MemoryStore::mailbox(const MailboxId& id) {
  const std::lock_guard lock(mutex_);
  const auto found = mailboxes_.find(id);
  if (found == mailboxes_.end()) return missing_mailbox();
  return found->second.record;
}

Result<std::vector<MailboxRecord>> MemoryStore::mailboxes() {
  const std::lock_guard lock(mutex_);
  std::vector<MailboxRecord> all;
  for (const auto& [id, mailbox] : mailboxes_) all.push_back(mailbox.record);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}

Result<Recipient> MemoryStore::resolve(std::string_view address, Lookup lookup) {
  const std::lock_guard lock(mutex_);
  auto id = store::resolve(
      options_.vault, [&](const RecordKey& key) { return record(key); }, address, lookup);
  if (!id) return id.error();
  const Mailbox& mailbox = mailboxes_.at(*id);
  return recipient(mailbox.record, mailbox.stat);
}

Result<MailboxStat> MemoryStore::stat(const MailboxId& id) {
  const std::lock_guard lock(mutex_);
  const auto found = mailboxes_.find(id);
  if (found == mailboxes_.end()) return missing_mailbox();
  MailboxStat stat = found->second.stat;
  stat.log_size = logs_[id].leaves.size();
  for (const auto& [seq, stored] : found->second.messages) {
    if (stored.record.state != State::Live && stored.record.state != State::Unconfirmed) continue;
    stat.oldest = stored.record.received;
    break;
  }
  return stat;
}

Result<std::unique_ptr<Lease>> MemoryStore::acquire(const MailboxId& mailbox, std::string_view owner,
                                                    std::chrono::seconds ttl, std::chrono::seconds yields) {
  const std::lock_guard lock(mutex_);
  if (!mailboxes_.contains(mailbox)) return missing_mailbox();
  return leases_.acquire(mailbox, owner, ttl, yields);
}

Result<Record> MemoryStore::get(const RecordKey& key) {
  const std::lock_guard lock(mutex_);
  return record(key);
}

Result<std::uint64_t> MemoryStore::put_if(const RecordKey& key, std::uint64_t version, ByteView value,
                                          const Note& note) {
  if (value.size() > limits().record) return Error(Code::BadInput, "the record is too long");
  return change(key, version, value, note);
}

Result<void> MemoryStore::erase_if(const RecordKey& key, std::uint64_t version, const Note& note) {
  if (version == 0) return Error(Code::BadInput, "the version to erase is missing");
  if (auto changed = change(key, version, std::nullopt, note); !changed) return changed.error();
  return {};
}

Result<std::vector<Record>> MemoryStore::scan(Kind kind, const MailboxId& mailbox, std::string_view after,
                                              std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<Record> page;
  // The mailbox's own record has an empty name, which must be in the first page.
  auto next = after.empty() ? records_.lower_bound({kind, mailbox, {}})
                            : records_.upper_bound({kind, mailbox, std::string(after)});
  for (; next != records_.end() && page.size() < limit; ++next) {
    if (next->first.kind != kind || next->first.mailbox != mailbox) break;
    page.push_back(next->second);
  }
  return page;
}

Result<LogHead> MemoryStore::history_head(const MailboxId& log) {
  const std::lock_guard lock(mutex_);
  const auto found = logs_.find(log);
  if (found == logs_.end()) return missing_mailbox();
  return head(found->second);
}

Result<std::vector<Bytes>> MemoryStore::history_read(const MailboxId& log, std::uint64_t from,
                                                     std::size_t limit) {
  const std::lock_guard lock(mutex_);
  const auto found = logs_.find(log);
  if (found == logs_.end()) return missing_mailbox();
  const std::vector<Bytes>& leaves = found->second.leaves;
  const std::size_t first = std::min<std::size_t>(from, leaves.size());
  const std::size_t count = std::min(limit, leaves.size() - first);
  const auto begin = leaves.begin() + static_cast<std::ptrdiff_t>(first);
  return std::vector<Bytes>(begin, begin + static_cast<std::ptrdiff_t>(count));
}

Result<std::uint64_t> MemoryStore::note(const MailboxId& log, const Leaf& given) {
  if (auto fits = check_note(given, log.zero()); !fits) return fits.error();
  const std::lock_guard lock(mutex_);
  if (!log.zero() && !mailboxes_.contains(log)) return missing_mailbox();
  Leaf leaf = given;
  if (!log.zero()) leaf.mailbox = log;
  if (of_message(leaf.type)) {
    const auto stored = at(log, leaf.message);
    if (!stored) return stored.error();
    // The store knows the digests; the caller's are not trusted.
    leaf = message_leaf(leaf.type, log, (*stored)->record, leaf.actor);
  }
  return grow(log, leaf);
}

Result<std::string> MemoryStore::checkpoint(std::string_view actor) {
  if (!options_.signer) return Error(Code::Config, "the store has no history key");
  LogHead vault;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [id, log] : logs_) {
      if (id.zero() || log.headed == log.leaves.size()) continue;
      log.headed = log.leaves.size();
      Leaf leaf;
      leaf.type = LeafType::Head;
      leaf.mailbox = id;
      leaf.value = log.headed;
      leaf.container = log.range.root();
      leaf.actor = actor;
      grow({}, leaf);
    }
    vault = head(logs_[{}]);
  }
  // Without the lock, because the signer may take long.
  return options_.signer.sign(options_.vault, vault);
}

Result<Record> MemoryStore::record(const RecordKey& key) const {
  const auto found = records_.find(key);
  if (found == records_.end()) return Error(Code::NotFound, "no such record");
  return found->second;
}

std::uint64_t MemoryStore::grow(const MailboxId& id, Leaf leaf) {
  Log& log = logs_[id];
  // Time never decreases within a history.
  log.time = std::max(log.time, options_.clock());
  leaf.index = log.leaves.size();
  leaf.time = log.time;
  Bytes encoded = encode(leaf);
  log.range.append(leaf_hash(encoded));
  log.leaves.push_back(std::move(encoded));
  ++commits_;
  return leaf.index;
}

Result<std::uint64_t> MemoryStore::change(const RecordKey& key, std::uint64_t version,
                                          std::optional<ByteView> value, const Note& note) {
  if (auto fits = check_key(key); !fits) return fits.error();
  if (auto fits = check_note(note); !fits) return fits.error();
  const std::lock_guard lock(mutex_);
  if (!key.mailbox.zero() && !mailboxes_.contains(key.mailbox)) return missing_mailbox();
  const auto found = records_.find(key);
  if (version == 0 && found != records_.end()) return Error(Code::Exists, "the record already exists");
  if (version != 0 && (found == records_.end() || found->second.version != version))
    return Error(Code::Conflict, "the record was changed in the meantime");
  Leaf leaf;
  leaf.type = note.type;
  leaf.mailbox = key.mailbox;
  leaf.value = note.value;
  leaf.actor = note.actor;
  if (value) leaf.container = sha256(*value);
  const std::uint64_t next = grow(key.mailbox, leaf) + 1;
  if (value) {
    records_[key] = {key, to_bytes(*value), next};
  } else {
    records_.erase(found);
  }
  return next;
}

std::unique_ptr<Store> make_memory_store(MemoryOptions options) {
  return std::make_unique<MemoryStore>(std::move(options));
}

std::unique_ptr<Store> copy_memory_store(const Store& store, bool keep_removal_records) {
  return std::make_unique<MemoryStore>(dynamic_cast<const MemoryStore&>(store), keep_removal_records);
}

}  // namespace gw::store
