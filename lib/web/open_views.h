// Messages that somebody has opened with a mailbox's password, for a few minutes.
//
// The password is asked for once for each message and kept nowhere. What is kept, in the memory of this
// process only, is the opened message: its own file key, which opens this one message and no other; neither
// the mailbox's keys nor anything that was read. It belongs to the session that opened it and goes after
// five minutes whatever is done with it, when it is closed, and with the session's sign-out. So a page, its
// frame and a download need the password once, and a browser that is left open shows nothing soon after.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "base/result.h"
#include "vault/drain.h"

namespace gw::web {

struct OpenView {
  vault::Message message;
  store::MessageRecord record;
  std::optional<Error> damage;  // what reading it to its end had found

  OpenView(vault::Message opened, store::MessageRecord of) : message(std::move(opened)), record(of) {}

 private:
  friend class ReadingTurn;
  std::mutex mutex_;
  std::condition_variable free_;
  bool taken_ = false;
};

// A message is read by one request at a time: false where none of the turns before has ended within
// `patience`.
class ReadingTurn {
 public:
  ReadingTurn(OpenView& view, std::chrono::milliseconds patience);
  ReadingTurn(const ReadingTurn&) = delete;
  ReadingTurn& operator=(const ReadingTurn&) = delete;
  ~ReadingTurn();
  explicit operator bool() const { return taken_; }

 private:
  OpenView& view_;
  bool taken_;
};

class OpenViews {
 public:
  static constexpr std::chrono::minutes kLife{5};
  static constexpr std::size_t kMost = 64;
  static constexpr std::size_t kMostOfSession = 4;  // then its oldest goes

  // Looks for what is over each `look`, where nobody asks.
  explicit OpenViews(std::function<BootClock::time_point()> clock = BootClock::now,
                     std::chrono::milliseconds look = std::chrono::seconds(15))
      : clock_(std::move(clock)), look_(look) {}
  ~OpenViews();
  OpenViews(const OpenViews&) = delete;
  OpenViews& operator=(const OpenViews&) = delete;

  void open(std::string_view session, const MailboxId& mailbox, std::shared_ptr<OpenView> view);
  // Null: not open, or not any more.
  std::shared_ptr<OpenView> find(std::string_view session, const MailboxId& mailbox,
                                 const MessageId& message);
  void close(std::string_view session, const MailboxId& mailbox, const MessageId& message);
  void close_all(std::string_view session);
  std::size_t count() const;

 private:
  struct Entry {
    Digest session{};  // SHA-256 of its id, as in sessions.h
    MailboxId mailbox;
    std::shared_ptr<OpenView> view;
    BootClock::time_point until;
  };
  void forget_old(BootClock::time_point now);
  void look_after(const std::stop_token& stop);

  std::function<BootClock::time_point()> clock_;
  std::chrono::milliseconds look_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Entry> entries_;  // the oldest first
  std::jthread keeper_;         // forgets them where nobody asks any more
};

}  // namespace gw::web
