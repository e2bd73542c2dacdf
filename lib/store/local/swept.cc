// Receipts: what outlives a swept message, until its own time is over.
#include <unistd.h>

#include <algorithm>

#include "store/local/store_on_disk.h"

namespace gw::store {
namespace {

constexpr std::size_t kErasedAtOnce = 1000;
constexpr std::size_t kMost = 8 << 20;  // octets of receipts in one commit
constexpr std::size_t kAbout =
    400;  // octets that keeping or erasing one adds to a batch, beside what it holds

}  // namespace

// None: its body cannot be read, and then nothing could be proved by it.
std::optional<Swept> LocalStore::receipt_of(const MailboxId& mailbox, const MessageRecord& record) {
  auto body = bodies_.read(mailbox, record.id);
  if (!body) return std::nullopt;
  Swept swept;
  swept.envelope = to_bytes((*body)->envelope());
  if (!(*body)->large()) {
    swept.header = to_bytes(age_header((*body)->container()));
  } else if (auto file = large_->reader(record.id, record.container_octets)) {
    Bytes begin(kMostHeader);
    const ssize_t got = ::pread((*file)->get(), begin.data(), begin.size(), 0);
    if (got > 0) swept.header = to_bytes(age_header(ByteView(begin).first(static_cast<std::size_t>(got))));
  }
  if (swept.header.empty()) return std::nullopt;
  return swept;
}

// Read before the commit, so that its leader need not, unless what changes became another meanwhile.
LocalStore::Remains LocalStore::remains_of(const MailboxId& mailbox, std::span<const MessageRecord> records,
                                           const Step& step) {
  Remains remains;
  remains.looked = records.size();
  const auto entry = table_.mailbox(mailbox);
  if (!entry || !leaves_receipt(step, *entry->record, records.size())) return remains;
  remains.looked = 0;
  for (const MessageRecord& record : records) {
    if (remains.octets > kMost) break;
    ++remains.looked;
    auto swept = receipt_of(mailbox, record);
    if (!swept) continue;
    remains.octets += kAbout + swept->header.size() + swept->envelope.size();
    remains.of.emplace(record.id, std::move(*swept));
  }
  return remains;
}

void LocalStore::leave_receipt(Batch& batch, const MailboxId& mailbox, const MessageRecord& record,
                               const Remains& remains) {
  const auto found = remains.of.find(record.id);
  auto swept = found != remains.of.end() ? std::optional(found->second) : std::nullopt;
  // A drain without grace is one commit, however large its envelopes are: memory comes before receipts.
  if (!swept && batch.writes().GetDataSize() < 2 * kMost) swept = receipt_of(mailbox, record);
  if (!swept) return;
  swept->record = record;
  swept->gone = batch.at(mailbox)->log.time;
  batch.put(Family::Messages, receipt_key(mailbox, record.id), encode(*swept));
  batch.put(Family::Messages, receipt_time_key(mailbox, swept->gone, record.id), ByteView{});
}

// Those of a mailbox whose time is over, the oldest first. Gives how many; `more`: the budget ended it.
Result<std::size_t> LocalStore::expire_receipts(const MailboxRecord& mailbox, Micros at, std::size_t budget,
                                                bool& more) {
  std::vector<std::pair<Micros, MessageId>> over;
  std::size_t erased = 0;
  const Key prefix = Key('x').id(mailbox.id);
  auto scanned = engine_->scan(Family::Messages, prefix, after(prefix), [&](ByteView key, ByteView) {
    ByteReader reader(key.subspan(prefix.view().size()));
    const auto gone = static_cast<Micros>(reader.u64());
    const auto from = receipt_due(mailbox, gone);
    if (!from || *from > at) return false;
    more = more || over.size() == budget;
    if (over.size() < budget) over.emplace_back(gone, MessageId::from(reader.rest()));
    return over.size() < budget || !more;
  });
  if (!scanned) return scanned.error();
  for (std::size_t first = 0; first < over.size(); first += kErasedAtOnce) {
    const auto some = std::span(over).subspan(first, std::min(kErasedAtOnce, over.size() - first));
    auto changed = change(kAbout * some.size(), [&](Batch& batch) -> Result<Verdict> {
      const Entry* entry = batch.at(mailbox.id);
      if (entry == nullptr || !entry->record) return Verdict::Done;
      for (const auto& [gone, message] : some) {
        // Held, or to be kept for longer, since they were looked for?
        const auto from = receipt_due(*entry->record, gone);
        if (!from || *from > at) continue;
        ++erased;
        batch.erase(Family::Messages, receipt_key(mailbox.id, message));
        batch.erase(Family::Messages, receipt_time_key(mailbox.id, gone, message));
      }
      return Verdict::Done;
    });
    if (!changed) return changed.error();
  }
  return erased;
}

Result<std::vector<Swept>> LocalStore::swept(const MailboxId& mailbox, const MessageId& from,
                                             std::size_t limit) {
  if (auto known = table_.epoch(mailbox); !known) return known.error();
  std::vector<Swept> page;
  std::size_t octets = 0;
  if (limit == 0) return page;
  std::optional<Error> damage;
  auto scanned = engine_->scan(Family::Messages, receipt_key(mailbox, from), after(Key('r').id(mailbox)),
                               [&](ByteView, ByteView value) {
                                 auto receipt = decode_swept(value);
                                 if (receipt) {
                                   octets += value.size();
                                   page.push_back(std::move(*receipt));
                                 } else {
                                   damage = receipt.error();
                                 }
                                 return !damage && page.size() < limit && octets < kReceiptPage;
                               });
  if (!scanned) return scanned.error();
  if (damage) return *damage;
  return page;
}

}  // namespace gw::store
