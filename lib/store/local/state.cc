#include "store/local/state.h"

#include <algorithm>
#include <mutex>

namespace gw::store {
namespace {

bool has_token(const Entry& entry) {
  return entry.record != nullptr && entry.record->token_hash.has_value();
}

}  // namespace

std::optional<Entry> Table::find(const MailboxId& log) const {
  const std::shared_lock lock(mutex_);
  const auto found = entries_.find(log);
  if (found == entries_.end()) return std::nullopt;
  return found->second;
}

Result<Entry> Table::mailbox(const MailboxId& mailbox) const {
  auto found = find(mailbox);
  if (!found || !found->record) return Error(Code::NotFound, "no such mailbox");
  return std::move(*found);
}

Result<std::uint64_t> Table::epoch(const MailboxId& mailbox) const {
  const std::shared_lock lock(mutex_);
  const auto found = entries_.find(mailbox);
  if (found == entries_.end() || !found->second.record) return Error(Code::NotFound, "no such mailbox");
  return found->second.epoch;
}

std::vector<MailboxId> Table::logs() const {
  const std::shared_lock lock(mutex_);
  std::vector<MailboxId> all;
  for (const auto& [id, entry] : entries_) all.push_back(id);
  std::sort(all.begin(), all.end());
  return all;
}

std::vector<std::shared_ptr<const MailboxRecord>> Table::mailboxes() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::shared_ptr<const MailboxRecord>> all;
  for (const auto& [id, entry] : entries_) {
    if (entry.record) all.push_back(entry.record);
  }
  return all;
}

std::size_t Table::count() const {
  const std::shared_lock lock(mutex_);
  return count_;
}

std::size_t Table::senders() const {
  const std::shared_lock lock(mutex_);
  return senders_;
}

void Table::publish(Entries&& changed) {
  const std::unique_lock lock(mutex_);
  for (auto& [id, entry] : changed) {
    Entry& known = entries_[id];
    // The counters are kept along, so that health() need not go through all mailboxes.
    count_ += static_cast<std::size_t>(entry.record != nullptr);
    count_ -= static_cast<std::size_t>(known.record != nullptr);
    senders_ += static_cast<std::size_t>(has_token(entry));
    senders_ -= static_cast<std::size_t>(has_token(known));
    known = std::move(entry);
  }
}

void Table::set_oldest(const MailboxId& mailbox, std::uint64_t epoch, std::uint64_t seq) {
  const std::unique_lock lock(mutex_);
  const auto found = entries_.find(mailbox);
  if (found != entries_.end() && found->second.epoch == epoch)
    // Never lower: two threads may have searched at the same time.
    found->second.log.oldest = std::max(found->second.log.oldest, seq);
}

}  // namespace gw::store
