#include "keeper/lookups.h"

#include <limits>

namespace gw::keeper {
namespace {

constexpr std::size_t kMost = 256;
constexpr std::size_t kMaxAddress = 512;
constexpr std::chrono::seconds kHolds{1};

}  // namespace

std::optional<store::Recipient> Lookups::find(std::string_view address, const Stamp& now) {
  const std::lock_guard lock(mutex_);
  if (now != stamp_) return std::nullopt;
  const auto at = found_.find(std::string(address));
  if (at == found_.end() || BootClock::now() - at->second.since > kHolds) return std::nullopt;
  return at->second.recipient;
}

void Lookups::add(std::string_view address, const store::Recipient& recipient, const Stamp& before) {
  if (recipient.room != std::numeric_limits<std::uint64_t>::max() || address.size() > kMaxAddress) return;
  const std::lock_guard lock(mutex_);
  if (before != stamp_ || found_.size() >= kMost) found_.clear();
  stamp_ = before;
  found_.insert_or_assign(std::string(address), Found{recipient, BootClock::now()});
}

}  // namespace gw::keeper
