// Messages that a user has opened with the mailbox's password, kept open for five minutes.
//
// A message page, the frame with its HTML and a download are three requests; the user types the
// password once for all of them, and it is stored nowhere. The memory of this process keeps the
// opened message, that is its own file key, which opens this one message and no other. It keeps
// neither the keys of the mailbox nor anything that was decrypted.
//
// An opened message belongs to the session that opened it. It is forgotten five minutes after it
// was opened regardless of use, when the user closes it, at sign-out, and when the console or the API
// changes the mailbox's password, so that an unattended browser soon shows nothing.
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

// An opened message. It is shared by the requests that use it; a ReadLock must be held to touch
// `message`.
struct OpenView {
  vault::Message message;
  store::MessageRecord record;
  // The damage that was found when the message was read to its end; nullopt if it is intact.
  std::optional<Error> damage;

  OpenView(vault::Message opened, store::MessageRecord of) : message(std::move(opened)), record(of) {}

 private:
  friend class ReadLock;
  std::mutex mutex_;
  std::condition_variable free_;
  bool taken_ = false;
};

// The exclusive right to read an opened message, for the life of this object. Only one request at a
// time may read it, because a vault::Message has a position and is not thread-safe. `view` must
// outlive it.
class ReadLock {
 public:
  // Waits at most `patience` for the other readers. The object converts to false if that was not
  // enough; the caller must then not read.
  ReadLock(OpenView& view, std::chrono::milliseconds patience);
  ReadLock(const ReadLock&) = delete;
  ReadLock& operator=(const ReadLock&) = delete;
  ~ReadLock();
  explicit operator bool() const { return taken_; }

 private:
  OpenView& view_;
  bool taken_;
};

// The opened messages of all sessions. Thread-safe.
class OpenedMessages {
 public:
  // How long a message stays open, how many are open in all sessions together, and how many in one
  // session. Opening another one beyond a limit closes the oldest.
  static constexpr std::chrono::minutes kLife{5};
  static constexpr std::size_t kMaxCount = 64;
  static constexpr std::size_t kMaxOfSession = 4;

  // `look` is how often a thread removes expired messages when no request arrives. The thread
  // starts with the first opened message.
  explicit OpenedMessages(std::function<BootClock::time_point()> clock = BootClock::now,
                          std::chrono::milliseconds look = std::chrono::seconds(15))
      : clock_(std::move(clock)), look_(look) {}
  ~OpenedMessages();
  OpenedMessages(const OpenedMessages&) = delete;
  OpenedMessages& operator=(const OpenedMessages&) = delete;

  // Adds an opened message, in place of an earlier one of the same session and id.
  void open(std::string_view session, const MailboxId& mailbox, std::shared_ptr<OpenView> view);
  // Returns the opened message; null if the session has not opened it or it has expired. The caller
  // may go on using it after it expires.
  std::shared_ptr<OpenView> find(std::string_view session, const MailboxId& mailbox,
                                 const MessageId& message);
  // Returns the time until it closes; 0 if it is not open.
  std::chrono::seconds left(std::string_view session, const MailboxId& mailbox, const MessageId& message);
  // Closes one message, all of a mailbox in all sessions, or all of a session.
  void close(std::string_view session, const MailboxId& mailbox, const MessageId& message);
  void close_mailbox(const MailboxId& mailbox);
  void close_all(std::string_view session);
  // Returns the number of opened messages, for tests.
  std::size_t count() const;

 private:
  struct Entry {
    // SHA-256 of the session id, so that the table holds no id (sessions.h).
    Digest session{};
    MailboxId mailbox;
    std::shared_ptr<OpenView> view;
    BootClock::time_point until;
  };
  // Call with the mutex held.
  void forget_old(BootClock::time_point now);
  // Runs on the thread `keeper_` and removes expired messages until it is asked to stop.
  void look_after(const std::stop_token& stop);

  std::function<BootClock::time_point()> clock_;
  std::chrono::milliseconds look_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Entry> entries_;  // the oldest first
  std::jthread keeper_;
};

}  // namespace gw::web
