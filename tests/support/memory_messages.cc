// The message functions of MemoryStore.
#include <algorithm>
#include <set>

#include "support/memory_private.h"

namespace gw::store {
namespace {

class MemoryAppend : public Append {
 public:
  MemoryAppend(MemoryStore& store, const MailboxId& mailbox, const MessageId& message)
      : store_(store), mailbox_(mailbox), message_(message) {}

  Result<void> put(ByteView container) override {
    if (done_) return Error(Code::Usage, "the append has already ended");
    append(container_, container);
    return {};
  }
  Result<CommitResult> commit(const Commit& commit) override {
    if (std::exchange(done_, true)) return Error(Code::Usage, "the append has already ended");
    return store_.commit(mailbox_, message_, commit, std::move(container_));
  }

 private:
  MemoryStore& store_;
  MailboxId mailbox_;
  MessageId message_;
  Bytes container_;
  bool done_ = false;
};

}  // namespace

Result<std::unique_ptr<Append>> MemoryStore::begin(const MailboxId& id, const MessageId& message) {
  const std::lock_guard lock(mutex_);
  const auto found = mailboxes_.find(id);
  if (found == mailboxes_.end()) return missing_mailbox();
  if (found->second.places.contains(message))
    return Error(Code::Exists, "the mailbox already has a message with this id");
  return std::unique_ptr<Append>(std::make_unique<MemoryAppend>(*this, id, message));
}

Result<CommitResult> MemoryStore::commit(const MailboxId& id, const MessageId& message, const Commit& commit,
                                         Bytes container) {
  if (auto fits = check_commit(commit, limits()); !fits) return fits.error();
  if (sha256(container) != commit.container)
    return Error(Code::Corrupt, "the container does not match its digest");
  const std::lock_guard lock(mutex_);
  const auto found = mailboxes_.find(id);
  if (found == mailboxes_.end()) return missing_mailbox();
  Mailbox& mailbox = found->second;
  if (mailbox.places.contains(message))
    return Error(Code::Exists, "the mailbox already has a message with this id");
  if (auto welcome = may_accept(mailbox.record, mailbox.stat, commit); !welcome) return welcome.error();

  MessageRecord record = message_record(message, commit, container.size());
  const LeafType type = commit.pending ? LeafType::Pending : LeafType::Accepted;
  record.seq = grow(id, message_leaf(type, id, record, commit.actor));
  record.changed = logs_[id].time;
  count_in(mailbox.stat, record);
  ++mailbox.stat.accepted;
  mailbox.stat.last_delivery = record.changed;
  // Never erased: a message id is accepted once.
  mailbox.places[message] = {record.seq, std::nullopt};
  for (const Digest& fingerprint : commit.fingerprints) mailbox.seen[fingerprint] = message;
  mailbox.messages[record.seq] = {record, commit.envelope, std::move(container), 0};
  CommitResult committed{record.seq, {}};
  if (commit.pending) committed.token = pending_tokens_.give(id, message);
  return committed;
}

void MemoryStore::move(const MailboxId& id, Mailbox& mailbox, std::uint64_t seq, const Step& step,
                       std::string_view actor, std::size_t together) {
  // Moved as a node, so that the container is not copied when the seq changes.
  auto node = mailbox.messages.extract(seq);
  MessageRecord& record = node.mapped().record;
  count_out(mailbox.stat, record);
  if (record.state == State::Pending) pending_tokens_.forget(id, record.id);
  const std::uint64_t index = grow(id, message_leaf(step.leaf, id, record, actor));
  LeafType gone = step.leaf;
  if (step.to == State::Drained) mailbox.stat.last_drain = logs_[id].time;
  const bool at_once = removed_immediately(step, mailbox.record, together);
  if (at_once) {
    gone = LeafType::Removed;
    grow(id, message_leaf(gone, id, record, actor));
  }
  if (!step.to || at_once) {
    mailbox.places[record.id].gone = gone;
    const Stored& stored = node.mapped();
    // The removal record keeps the header and not the container, as in LocalStore.
    const ByteView header = age_header(stored.container);
    if (leaves_removal_record(step, mailbox.record, together) && !header.empty())
      mailbox.swept[record.id] = {{record, logs_[id].time, to_bytes(header), stored.envelope}, moment().kept};
    return;
  }
  record.state = *step.to;
  record.changed = logs_[id].time;
  node.mapped().kept = moment().kept;
  if (step.reveals) record.seq = index;
  mailbox.places[record.id].seq = record.seq;
  count_in(mailbox.stat, record);
  node.key() = record.seq;
  mailbox.messages.insert(std::move(node));
}

Result<std::size_t> MemoryStore::transition(const Transition& transition) {
  auto wanted = step(transition.from, transition.to);
  if (!wanted) return wanted.error();
  if (transition.messages.size() > limits().batch)
    return Error(Code::BadInput, "too many messages in one transition");
  const std::lock_guard lock(mutex_);
  const auto found = mailboxes_.find(transition.mailbox);
  if (found == mailboxes_.end()) return missing_mailbox();
  if (transition.lease != nullptr) {
    if (auto held = leases_.check(transition.mailbox, *transition.lease); !held) return held.error();
  }
  Mailbox& mailbox = found->second;
  // All messages are checked before the first one changes: the transition is all or nothing.
  std::vector<std::uint64_t> changing;
  std::set<MessageId> named;
  for (const MessageId& message : transition.messages) {
    const auto place = mailbox.places.find(message);
    if (place == mailbox.places.end()) return Error(Code::NotFound, "no such message");
    LocationInfo where;
    if (place->second.gone) {
      where.gone = *place->second.gone;
    } else {
      where.state = mailbox.messages.at(place->second.seq).record.state;
    }
    auto changes = applies(*wanted, where);
    if (!changes) return changes.error();
    if (!*changes || !named.insert(message).second) continue;
    if (transition.token) {
      if (auto right = pending_tokens_.check(transition.mailbox, message, *transition.token); !right)
        return right.error();
    }
    changing.push_back(place->second.seq);
  }
  for (const std::uint64_t seq : changing)
    move(transition.mailbox, mailbox, seq, *wanted, transition.actor, changing.size());
  return changing.size();
}

Result<SweepReport> MemoryStore::sweep(std::size_t budget, bool now, const MailboxId& only) {
  const std::lock_guard lock(mutex_);
  const Moment at = moment();
  SweepReport report;
  struct Due {
    Micros changed;
    MailboxId mailbox;
    std::uint64_t seq;
    auto operator<=>(const Due&) const = default;
  };
  std::vector<Due> all;
  const auto left_out = [&](const MailboxId& id) { return !only.zero() && id != only; };
  for (const auto& [id, mailbox] : mailboxes_) {
    if (left_out(id)) continue;
    for (const auto& [seq, stored] : mailbox.messages) {
      if (stored.record.state == State::Drained &&
          grace_over(mailbox.record, {stored.kept, stored.record.changed}, at, now))
        all.push_back({stored.record.changed, id, seq});
    }
  }
  std::sort(all.begin(), all.end());
  if (budget != 0) {
    report.more = all.size() > budget;
    all.resize(std::min(all.size(), budget));
  }
  constexpr Step kExpire{State::Drained, std::nullopt, LeafType::Expired};
  for (const Due& one : all) {
    Mailbox& mailbox = mailboxes_.at(one.mailbox);
    report.size += mailbox.messages.at(one.seq).record.size;
    ++report.expired;
    if (budget != 0) move(one.mailbox, mailbox, one.seq, kExpire, "sweep", all.size());
  }
  for (auto& [id, mailbox] : mailboxes_) {
    if (left_out(id) || keep_removal_records_) continue;
    std::vector<std::pair<Micros, MessageId>> over;
    for (const auto& [message, swept] : mailbox.swept) {
      if (removal_record_over(mailbox.record, {swept.kept, swept.record.gone}, at, now))
        over.emplace_back(swept.record.gone, message);
    }
    if (budget == 0) {
      report.receipts += over.size();
      continue;
    }
    std::sort(over.begin(), over.end());
    const std::size_t most = budget - std::min<std::size_t>(budget, report.receipts);
    report.more = report.more || over.size() > most;
    over.resize(std::min(over.size(), most));
    for (const auto& [gone, message] : over) mailbox.swept.erase(message);
    report.receipts += over.size();
  }
  return report;
}

Result<std::vector<RemovalRecord>> MemoryStore::removal_records(const MailboxId& id, const MessageId& from,
                                                                std::size_t limit) {
  const std::lock_guard lock(mutex_);
  const auto found = mailboxes_.find(id);
  if (found == mailboxes_.end()) return missing_mailbox();
  std::vector<RemovalRecord> page;
  const auto& swept = found->second.swept;
  std::size_t size = 0;
  for (auto next = swept.lower_bound(from); next != swept.end() && page.size() < limit; ++next) {
    const RemovalRecord& record = next->second.record;
    page.push_back(record);
    size += record.header.size() + record.envelope.size();
    // The same limit as in LocalStore, so that tests of paging apply to both.
    if (size >= kRemovalRecordPage) break;
  }
  return page;
}

// Memory holds nothing of what was removed, so a purge is finished immediately.
Result<Purge> MemoryStore::purge(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  if (number > purges_) return Error(Code::NotFound, "no such purge");
  return Purge{number == 0 ? ++purges_ : number, true};
}

Result<MemoryStore::Stored*> MemoryStore::at(const MailboxId& id, const MessageId& message) {
  const auto found = mailboxes_.find(id);
  if (found == mailboxes_.end()) return missing_mailbox();
  const auto place = found->second.places.find(message);
  if (place == found->second.places.end() || place->second.gone)
    return Error(Code::NotFound, "no such message");
  return &found->second.messages.at(place->second.seq);
}

Result<MessageRecord> MemoryStore::find(const MailboxId& mailbox, const MessageId& message) {
  const std::lock_guard lock(mutex_);
  auto stored = at(mailbox, message);
  if (!stored) return stored.error();
  return (*stored)->record;
}

Result<std::vector<MessageRecord>> MemoryStore::list(const MailboxId& id, std::uint64_t after,
                                                     std::size_t limit) {
  const std::lock_guard lock(mutex_);
  const auto found = mailboxes_.find(id);
  if (found == mailboxes_.end()) return missing_mailbox();
  std::vector<MessageRecord> page;
  const auto& messages = found->second.messages;
  for (auto next = messages.upper_bound(after); next != messages.end() && page.size() < limit; ++next)
    page.push_back(next->second.record);
  return page;
}

Result<Bytes> MemoryStore::envelope(const MailboxId& mailbox, const MessageId& message) {
  const std::lock_guard lock(mutex_);
  auto stored = at(mailbox, message);
  if (!stored) return stored.error();
  return (*stored)->envelope;
}

Result<std::size_t> MemoryStore::read(const MailboxId& mailbox, const MessageId& message,
                                      std::uint64_t offset, std::span<std::byte> to) {
  const std::lock_guard lock(mutex_);
  auto stored = at(mailbox, message);
  if (!stored) return stored.error();
  const ByteView all = (*stored)->container;
  if (offset >= all.size()) return 0;
  const ByteView part = all.subspan(offset, std::min(to.size(), all.size() - offset));
  std::copy(part.begin(), part.end(), to.begin());
  return part.size();
}

Result<bool> MemoryStore::seen(const MailboxId& id, const Digest& fingerprint) {
  const std::lock_guard lock(mutex_);
  const auto found = mailboxes_.find(id);
  if (found == mailboxes_.end()) return missing_mailbox();
  const auto known = found->second.seen.find(fingerprint);
  if (known == found->second.seen.end()) return false;
  // A discarded message was not kept. If its fingerprint counted, a second delivery would be taken
  // for a duplicate.
  return found->second.places.at(known->second).gone != LeafType::Discarded;
}

}  // namespace gw::store
