#include "store/memory_store.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "store/clock_watch.h"
#include "store/leases.h"
#include "store/merkle.h"
#include "store/resolve.h"
#include "store/rules.h"

namespace gw::store {
namespace {

struct Log {
  std::vector<Bytes> leaves;
  CompactRange range;
  Micros time = 0;
  std::uint64_t headed = 0;  // size at its last Head leaf
};

struct Stored {
  MessageRecord record;
  Bytes envelope;
  Bytes container;
};

struct Place {
  std::uint64_t seq = 0;
  std::optional<LeafType> gone;
};

struct Mailbox {
  MailboxRecord record;
  MailboxStat stat;
  std::map<std::uint64_t, Stored> messages;  // by seq
  std::map<MessageId, Place> places;         // of every message ever
  std::map<Digest, MessageId> seen;
};

Error missing_mailbox() {
  return Error(Code::NotFound, "no such mailbox");
}
Error missing_message() {
  return Error(Code::NotFound, "no such message");
}

class MemoryStore : public Store {
 public:
  explicit MemoryStore(MemoryOptions options)
      : options_(std::move(options)), leases_(options_.boot_clock), permits_(options_.permit_octets) {
    Leaf leaf;
    leaf.type = LeafType::VaultMade;
    if (!options_.recovery_recipient.empty()) leaf.container = sha256(options_.recovery_recipient);
    grow({}, leaf);
  }

  Result<Health> health() override {
    const std::lock_guard lock(mutex_);
    Health health;
    health.vault = options_.vault;
    health.free_octets = std::numeric_limits<std::uint64_t>::max();
    health.free_inodes = health.free_octets;
    health.commits = commits_;
    health.mailboxes = mailboxes_.size();
    return health;
  }

  Result<void> put_mailbox(const MailboxRecord& record, const std::vector<Slot>& slots,
                           const Note& note) override {
    if (auto fits = check_mailbox(record); !fits) return fits;
    if (auto fits = check_slots(slots, limits()); !fits) return fits;
    if (auto fits = check_note(note); !fits) return fits;
    const std::lock_guard lock(mutex_);
    const auto found = mailboxes_.find(record.id);
    const bool fresh = record.version == 0;
    if (fresh && (found != mailboxes_.end() || logs_.contains(record.id)))
      return Error(Code::Exists, "there is a mailbox of this id, or was");
    if (!fresh && found == mailboxes_.end()) return missing_mailbox();
    if (!fresh && found->second.record.version != record.version)
      return Error(Code::Conflict, "the mailbox was changed in between");
    std::vector<RecordKey> before;
    if (!fresh) before = index_keys(options_.vault, found->second.record);
    const std::vector<RecordKey> after = index_keys(options_.vault, record);
    for (const RecordKey& key : after) {
      if (!std::binary_search(before.begin(), before.end(), key) && records_.contains(key))
        return Error(Code::Exists, key.kind == Kind::Name ? "a mailbox of this name exists"
                                                          : "an alias or domain is taken");
    }
    const Bytes value = encode(record);
    if (value.size() > limits().record) return Error(Code::BadInput, "a mailbox record that is too long");
    Leaf leaf;
    leaf.type = fresh ? LeafType::MailboxMade : note.type;
    leaf.mailbox = record.id;
    leaf.value = note.value;
    leaf.container = sha256(value);
    leaf.actor = note.actor;
    const std::uint64_t version = grow(record.id, leaf) + 1;
    if (fresh) grow({}, leaf);
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

  Result<void> drop_mailbox(const MailboxId& id, std::string_view actor) override {
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
    leaf.type = LeafType::MailboxDropped;
    leaf.mailbox = id;
    leaf.actor = actor;
    grow({}, leaf);
    return {};
  }

  Result<MailboxRecord> mailbox(const MailboxId& id) override {
    const std::lock_guard lock(mutex_);
    const auto found = mailboxes_.find(id);
    if (found == mailboxes_.end()) return missing_mailbox();
    return found->second.record;
  }

  Result<std::vector<MailboxRecord>> mailboxes() override {
    const std::lock_guard lock(mutex_);
    std::vector<MailboxRecord> all;
    for (const auto& [id, mailbox] : mailboxes_) all.push_back(mailbox.record);
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return all;
  }

  Result<Recipient> resolve(std::string_view address, Lookup lookup) override {
    const std::lock_guard lock(mutex_);
    auto id = store::resolve(
        options_.vault, [&](const RecordKey& key) { return record(key); }, address, lookup);
    if (!id) return id.error();
    const Mailbox& mailbox = mailboxes_.at(*id);
    return recipient(mailbox.record, mailbox.stat);
  }

  Result<MailboxStat> stat(const MailboxId& id) override {
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

  Result<std::unique_ptr<Append>> begin(const MailboxId& mailbox, const MessageId& message) override;
  Result<Receipt> commit(const MailboxId& mailbox, const MessageId& message, const Commit& commit,
                         Bytes container);

  Result<MessageRecord> find(const MailboxId& mailbox, const MessageId& message) override {
    const std::lock_guard lock(mutex_);
    auto stored = at(mailbox, message);
    if (!stored) return stored.error();
    return (*stored)->record;
  }

  Result<std::vector<MessageRecord>> list(const MailboxId& id, std::uint64_t after,
                                          std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    const auto found = mailboxes_.find(id);
    if (found == mailboxes_.end()) return missing_mailbox();
    std::vector<MessageRecord> page;
    const auto& messages = found->second.messages;
    for (auto next = messages.upper_bound(after); next != messages.end() && page.size() < limit; ++next)
      page.push_back(next->second.record);
    return page;
  }

  Result<Bytes> envelope(const MailboxId& mailbox, const MessageId& message) override {
    const std::lock_guard lock(mutex_);
    auto stored = at(mailbox, message);
    if (!stored) return stored.error();
    return (*stored)->envelope;
  }

  Result<std::size_t> read(const MailboxId& mailbox, const MessageId& message, std::uint64_t offset,
                           std::span<std::byte> to) override {
    const std::lock_guard lock(mutex_);
    auto stored = at(mailbox, message);
    if (!stored) return stored.error();
    const ByteView all = (*stored)->container;
    if (offset >= all.size()) return 0;
    const ByteView part = all.subspan(offset, std::min(to.size(), all.size() - offset));
    std::copy(part.begin(), part.end(), to.begin());
    return part.size();
  }

  Result<std::size_t> transition(const Transition& transition) override;

  Result<bool> seen(const MailboxId& id, const Digest& fingerprint) override {
    const std::lock_guard lock(mutex_);
    const auto found = mailboxes_.find(id);
    if (found == mailboxes_.end()) return missing_mailbox();
    const auto known = found->second.seen.find(fingerprint);
    if (known == found->second.seen.end()) return false;
    // A discarded message was never kept: its fingerprint must not make a second try look like a duplicate.
    return found->second.places.at(known->second).gone != LeafType::Discarded;
  }

  Result<std::unique_ptr<Lease>> acquire(const MailboxId& mailbox, std::string_view owner,
                                         std::chrono::seconds ttl) override {
    const std::lock_guard lock(mutex_);
    if (!mailboxes_.contains(mailbox)) return missing_mailbox();
    return leases_.acquire(mailbox, owner, ttl);
  }

  Result<std::unique_ptr<Permit>> permit(std::uint64_t octets) override { return permits_.take(octets); }

  Result<Record> get(const RecordKey& key) override {
    const std::lock_guard lock(mutex_);
    return record(key);
  }

  Result<std::uint64_t> put_if(const RecordKey& key, std::uint64_t version, ByteView value,
                               const Note& note) override {
    if (value.size() > limits().record) return Error(Code::BadInput, "a record that is too long");
    return change(key, version, value, note);
  }

  Result<void> erase_if(const RecordKey& key, std::uint64_t version, const Note& note) override {
    if (version == 0) return Error(Code::BadInput, "no version to erase");
    if (auto changed = change(key, version, std::nullopt, note); !changed) return changed.error();
    return {};
  }

  Result<std::vector<Record>> scan(Kind kind, const MailboxId& mailbox, std::string_view after,
                                   std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    std::vector<Record> page;
    // The mailbox's own record has the empty name, which is not after the empty name.
    auto next = after.empty() ? records_.lower_bound({kind, mailbox, {}})
                              : records_.upper_bound({kind, mailbox, std::string(after)});
    for (; next != records_.end() && page.size() < limit; ++next) {
      if (next->first.kind != kind || next->first.mailbox != mailbox) break;
      page.push_back(next->second);
    }
    return page;
  }

  Result<LogHead> history_head(const MailboxId& log) override {
    const std::lock_guard lock(mutex_);
    const auto found = logs_.find(log);
    if (found == logs_.end()) return missing_mailbox();
    return head(found->second);
  }

  Result<std::vector<Bytes>> history_read(const MailboxId& log, std::uint64_t from,
                                          std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    const auto found = logs_.find(log);
    if (found == logs_.end()) return missing_mailbox();
    const std::vector<Bytes>& leaves = found->second.leaves;
    const std::size_t first = std::min<std::size_t>(from, leaves.size());
    const std::size_t count = std::min(limit, leaves.size() - first);
    const auto begin = leaves.begin() + static_cast<std::ptrdiff_t>(first);
    return std::vector<Bytes>(begin, begin + static_cast<std::ptrdiff_t>(count));
  }

  Result<std::uint64_t> note(const MailboxId& log, const Leaf& given) override {
    if (auto fits = check_note(given, log.zero()); !fits) return fits.error();
    const std::lock_guard lock(mutex_);
    if (!log.zero() && !mailboxes_.contains(log)) return missing_mailbox();
    Leaf leaf = given;
    if (!log.zero()) leaf.mailbox = log;
    if (auto stored = at(log, leaf.message))
      leaf = message_leaf(leaf.type, log, (*stored)->record, leaf.actor);
    return grow(log, leaf);
  }

  Result<std::string> checkpoint(std::string_view actor) override {
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
    return options_.signer(options_.vault, vault);
  }

  Result<SweepReport> sweep(std::size_t budget, bool now) override;

 private:
  static LogHead head(const Log& log) { return {log.leaves.size(), log.range.root(), log.time}; }

  Result<Record> record(const RecordKey& key) const {
    const auto found = records_.find(key);
    if (found == records_.end()) return Error(Code::NotFound, "no such record");
    return found->second;
  }

  Result<Stored*> at(const MailboxId& id, const MessageId& message) {
    const auto found = mailboxes_.find(id);
    if (found == mailboxes_.end()) return missing_mailbox();
    const auto place = found->second.places.find(message);
    if (place == found->second.places.end() || place->second.gone) return missing_message();
    return &found->second.messages.at(place->second.seq);
  }

  // Appends a leaf and gives its index.
  std::uint64_t grow(const MailboxId& id, Leaf leaf) {
    Log& log = logs_[id];
    log.time = std::max(log.time, options_.clock());
    watch_.seen(log.time, options_.boot_clock());
    leaf.index = log.leaves.size();
    leaf.time = log.time;
    Bytes encoded = encode(leaf);
    log.range.append(leaf_hash(encoded));
    log.leaves.push_back(std::move(encoded));
    ++commits_;
    return leaf.index;
  }

  Result<std::uint64_t> change(const RecordKey& key, std::uint64_t version, std::optional<ByteView> value,
                               const Note& note) {
    if (auto fits = check_key(key); !fits) return fits.error();
    if (auto fits = check_note(note); !fits) return fits.error();
    const std::lock_guard lock(mutex_);
    if (!key.mailbox.zero() && !mailboxes_.contains(key.mailbox)) return missing_mailbox();
    const auto found = records_.find(key);
    if (version == 0 && found != records_.end()) return Error(Code::Exists, "there is such a record");
    if (version != 0 && (found == records_.end() || found->second.version != version))
      return Error(Code::Conflict, "the record was changed in between");
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

  void move(const MailboxId& id, Mailbox& mailbox, std::uint64_t seq, const Step& step,
            std::string_view actor);

  const MemoryOptions options_;
  std::mutex mutex_;
  std::map<MailboxId, Mailbox> mailboxes_;
  std::map<MailboxId, Log> logs_;
  std::map<RecordKey, Record> records_;
  Leases leases_;
  Permits permits_;
  Receipts receipts_;
  ClockWatch watch_;
  std::uint64_t commits_ = 0;
};

class MemoryAppend : public Append {
 public:
  MemoryAppend(MemoryStore& store, const MailboxId& mailbox, const MessageId& message)
      : store_(store), mailbox_(mailbox), message_(message) {}

  Result<void> put(ByteView container) override {
    if (done_) return Error(Code::Usage, "the append is done");
    append(container_, container);
    return {};
  }
  Result<Receipt> commit(const Commit& commit) override {
    if (std::exchange(done_, true)) return Error(Code::Usage, "the append is done");
    return store_.commit(mailbox_, message_, commit, std::move(container_));
  }

 private:
  MemoryStore& store_;
  MailboxId mailbox_;
  MessageId message_;
  Bytes container_;
  bool done_ = false;
};

Result<std::unique_ptr<Append>> MemoryStore::begin(const MailboxId& id, const MessageId& message) {
  const std::lock_guard lock(mutex_);
  const auto found = mailboxes_.find(id);
  if (found == mailboxes_.end()) return missing_mailbox();
  if (found->second.places.contains(message)) return Error(Code::Exists, "this message id is in the mailbox");
  return std::unique_ptr<Append>(std::make_unique<MemoryAppend>(*this, id, message));
}

Result<Receipt> MemoryStore::commit(const MailboxId& id, const MessageId& message, const Commit& commit,
                                    Bytes container) {
  if (auto fits = check_commit(commit, limits()); !fits) return fits.error();
  if (sha256(container) != commit.container)
    return Error(Code::Corrupt, "the container is not what its digest says");
  const std::lock_guard lock(mutex_);
  const auto found = mailboxes_.find(id);
  if (found == mailboxes_.end()) return missing_mailbox();
  Mailbox& mailbox = found->second;
  if (mailbox.places.contains(message)) return Error(Code::Exists, "this message id is in the mailbox");
  if (auto welcome = may_accept(mailbox.record, mailbox.stat, commit); !welcome) return welcome.error();

  MessageRecord record = message_record(message, commit, container.size());
  const LeafType type = commit.pending ? LeafType::Pending : LeafType::Accepted;
  record.seq = grow(id, message_leaf(type, id, record, commit.actor));
  record.changed = logs_[id].time;
  count_in(mailbox.stat, record);
  ++mailbox.stat.accepted;
  mailbox.stat.last_delivery = record.changed;
  mailbox.places[message] = {record.seq, std::nullopt};
  for (const Digest& fingerprint : commit.fingerprints) mailbox.seen[fingerprint] = message;
  mailbox.messages[record.seq] = {record, commit.envelope, std::move(container)};
  Receipt receipt{record.seq, {}};
  if (commit.pending) receipt.token = receipts_.give(id, message);
  return receipt;
}

void MemoryStore::move(const MailboxId& id, Mailbox& mailbox, std::uint64_t seq, const Step& step,
                       std::string_view actor) {
  auto node = mailbox.messages.extract(seq);
  MessageRecord& record = node.mapped().record;
  count_out(mailbox.stat, record);
  if (record.state == State::Pending) receipts_.forget(id, record.id);
  const std::uint64_t index = grow(id, message_leaf(step.leaf, id, record, actor));
  LeafType gone = step.leaf;
  if (step.to == State::Drained) mailbox.stat.last_drain = logs_[id].time;
  const bool at_once = goes_at_once(step, mailbox.record);
  if (at_once) {
    gone = LeafType::Removed;
    grow(id, message_leaf(gone, id, record, actor));
  }
  if (!step.to || at_once) {
    mailbox.places[record.id].gone = gone;
    return;
  }
  record.state = *step.to;
  record.changed = logs_[id].time;
  if (step.reveals) record.seq = index;
  mailbox.places[record.id].seq = record.seq;
  count_in(mailbox.stat, record);
  node.key() = record.seq;
  mailbox.messages.insert(std::move(node));
}

Result<std::size_t> MemoryStore::transition(const Transition& transition) {
  auto wanted = step(transition.from, transition.to);
  if (!wanted) return wanted.error();
  if (transition.messages.size() > limits().batch) return Error(Code::BadInput, "too many messages at once");
  const std::lock_guard lock(mutex_);
  const auto found = mailboxes_.find(transition.mailbox);
  if (found == mailboxes_.end()) return missing_mailbox();
  if (transition.lease != nullptr) {
    if (auto held = leases_.check(transition.mailbox, *transition.lease); !held) return held.error();
  }
  Mailbox& mailbox = found->second;
  std::vector<std::uint64_t> changing;
  std::set<MessageId> named;
  for (const MessageId& message : transition.messages) {
    const auto place = mailbox.places.find(message);
    if (place == mailbox.places.end()) return missing_message();
    Whereabouts where;
    if (place->second.gone) {
      where.gone = *place->second.gone;
    } else {
      where.state = mailbox.messages.at(place->second.seq).record.state;
    }
    auto changes = applies(*wanted, where);
    if (!changes) return changes.error();
    if (!*changes || !named.insert(message).second) continue;
    if (transition.token) {
      if (auto right = receipts_.check(transition.mailbox, message, *transition.token); !right)
        return right.error();
    }
    changing.push_back(place->second.seq);
  }
  for (const std::uint64_t seq : changing) move(transition.mailbox, mailbox, seq, *wanted, transition.actor);
  return changing.size();
}

Result<SweepReport> MemoryStore::sweep(std::size_t budget, bool now) {
  const std::lock_guard lock(mutex_);
  const Micros at = options_.clock();
  SweepReport report;
  if (watch_.holds_back(at, options_.boot_clock(), now)) {
    report.held_back = true;
    return report;
  }
  struct Due {
    Micros changed;
    MailboxId mailbox;
    std::uint64_t seq;
    auto operator<=>(const Due&) const = default;
  };
  std::vector<Due> all;
  for (const auto& [id, mailbox] : mailboxes_) {
    for (const auto& [seq, stored] : mailbox.messages) {
      const auto from = due(mailbox.record, stored.record);
      if (stored.record.state == State::Drained && from && *from <= at)
        all.push_back({stored.record.changed, id, seq});
    }
  }
  std::sort(all.begin(), all.end());
  report.more = all.size() > budget;
  all.resize(std::min(all.size(), budget));
  constexpr Step kExpire{State::Drained, std::nullopt, LeafType::Expired};
  for (const Due& one : all) {
    Mailbox& mailbox = mailboxes_.at(one.mailbox);
    report.octets += mailbox.messages.at(one.seq).record.octets;
    ++report.expired;
    move(one.mailbox, mailbox, one.seq, kExpire, "sweep");
  }
  return report;
}

}  // namespace

std::unique_ptr<Store> make_memory_store(MemoryOptions options) {
  return std::make_unique<MemoryStore>(std::move(options));
}

}  // namespace gw::store
