// Removal records: what remains of a swept message until its own time is over.
#include <unistd.h>

#include <algorithm>

#include "store/local/local_store_private.h"

namespace gw::store {
namespace {

constexpr std::size_t kErasedAtOnce = 1000;  // removal records that one commit erases
constexpr std::size_t kMaxCount = 8 << 20;   // bytes of removal records in one commit
// About the bytes that keeping or erasing one adds to a batch, apart from its content.
constexpr std::size_t kAbout = 400;

}  // namespace

// Returns nullopt if the body cannot be read: a removal record without the age header would prove
// nothing. The message is removed all the same.
std::optional<RemovalRecord> LocalStore::removal_record_of(const MailboxId& mailbox,
                                                           const MessageRecord& record) {
  auto body = bodies_.read(mailbox, record.id);
  if (!body) return std::nullopt;
  RemovalRecord swept;
  swept.envelope = to_bytes((*body)->envelope());
  if (!(*body)->large()) {
    swept.header = to_bytes(age_header((*body)->container()));
  } else if (auto file = large_->reader(record.id, record.container_size)) {
    Bytes begin(kMaxHeader);
    const ssize_t got = ::pread((*file)->get(), begin.data(), begin.size(), 0);
    if (got > 0) swept.header = to_bytes(age_header(ByteView(begin).first(static_cast<std::size_t>(got))));
  }
  if (swept.header.empty()) return std::nullopt;
  return swept;
}

// Reads bodies before the commit, so that the leader need not. If other messages change in the end,
// remains_from() reads what is missing.
LocalStore::Remains LocalStore::remains_of(const MailboxId& mailbox, std::span<const MessageRecord> records,
                                           const Step& step) {
  Remains remains;
  remains.looked = records.size();
  const auto entry = table_.mailbox(mailbox);
  if (!entry || !leaves_removal_record(step, *entry->record, records.size())) return remains;
  remains.looked = 0;
  for (const MessageRecord& record : records) {
    // Sealed envelopes can have a MiB each; the rest goes into another commit.
    if (remains.size > kMaxCount) break;
    ++remains.looked;
    auto swept = removal_record_of(mailbox, record);
    if (!swept) continue;
    remains.size += kAbout + swept->header.size() + swept->envelope.size();
    remains.of.emplace(record.id, std::move(*swept));
  }
  return remains;
}

std::function<std::optional<RemovalRecord>(const MessageRecord&)> LocalStore::remains_from(
    const Remains& remains, const Batch& batch, const MailboxId& mailbox) {
  return [&remains, &batch, &mailbox, this](const MessageRecord& record) -> std::optional<RemovalRecord> {
    if (const auto found = remains.of.find(record.id); found != remains.of.end()) return found->second;
    // A drain without a grace period is one commit, however large its envelopes are. Beyond this
    // size messages leave no removal record: bounded memory is more important.
    if (batch.size() >= 2 * kMaxCount) return std::nullopt;
    return removal_record_of(mailbox, record);
  };
}

// Removes the removal records of a mailbox whose time is over, the oldest first.
Result<void> LocalStore::expire_removal_records(const MailboxRecord& mailbox, const Sweep& sweep,
                                                SweepReport& report) {
  const std::size_t budget = sweep.budget - std::min<std::size_t>(sweep.budget, report.receipts);
  struct Over {
    Moment since;
    MessageId message;
  };
  std::vector<Over> over;
  const Key prefix = Key('x').id(mailbox.id);
  auto scanned = engine_->scan(Family::Messages, prefix, after(prefix), [&](ByteView key, ByteView value) {
    ByteReader reader(key.subspan(prefix.view().size()));
    const auto gone = static_cast<Micros>(reader.u64());
    const auto kept = kept_of(value);
    if (!kept) return true;
    if (!removal_record_over(mailbox, {*kept, gone}, sweep.at, sweep.trust_wall)) return false;
    if (sweep.budget == 0) {
      ++report.receipts;
      return true;
    }
    if (over.size() == budget) {
      report.more = true;
      return false;
    }
    over.push_back({{*kept, gone}, MessageId::from(reader.rest())});
    return true;
  });
  if (!scanned) return scanned;
  for (std::size_t first = 0; first < over.size(); first += kErasedAtOnce) {
    const auto some = std::span(over).subspan(first, std::min(kErasedAtOnce, over.size() - first));
    std::size_t erased = 0;
    auto changed = change(kAbout * some.size(), [&](Batch& batch) -> Result<ChangeResult> {
      const Entry* entry = batch.state(mailbox.id);
      if (entry == nullptr || !entry->record) return ChangeResult::Done;
      for (const auto& [since, message] : some) {
        // The mailbox may be under legal hold, or keep them longer, since they were looked for.
        if (!removal_record_over(*entry->record, since, sweep.at, sweep.trust_wall)) continue;
        ++erased;
        batch.erase(Family::Messages, removal_record_key(mailbox.id, message));
        batch.erase(Family::Messages, removal_time_key(mailbox.id, since.wall, message));
      }
      return ChangeResult::Done;
    });
    if (!changed) return changed;
    report.receipts += erased;
  }
  return {};
}

Result<std::vector<RemovalRecord>> LocalStore::removal_records(const MailboxId& mailbox,
                                                               const MessageId& from, std::size_t limit) {
  if (auto known = table_.epoch(mailbox); !known) return known.error();
  std::vector<RemovalRecord> page;
  std::size_t size = 0;
  if (limit == 0) return page;
  std::optional<Error> damage;
  auto scanned = engine_->scan(Family::Messages, removal_record_key(mailbox, from),
                               after(Key('r').id(mailbox)), [&](ByteView, ByteView value) {
                                 auto receipt = decode_removal_record(value);
                                 if (receipt) {
                                   size += value.size();
                                   page.push_back(std::move(*receipt));
                                 } else {
                                   damage = receipt.error();
                                 }
                                 return !damage && page.size() < limit && size < kRemovalRecordPage;
                               });
  if (!scanned) return scanned.error();
  if (damage) return *damage;
  return page;
}

}  // namespace gw::store
