// Slows down password guessing from one source (net::source_of: an IPv4 address or an IPv6 /64).
//
// No source is ever locked out: an attacker that shares an address with the archive (both in the
// same NAT network) could otherwise lock the archive out. Instead a source with failed logins waits longer
// and longer before its next attempt is checked. The memory is bounded in entries and in time, and
// is lost when the process ends. Each server process counts its own failures; the keeper counts
// them for all processes (store::Store::guess).
//
//   LoginThrottle limits;
//   sleep_for(limits.wait(source));
//   if (password_is_right) limits.succeeded(source); else limits.failed(source);
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/clock.h"

namespace gw::net {

// The numbers of the algorithm. LoginThrottle enforces all of them except `per_session`, which the
// caller reads from policy().
struct ThrottlePolicy {
  std::size_t free = 3;                          // failures that cause no wait yet
  std::chrono::milliseconds longest_wait{8000};  // the wait doubles from 500 ms up to this
  std::chrono::seconds memory{600};              // a source is forgotten this long after its last failure
  // Maximum number of sources remembered. When it is reached, the entries with the oldest failures
  // are dropped.
  std::size_t sources = 10'000;
  std::size_t per_session = 3;  // wrong passwords before a connection is closed
  // Replaced by tests.
  std::function<BootClock::time_point()> clock = BootClock::now;
};

// Thread-safe: one object is shared by all connections of a process.
class LoginThrottle {
 public:
  explicit LoginThrottle(ThrottlePolicy policy = {}) : policy_(std::move(policy)) {}

  const ThrottlePolicy& policy() const { return policy_; }

  // Returns how long the next attempt from `source` has to wait, counted from now. 0 if it need not
  // wait.
  std::chrono::milliseconds wait(const std::string& source);
  // Returns what remains of that wait, counted from the last failure. For a caller that refuses
  // attempts in the meantime instead of delaying them.
  std::chrono::milliseconds left(const std::string& source);
  // Records a wrong password from `source`.
  void failed(const std::string& source);
  // Takes one failure of `source` back, which turned out to be none: the attempt could not be
  // checked. Failures before it stay.
  void take_back(const std::string& source);
  // Forgets all failures of `source`.
  void succeeded(const std::string& source);
  // Returns the number of sources remembered at present.
  std::size_t sources() const;

 private:
  struct Entry {
    std::size_t failures = 0;
    BootClock::time_point last;
  };
  // Drops expired entries, and the oldest tenth as well if that frees too little. Requires mutex_.
  void make_room(BootClock::time_point now);

  ThrottlePolicy policy_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace gw::net
