// The sessions of the console: which browser is signed in to which account. They are kept in the
// memory of this process only, so a restart signs all users out.
//
// A session is identified by 256 random bits, which only the browser's cookie holds. The table
// stores their SHA-256. A leak of the table therefore reveals no id, and the time that a lookup
// takes says nothing about one.
//
// A session ends if it is not used for a while, at a fixed age, when its account gets a new
// password (Console::visitor()), and at sign-out. Each sign-in and each change of its rights gives
// it a new id, so that an id which an attacker has planted in the browser beforehand is worthless
// (session fixation).
//
//   const std::string id = sessions.begin(account);   // for the cookie
//   const auto session = sessions.find(id);           // at each request
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/digest.h"
#include "base/secret.h"
#include "vault/account.h"

namespace gw::web {

// The lifetime and the number of sessions.
struct SessionPolicy {
  std::chrono::seconds idle{15 * 60};  // without a request
  // The longest life of a session, however much it is used.
  std::chrono::seconds absolute{12 * 3600};
  // The number of sessions, in all and of one account. A new session beyond it ends the one that
  // was unused the longest.
  std::size_t most = 1000;
  std::size_t most_of_account = 16;
  // The clock, which includes the time that the host is suspended.
  std::function<BootClock::time_point()> clock = BootClock::now;
};

// The state of a session, copied for one request.
struct Session {
  std::string account;
  // The role of the account when the session began or was renewed. If the account's role differs,
  // the console renews the session.
  vault::Role role{};
  // Likewise the account's password generation; if it differs, the session ends.
  std::uint64_t password_generation = 0;
  // The CSRF token, which every form of the session carries: 64 hexadecimal digits.
  std::string csrf;
};

// The table of sessions. Thread-safe.
class Sessions {
 public:
  explicit Sessions(SessionPolicy policy = {}) : policy_(std::move(policy)) {}

  // Starts a session and returns its id for the cookie: 64 hexadecimal digits.
  std::string begin(const vault::Account& account);
  // Returns the session with this id and, if `use`, counts it as used now. Returns nullopt if the id
  // is unknown or the session has ended.
  std::optional<Session> find(std::string_view id, bool use = true);
  // Moves the session to a new id and CSRF token, and sets the role and password generation of
  // `account`. Returns the new id; empty if there is no such session. The old id is invalid
  // immediately.
  std::string renew(std::string_view id, const vault::Account& account);
  // Ends one session, or all sessions of an account.
  void end(std::string_view id);
  void end_all(std::string_view account);
  // Returns the number of sessions in the table; some of them may have expired.
  std::size_t count() const;

  // Stores a secret in the session until it is confirmed, in place of an earlier one: the second
  // factor that is being set up. Does nothing if there is no such session.
  void keep(std::string_view id, Secret secret);
  // Returns a copy of it; nullopt if there is none.
  std::optional<Secret> kept(std::string_view id) const;
  // Wipes it.
  void drop_kept(std::string_view id);

 private:
  struct Entry {
    Session session;
    BootClock::time_point begun;
    BootClock::time_point used;
    Secret kept;
  };
  struct Hash {
    std::size_t operator()(const Digest& digest) const;
  };
  using Table = std::unordered_map<Digest, Entry, Hash>;

  // Call the two functions below with the mutex held.
  bool ended(const Entry& entry, BootClock::time_point now) const;
  void make_room(std::string_view account, BootClock::time_point now);

  SessionPolicy policy_;
  mutable std::mutex mutex_;
  Table table_;
};

}  // namespace gw::web
