// Mailboxes that a user has opened with their password, kept open for five minutes, so that the user
// can search subjects and senders and open messages without typing the password again.
//
// The memory of this process keeps the mailbox's keys, in locked memory (seal/keypair.h), and nothing
// that was decrypted with them. They are wiped five minutes after the mailbox was opened, regardless of
// use, when the user closes it, at sign-out, and when the mailbox's record has changed since, as every
// change of its password or keys does.
//
// An opened mailbox belongs to the session that opened it. Each page checks again whether the account
// may see the mailbox.
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
#include "base/id.h"
#include "seal/keypair.h"

namespace gw::web {

// Thread-safe.
class OpenedMailboxes {
 public:
  // How long a mailbox stays open, how many are open in all sessions together, and how many in one
  // session. Opening another one beyond a limit closes the oldest.
  static constexpr std::chrono::minutes kLife{5};
  static constexpr std::size_t kMaxCount = 32;
  static constexpr std::size_t kMaxOfSession = 4;

  // An opened mailbox. The keys stay in memory as long as a request uses them.
  struct Open {
    std::shared_ptr<const seal::KeyRing> ring;
    std::chrono::seconds left{};  // until it closes
  };

  // `look` is how often a thread removes expired keys when no request arrives. The thread starts with
  // the first opened mailbox.
  explicit OpenedMailboxes(std::function<BootClock::time_point()> clock = BootClock::now,
                           std::chrono::milliseconds look = std::chrono::seconds(5))
      : clock_(std::move(clock)), look_(look) {}
  ~OpenedMailboxes();
  OpenedMailboxes(const OpenedMailboxes&) = delete;
  OpenedMailboxes& operator=(const OpenedMailboxes&) = delete;

  // Adds an opened mailbox, in place of an earlier entry of the same session and mailbox. `version` is
  // that of the record for which the password was checked.
  void open(std::string_view session, const MailboxId& mailbox, std::uint64_t version, seal::KeyRing ring);
  // Returns the keys and the time that is left; nullopt if the session has not opened the mailbox, it
  // has expired, or its record has another version now.
  std::optional<Open> find(std::string_view session, const MailboxId& mailbox, std::uint64_t version);
  // Closes one mailbox of a session, one mailbox of all sessions, or all mailboxes of a session.
  void close(std::string_view session, const MailboxId& mailbox);
  void close_mailbox(const MailboxId& mailbox);
  void close_all(std::string_view session);
  // Returns the number of opened mailboxes, for tests.
  std::size_t count() const;

 private:
  struct Entry {
    // SHA-256 of the session id, so that the table holds no id (sessions.h).
    Digest session{};
    MailboxId mailbox;
    std::uint64_t version = 0;
    std::shared_ptr<const seal::KeyRing> ring;
    BootClock::time_point until;
  };
  // Call with the mutex held.
  void forget_old(BootClock::time_point now);
  // Runs on the thread `keeper_` and removes expired entries until it is asked to stop.
  void look_after(const std::stop_token& stop);

  std::function<BootClock::time_point()> clock_;
  std::chrono::milliseconds look_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Entry> entries_;  // the oldest first
  std::jthread keeper_;
};

}  // namespace gw::web
