#include "web/opened_mailboxes.h"

#include <algorithm>

namespace gw::web {

// The thread uses the members, so it must end before they are destroyed.
OpenedMailboxes::~OpenedMailboxes() {
  if (!keeper_.joinable()) return;
  keeper_.request_stop();
  keeper_.join();
}

void OpenedMailboxes::forget_old(BootClock::time_point now) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.until <= now; });
}

void OpenedMailboxes::look_after(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    // Sleeps without a timeout while nothing is open.
    changed_.wait(lock, stop, [this] { return !entries_.empty(); });
    changed_.wait_for(lock, stop, look_, [] { return false; });
    forget_old(clock_());
  }
}

void OpenedMailboxes::open(std::string_view session, const MailboxId& mailbox, std::uint64_t version,
                           seal::KeyRing ring) {
  auto kept = std::make_shared<const seal::KeyRing>(std::move(ring));
  const Digest key = sha256(as_bytes(session));
  const std::lock_guard lock(mutex_);
  const BootClock::time_point now = clock_();
  forget_old(now);
  std::erase_if(entries_,
                [&](const Entry& entry) { return entry.session == key && entry.mailbox == mailbox; });
  const auto own = [&](const Entry& entry) { return entry.session == key; };
  // The entries are in the order in which they were opened, so the first one found is the oldest.
  if (std::ranges::count_if(entries_, own) >= static_cast<std::ptrdiff_t>(kMaxOfSession))
    entries_.erase(std::ranges::find_if(entries_, own));
  if (entries_.size() >= kMaxCount) entries_.erase(entries_.begin());
  // The thread starts with the first opened mailbox. If it cannot start, nothing is opened.
  if (!keeper_.joinable()) keeper_ = std::jthread([this](const std::stop_token& stop) { look_after(stop); });
  entries_.push_back({key, mailbox, version, std::move(kept), now + kLife});
  changed_.notify_all();
}

std::optional<OpenedMailboxes::Open> OpenedMailboxes::find(std::string_view session, const MailboxId& mailbox,
                                                           std::uint64_t version) {
  const Digest key = sha256(as_bytes(session));
  const std::lock_guard lock(mutex_);
  const BootClock::time_point now = clock_();
  forget_old(now);
  const auto found = std::ranges::find_if(
      entries_, [&](const Entry& entry) { return entry.session == key && entry.mailbox == mailbox; });
  if (found == entries_.end()) return std::nullopt;
  if (found->version != version) {
    entries_.erase(found);
    return std::nullopt;
  }
  return Open{found->ring, std::chrono::ceil<std::chrono::seconds>(found->until - now)};
}

void OpenedMailboxes::close(std::string_view session, const MailboxId& mailbox) {
  const Digest key = sha256(as_bytes(session));
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_,
                [&](const Entry& entry) { return entry.session == key && entry.mailbox == mailbox; });
}

void OpenedMailboxes::close_mailbox(const MailboxId& mailbox) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const Entry& entry) { return entry.mailbox == mailbox; });
}

void OpenedMailboxes::close_all(std::string_view session) {
  const Digest key = sha256(as_bytes(session));
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const Entry& entry) { return entry.session == key; });
}

std::size_t OpenedMailboxes::count() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace gw::web
