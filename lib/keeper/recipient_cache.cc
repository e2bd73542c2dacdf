#include "keeper/recipient_cache.h"

#include <limits>

namespace gw::keeper {
namespace {

// 256 addresses cover the recipients of a burst of mail. Together with kMaxAddress they bound the
// memory that clients can make a server use.
constexpr std::size_t kMaxCount = 256;
constexpr std::size_t kMaxAddress = 512;
constexpr std::chrono::seconds kHolds{1};

}  // namespace

std::optional<store::Recipient> RecipientCache::find(std::string_view address, const CacheVersion& now) {
  const std::lock_guard lock(mutex_);
  if (now != stamp_) return std::nullopt;
  const auto at = found_.find(std::string(address));
  if (at == found_.end() || BootClock::now() - at->second.since > kHolds) return std::nullopt;
  return at->second.recipient;
}

void RecipientCache::add(std::string_view address, const store::Recipient& recipient,
                         const CacheVersion& before) {
  // With a quota, the room shrinks with each message, and messages do not increment the
  // ChangeCounter. A cached entry would keep accepting recipients of a full mailbox, although the
  // sender should be told 452.
  if (recipient.room != std::numeric_limits<std::uint64_t>::max() || address.size() > kMaxAddress) return;
  const std::lock_guard lock(mutex_);
  // All entries have one stamp, so entries of an earlier state go together. A full cache is emptied
  // as well: that is rare, and simpler than tracking which entry is the oldest.
  if (before != stamp_ || found_.size() >= kMaxCount) found_.clear();
  stamp_ = before;
  found_.insert_or_assign(std::string(address), Found{recipient, BootClock::now()});
}

}  // namespace gw::keeper
