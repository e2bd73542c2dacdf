// Storing a message. A small container is kept in memory, and is written with others in one pack; a
// large one goes to the cluster in parts as it arrives. Nothing names either before the index does.
#include <algorithm>

#include "store/rados/rados_store_private.h"

namespace gw::store::rados {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kPartsUnderWay = 2;
// With little memory left, containers of this size go to the cluster, in parts of this size.
constexpr std::size_t kSmallPart = 256 << 10;
// A write without an answer may still be done for some time, so what it may have left is removed
// again after it.
constexpr auto kLate = 10min;
constexpr std::size_t kMostAbandoned = 10'000;

}  // namespace

class RadosAppend : public Append {
 public:
  RadosAppend(RadosStore& store, const MailboxId& mailbox, const MessageId& message)
      : store_(store), mailbox_(store.at(mailbox)), message_(message) {}
  RadosAppend(const RadosAppend&) = delete;
  RadosAppend& operator=(const RadosAppend&) = delete;
  ~RadosAppend() override {
    count_memory(0);
    drop();
  }

  Result<void> put(ByteView data) override;
  Result<CommitResult> commit(const Commit& commit) override;

 private:
  void count_memory(std::size_t held);
  Result<void> write_part(std::size_t size);
  Result<void> await_parts(std::size_t most);
  Result<CommitResult> commit_whole(const Commit& commit);
  Result<void> commit_parts(Delivery& delivery);
  void drop();

  RadosStore& store_;
  const std::shared_ptr<Mailbox> mailbox_;
  const MessageId message_;
  Bytes held_;
  std::size_t counted_ = 0;  // bytes counted in the store's append_memory_
  std::uint64_t size_ = 0;   // bytes put so far
  Sha256 sha_;
  std::optional<PackId> pack_;  // of a container in parts
  std::size_t part_size_ = 0;
  std::uint32_t parts_ = 0;  // number of parts that were started
  bool certain_ = true;      // all parts that were started have an answer
  std::vector<std::unique_ptr<Started>> under_way_;
  bool done_ = false;
};

void RadosAppend::count_memory(std::size_t held) {
  store_.append_memory_ += held;
  store_.append_memory_ -= std::exchange(counted_, held);
}

Result<void> RadosAppend::await_parts(std::size_t most) {
  Result<void> result;
  while (under_way_.size() > most) {
    const Reply reply = under_way_.front()->wait();
    under_way_.erase(under_way_.begin());
    if (reply.done()) continue;
    certain_ &= reply.outcome != Outcome::Unanswered;
    // Whose it is is not known; it must not be removed.
    if (reply.outcome == Outcome::Exists) pack_.reset();
    if (result) result = store_.context_.error(reply, "cannot write a part of a message");
  }
  return result;
}

// Writes the first bytes of what is held as the next part.
Result<void> RadosAppend::write_part(std::size_t size) {
  if (!pack_) {
    const auto number = mailbox_->index.new_pack();
    if (!number) return number.error();
    pack_ = PackId{store_.context_.inc, *number};
  }
  if (auto room = await_parts(kPartsUnderWay - 1); !room) return room;
  WriteOp op;
  op.create = true;
  op.data = std::string(as_text(ByteView(held_).first(size)));
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(size));
  ++parts_;
  under_way_.push_back(
      store_.context_.cluster.start(Pool::Data, pack_->part(mailbox_->index.log(), parts_), std::move(op)));
  return {};
}

Result<void> RadosAppend::put(ByteView data) {
  if (done_) return Error(Code::Usage, "the append has already ended");
  sha_.update(data);
  size_ += data.size();
  while (!data.empty()) {
    if (part_size_ == 0 && held_.size() + data.size() >= kSmallPart) {
      if (size_ >= kLargeContainer) {
        part_size_ = kPartSize;
      } else if (store_.append_memory_ > store_.options_.append_memory) {
        part_size_ = kSmallPart;
      }
    }
    const std::size_t room = part_size_ == 0 ? data.size() : part_size_ - std::min(part_size_, held_.size());
    const ByteView next = data.first(std::min(room, data.size()));
    append(held_, next);
    data = data.subspan(next.size());
    while (part_size_ != 0 && held_.size() >= part_size_) {
      if (auto written = write_part(part_size_); !written) {
        done_ = true;
        return written;
      }
    }
  }
  count_memory(held_.capacity());
  return {};
}

Result<CommitResult> RadosAppend::commit(const Commit& commit) {
  if (std::exchange(done_, true)) return Error(Code::Usage, "the append has already ended");
  if (auto fits = check_commit(commit, store_.limits()); !fits) return fits.error();
  if (sha_.finish() != commit.container)
    return Error(Code::Corrupt, "the container does not match its digest");
  const MailboxId& mailbox = mailbox_->index.log();
  {
    // Two commits of one id in a batch would not see each other.
    const std::lock_guard lock(store_.committing_mutex_);
    if (!store_.committing_.emplace(mailbox, message_).second)
      return Error(Code::Busy, "a message with this id is being stored");
  }
  auto result = commit_whole(commit);
  held_ = Bytes();
  count_memory(0);
  const std::lock_guard lock(store_.committing_mutex_);
  store_.committing_.erase({mailbox, message_});
  return result;
}

Result<CommitResult> RadosAppend::commit_whole(const Commit& commit) {
  const MailboxId& mailbox = mailbox_->index.log();
  Delivery delivery;
  delivery.message = message_;
  delivery.commit = &commit;
  delivery.record = message_record(message_, commit, size_);
  delivery.record.large = pack_.has_value();
  const LeafType type = commit.pending ? LeafType::Pending : LeafType::Accepted;
  delivery.leaf = encode(message_leaf(type, mailbox, delivery.record, commit.actor));
  if (pack_) {
    if (auto done = commit_parts(delivery); !done) return done.error();
  } else {
    delivery.container = std::move(held_);
    store_.deliver(*mailbox_, delivery);
    if (!delivery.result) return delivery.result.error();
  }
  CommitResult result{delivery.record.seq, {}};
  if (commit.pending) result.token = store_.tokens_.give(mailbox, message_);
  return result;
}

Result<void> RadosAppend::commit_parts(Delivery& delivery) {
  const MailboxId& mailbox = mailbox_->index.log();
  if (!held_.empty()) {
    if (auto written = write_part(held_.size()); !written) return written;
  }
  if (auto written = await_parts(0); !written) return written;
  const PackId pack = *pack_;
  PackBuilder builder(store_.vault_, mailbox, pack, 'm');
  delivery.place = builder.add_parts(encode(delivery.record), delivery.commit->envelope, size_, parts_,
                                     static_cast<std::uint32_t>(part_size_));
  Delivery* const one[] = {&delivery};
  // From here on the pack is no longer this append's own.
  pack_.reset();
  store_.deliver_pack(*mailbox_, one, pack, std::move(builder), [] {});
  return delivery.result;
}

void RadosAppend::drop() {
  if (!pack_) return;
  (void)await_parts(0);
  store_.abandon(*mailbox_, *pack_, parts_, certain_);
}

// One pack at a time, with all that wait, because packs and the batches of the index then grow with
// the load. The next pack is written while the index changes.
void RadosStore::deliver(Mailbox& mailbox, Delivery& me) {
  std::unique_lock lock(mailbox.mutex);
  mailbox.queue.push_back(&me);
  // One that was taken is no longer in the queue, and waits until it is done.
  mailbox.changed.wait(
      lock, [&] { return me.done || (!me.taken && !mailbox.packing && mailbox.queue.front() == &me); });
  if (me.done) return;
  mailbox.packing = true;
  std::vector<Delivery*> taken;
  std::size_t size = 0;
  while (!mailbox.queue.empty() && taken.size() < kPackEntries) {
    size += mailbox.queue.front()->size();
    if (!taken.empty() && size > kPackSize) break;
    mailbox.queue.front()->taken = true;
    taken.push_back(mailbox.queue.front());
    mailbox.queue.pop_front();
  }
  lock.unlock();
  bool packing = true;
  const auto written = [&] {
    const std::lock_guard guard(mailbox.mutex);
    mailbox.packing = false;
    packing = false;
    mailbox.changed.notify_all();
  };
  const auto number = mailbox.index.new_pack();
  if (number) {
    const PackId pack{context_.inc, *number};
    PackBuilder builder(vault_, mailbox.index.log(), pack, 'm');
    for (Delivery* delivery : taken)
      delivery->place =
          builder.add(encode(delivery->record), delivery->commit->envelope, delivery->container);
    deliver_pack(mailbox, taken, pack, std::move(builder), written);
  } else {
    for (Delivery* delivery : taken) delivery->result = number.error();
  }
  if (packing) written();
  lock.lock();
  for (Delivery* delivery : taken) delivery->done = true;
  mailbox.changed.notify_all();
}

Result<void> RadosStore::write_pack(const MailboxId& mailbox, const PackId& pack, std::string content) {
  WriteOp op;
  op.create = true;
  op.data = std::move(content);
  const Reply reply = context_.cluster.write(Pool::Data, pack.object(mailbox), std::move(op));
  if (reply.outcome == Outcome::Exists)
    return Error(Code::Internal, "the pack " + pack.object(mailbox) + " exists already");
  if (!reply.done()) return context_.error(reply, "cannot write a pack");
  return {};
}

// Writes a pack and adds its messages to the index. Sets the results.
void RadosStore::deliver_pack(Mailbox& mailbox, std::span<Delivery* const> deliveries, const PackId& pack,
                              PackBuilder builder, const std::function<void()>& written) {
  const MailboxId& id = mailbox.index.log();
  const PackCount count = builder.count();
  auto stored = write_pack(id, pack, builder.take());
  written();
  if (!stored) {
    for (Delivery* delivery : deliveries) delivery->result = stored.error();
    // Whose it is is not known; it must not be removed.
    if (stored.error().code() == Code::Internal) return;
    abandon(mailbox, pack, count.parts, stored.error().code() == Code::Full);
    return;
  }
  std::vector<std::string> keys;
  for (const Delivery* delivery : deliveries) keys.push_back(location_spot(delivery->message));
  std::vector<Change> changes;
  for (Delivery* delivery : deliveries) {
    const auto add = [&, delivery](Batch& batch) -> Result<ChangeResult> {
      const auto entry = accepting(batch, id, *delivery->commit);
      // The index itself compares, which saves a read. Only if one of the ids was used before, they
      // are read, to know which. A caller that repeats a commit must learn that it was done, whatever
      // else refuses it now.
      if (batch.careful() || !entry) {
        if (auto fetched = batch.reader().fetch(index_object(id), keys); !fetched) return fetched.error();
        if (auto unused = check_unused(batch, id, delivery->message); !unused) return unused.error();
      }
      if (!entry) return entry.error();
      batch.expect_absent(id, location_spot(delivery->message));
      Bytes leaf = delivery->leaf;
      add_message(batch, id, **entry, *delivery->commit, leaf, delivery->record);
      batch.put(Family::Bodies, body_key(delivery->message, id), as_bytes(encode(delivery->place)));
      batch.new_pack(id, pack, count);
      return ChangeResult::Done;
    };
    changes.push_back({add, delivery->commit->envelope.size() + 1024, false});
  }
  std::vector<Result<void>> results(changes.size());
  mailbox.index.run(changes, results);
  bool named = false;
  bool unknown = false;
  for (std::size_t i = 0; i < results.size(); ++i) {
    deliveries[i]->result = results[i];
    named |= results[i].has_value();
    unknown |= !results[i] && results[i].error().code() == Code::Unknown;
  }
  // The only copy of a message may be in a pack whose index did not answer. It stays, until another
  // keeper finds out that nothing names it.
  if (unknown) return;
  if (named) {
    mailbox.index.done_with(pack.number);
  } else {
    abandon(mailbox, pack, count.parts, true);
  }
}

void RadosStore::abandon(Mailbox& mailbox, const PackId& pack, std::uint32_t parts, bool certain) {
  if (context_.refusal()) return;
  const bool removed = remove_pack(context_, mailbox.index.log(), pack, parts).has_value();
  if (removed && certain) {
    mailbox.index.done_with(pack.number);
    return;
  }
  const std::lock_guard lock(abandoned_mutex_);
  // The numbers of further ones are not done with, so that the next keeper removes these packs.
  if (abandoned_.size() >= kMostAbandoned) return;
  abandoned_.push_back({mailbox.index.log(), pack, parts, options_.boot_clock()});
}

void RadosStore::retry_abandoned() {
  std::vector<Abandoned> all;
  {
    const std::lock_guard lock(abandoned_mutex_);
    all.swap(abandoned_);
  }
  std::vector<std::shared_ptr<Mailbox>> boxes;
  {
    const std::lock_guard lock(mailboxes_mutex_);
    for (const auto& [id, box] : mailboxes_) boxes.push_back(box);
  }
  for (const auto& box : boxes) {
    for (const std::uint64_t number : box->index.take_unnamed())
      all.push_back({box->index.log(), {context_.inc, number}, 0, options_.boot_clock()});
  }
  std::vector<Abandoned> left;
  for (const Abandoned& each : all) {
    const bool removed = remove_pack(context_, each.mailbox, each.pack, each.parts).has_value();
    if (removed && options_.boot_clock() - each.since >= kLate) {
      at(each.mailbox)->index.done_with(each.pack.number);
    } else {
      left.push_back(each);
    }
  }
  const std::lock_guard lock(abandoned_mutex_);
  abandoned_.insert(abandoned_.end(), left.begin(), left.end());
}

Result<std::unique_ptr<Append>> RadosStore::begin(const MailboxId& mailbox, const MessageId& message) {
  if (auto refused = context_.refusal()) return *refused;
  if (auto known = existing(mailbox); !known) return known.error();
  return std::unique_ptr<Append>(std::make_unique<RadosAppend>(*this, mailbox, message));
}

}  // namespace gw::store::rados
