// Who is signed in: in the memory of this process only, so a restart signs everybody out.
//
// A session is known by 256 random bits that only the browser's cookie holds; here stands their hash, so that
// neither a look into this table nor the time that a comparison takes gives one away. A session ends when
// nobody used it for a while, when it is old, when its account's password changes, and at sign-out. Its id is
// made anew at each sign-in and whenever what it may do changes: an id that somebody planted before is worth
// nothing after (session fixation).
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

struct SessionPolicy {
  std::chrono::seconds idle{15 * 60};
  std::chrono::seconds absolute{12 * 3600};
  std::size_t most = 1000;  // at one time; then the longest unused ones end
  std::size_t most_of_account = 16;
  std::function<BootClock::time_point()> clock = BootClock::now;
};

// What a request knows of its session: a copy.
struct Session {
  std::string account;
  vault::Role role{};  // when it began, or was renewed
  std::uint64_t password_generation = 0;
  std::string csrf;  // what each of its forms carries
};

class Sessions {
 public:
  explicit Sessions(SessionPolicy policy = {}) : policy_(std::move(policy)) {}

  // A new session; gives its id, 64 hex digits, for the cookie.
  std::string begin(const vault::Account& account);
  // The session of this id, used now. None: unknown, or ended.
  std::optional<Session> find(std::string_view id);
  // The same session under a new id, with the account's present role and password. Empty: there is none.
  std::string renew(std::string_view id, const vault::Account& account);
  void end(std::string_view id);
  void end_all(std::string_view account);
  std::size_t count() const;

  // A secret that waits in the session for its confirmation (the second factor's). Replaces one before.
  void keep(std::string_view id, Secret secret);
  std::optional<Secret> kept(std::string_view id) const;
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

  bool ended(const Entry& entry, BootClock::time_point now) const;
  void make_room(std::string_view account, BootClock::time_point now);

  SessionPolicy policy_;
  mutable std::mutex mutex_;
  Table table_;
};

}  // namespace gw::web
