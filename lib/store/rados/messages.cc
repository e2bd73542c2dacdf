// Changes of the state of messages.
#include <algorithm>

#include "store/rados/rados_store_private.h"

namespace gw::store::rados {
namespace {

constexpr std::size_t kMovedSize = 1000;       // about the bytes that one message's change adds
constexpr std::size_t kAboutRecord = 400;      // and its removal record, apart from its content
constexpr std::size_t kMostRecords = 8 << 20;  // bytes of removal records in one change

}  // namespace

Result<std::size_t> RadosStore::transition(const Transition& transition) {
  auto wanted = step(transition.from, transition.to);
  if (!wanted) return wanted.error();
  if (transition.messages.size() > limits().batch)
    return Error(Code::BadInput, "too many messages in one transition");
  const MailboxId& mailbox = transition.mailbox;
  const auto under_lease = [&]() -> Result<void> {
    if (transition.lease == nullptr) return {};
    return leases_.check(mailbox, *transition.lease);
  };
  // Read before queueing, because all other changes wait for the leader; see LocalStore::transition().
  const auto loaded = existing(mailbox);
  if (!loaded) return loaded.error();
  if (auto held = under_lease(); !held) return held.error();
  const auto examine_now = [&](ClusterReader& reader) -> Result<std::vector<MessageRecord>> {
    if (auto fetched = fetch_messages(reader, mailbox, transition.messages); !fetched) return fetched.error();
    return store::examine(reader, transition, *wanted);
  };
  std::uint64_t epoch = loaded->entry.epoch;
  ClusterReader reader(context_);
  auto examined = examine_now(reader);
  if (!examined && examined.error().code() != Code::Busy) return examined.error();
  if (examined && examined->empty()) return 0;
  Remains remains;
  if (examined) {
    auto read = remains_of(mailbox, *loaded->entry.record, *examined, *wanted);
    if (!read) return read.error();
    remains = std::move(*read);
  }

  const bool frees = !wanted->to || wanted->to == State::Drained;
  const std::size_t size = kMovedSize * transition.messages.size() + remains.size;
  auto changed = change(mailbox, size, frees, [&](Batch& batch) -> Result<ChangeResult> {
    if (!batch.claim_messages(mailbox)) return ChangeResult::NextBatch;
    const Entry* entry = batch.state(mailbox);
    if (entry == nullptr || !entry->record) return Error(Code::NotFound, "no such mailbox");
    if (auto held = under_lease(); !held) return held.error();
    if (!examined || epoch != entry->epoch) {
      epoch = entry->epoch;
      examined = examine_now(batch.reader());
    }
    // The reads were not made at one moment. If a message changed meanwhile, so did the index, and
    // the write is refused.
    if (!examined) return examined.error();
    if (transition.token) {
      for (const MessageRecord& record : *examined) {
        if (auto right = tokens_.check(mailbox, record.id, *transition.token); !right) return right.error();
      }
    }
    const Moment at = moment();
    const Moving moving{*wanted, transition.actor, at.kept, examined->size(),
                        remains_from(remains, batch, mailbox)};
    for (const MessageRecord& record : *examined) move_message(batch, mailbox, record, moving);
    if (remains.failed) return *remains.failed;
    if (wanted->to == State::Drained) note_kept(batch, mailbox, at);
    return ChangeResult::Done;
  });
  if (!changed) return changed.error();
  release(mailbox, *examined);
  return examined->size();
}

void RadosStore::release(const MailboxId& mailbox, const std::vector<MessageRecord>& messages) {
  for (const MessageRecord& record : messages) {
    if (record.state == State::Pending) tokens_.forget(mailbox, record.id);
  }
}

// Returns nullopt if the body is damaged or missing: a removal record without the age header would
// prove nothing, and the message is removed all the same. Fails if the cluster does not say what the
// body is, because then a later try can still make the record.
Result<std::optional<RemovalRecord>> RadosStore::remains_of(const ClusterReader& reader,
                                                            const MailboxId& mailbox,
                                                            const MessageId& message) {
  const auto without = [](const Error& error) -> Result<std::optional<RemovalRecord>> {
    if (error.code() == Code::NotFound || error.code() == Code::Corrupt) return std::nullopt;
    return error;
  };
  const auto stored = reader.value({index_object(mailbox), body_spot(message)});
  if (!stored) return without(stored.error());
  if (!*stored) return std::nullopt;
  const auto place = decode_place(**stored);
  if (!place) return without(place.error());
  const auto body = body_at(mailbox, *place);
  if (!body) return without(body.error());
  RemovalRecord removed;
  removed.envelope = to_bytes(body->envelope);
  Bytes begin(kMaxHeader);
  const auto size = read_container(mailbox, *place, 0, begin);
  if (!size) return without(size.error());
  removed.header = to_bytes(age_header(ByteView(begin).first(*size)));
  if (removed.header.empty()) return std::nullopt;
  return removed;
}

Result<RadosStore::Remains> RadosStore::remains_of(const MailboxId& mailbox, const MailboxRecord& record,
                                                   std::span<const MessageRecord> messages,
                                                   const Step& step) {
  Remains remains;
  remains.looked = messages.size();
  if (!leaves_removal_record(step, record, messages.size())) return remains;
  remains.looked = 0;
  std::vector<std::string> keys;
  for (const MessageRecord& message : messages) keys.push_back(body_spot(message.id));
  ClusterReader reader(context_);
  if (auto fetched = reader.fetch(index_object(mailbox), keys); !fetched) return fetched.error();
  for (const MessageRecord& message : messages) {
    // Sealed envelopes can have a MiB each; the rest goes into another change.
    if (remains.size > kMostRecords) break;
    ++remains.looked;
    auto removed = remains_of(reader, mailbox, message.id);
    if (!removed) return removed.error();
    if (!*removed) continue;
    remains.size += kAboutRecord + (*removed)->header.size() + (*removed)->envelope.size();
    remains.of.emplace(message.id, std::move(**removed));
  }
  return remains;
}

std::function<std::optional<RemovalRecord>(const MessageRecord&)> RadosStore::remains_from(
    Remains& remains, const Batch& batch, const MailboxId& mailbox) {
  remains.failed.reset();
  return [&remains, &batch, &mailbox, this](const MessageRecord& record) -> std::optional<RemovalRecord> {
    if (const auto found = remains.of.find(record.id); found != remains.of.end()) return found->second;
    // Beyond this size messages leave no removal record: bounded memory is more important.
    if (batch.size() >= 2 * kMostRecords) return std::nullopt;
    // After a failure the change is not made, and nothing more needs to be read.
    if (remains.failed) return std::nullopt;
    auto removed = remains_of(ClusterReader(context_), mailbox, record.id);
    if (removed) return std::move(*removed);
    remains.failed = removed.error();
    return std::nullopt;
  };
}

}  // namespace gw::store::rados
