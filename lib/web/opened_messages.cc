#include "web/opened_messages.h"

#include <algorithm>

namespace gw::web {

ReadLock::ReadLock(OpenView& view, std::chrono::milliseconds patience) : view_(view) {
  std::unique_lock lock(view_.mutex_);
  // The flag is set for the whole turn, the mutex is held only for a moment.
  taken_ = view_.free_.wait_for(lock, patience, [&] { return !view_.taken_; });
  if (taken_) view_.taken_ = true;
}

ReadLock::~ReadLock() {
  if (!taken_) return;
  const std::lock_guard lock(view_.mutex_);
  view_.taken_ = false;
  view_.free_.notify_one();
}

// The thread uses the members, so it must end before they are destroyed.
OpenedMessages::~OpenedMessages() {
  if (!keeper_.joinable()) return;
  keeper_.request_stop();
  keeper_.join();
}

void OpenedMessages::forget_old(BootClock::time_point now) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.until <= now; });
}

void OpenedMessages::look_after(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    // Sleeps without a timeout while nothing is open.
    changed_.wait(lock, stop, [this] { return !entries_.empty(); });
    changed_.wait_for(lock, stop, look_, [] { return false; });
    forget_old(clock_());
  }
}

void OpenedMessages::open(std::string_view session, const MailboxId& mailbox,
                          std::shared_ptr<OpenView> view) {
  const std::lock_guard lock(mutex_);
  const BootClock::time_point now = clock_();
  forget_old(now);
  const MessageId id = view->record.id;
  const Digest key = sha256(as_bytes(session));
  std::erase_if(entries_, [&](const Entry& entry) {
    return entry.session == key && entry.mailbox == mailbox && entry.view->record.id == id;
  });
  const auto own = [&](const Entry& entry) { return entry.session == key; };
  // The entries are in the order in which they were opened, so the first one found is the oldest.
  if (std::ranges::count_if(entries_, own) >= static_cast<std::ptrdiff_t>(kMaxOfSession))
    entries_.erase(std::ranges::find_if(entries_, own));
  if (entries_.size() >= kMaxCount) entries_.erase(entries_.begin());
  // The thread starts with the first opened message. If it cannot start, nothing is opened.
  if (!keeper_.joinable()) keeper_ = std::jthread([this](const std::stop_token& stop) { look_after(stop); });
  entries_.push_back({key, mailbox, std::move(view), now + kLife});
  changed_.notify_all();
}

std::shared_ptr<OpenView> OpenedMessages::find(std::string_view session, const MailboxId& mailbox,
                                               const MessageId& message) {
  const std::lock_guard lock(mutex_);
  forget_old(clock_());
  const Digest key = sha256(as_bytes(session));
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return entry.session == key && entry.mailbox == mailbox && entry.view->record.id == message;
  });
  return found == entries_.end() ? nullptr : found->view;
}

std::chrono::seconds OpenedMessages::left(std::string_view session, const MailboxId& mailbox,
                                          const MessageId& message) {
  const std::lock_guard lock(mutex_);
  const BootClock::time_point now = clock_();
  forget_old(now);
  const Digest key = sha256(as_bytes(session));
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return entry.session == key && entry.mailbox == mailbox && entry.view->record.id == message;
  });
  return found == entries_.end() ? std::chrono::seconds(0)
                                 : std::chrono::ceil<std::chrono::seconds>(found->until - now);
}

void OpenedMessages::close(std::string_view session, const MailboxId& mailbox, const MessageId& message) {
  const std::lock_guard lock(mutex_);
  const Digest key = sha256(as_bytes(session));
  std::erase_if(entries_, [&](const Entry& entry) {
    return entry.session == key && entry.mailbox == mailbox && entry.view->record.id == message;
  });
}

void OpenedMessages::close_mailbox(const MailboxId& mailbox) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const Entry& entry) { return entry.mailbox == mailbox; });
}

void OpenedMessages::close_all(std::string_view session) {
  const std::lock_guard lock(mutex_);
  const Digest key = sha256(as_bytes(session));
  std::erase_if(entries_, [&](const Entry& entry) { return entry.session == key; });
}

std::size_t OpenedMessages::count() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace gw::web
