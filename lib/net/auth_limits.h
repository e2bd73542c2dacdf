// How fast passwords may be guessed from one source (net::source_of: an IPv4 address, an IPv6 /64).
//
// Nobody is locked out, as whoever guesses from behind the archive's address would lock out the archive: a
// source with failures waits longer and longer before its next try is looked at. What is remembered is
// bounded in number and in time, and ends with the process. Servers count for themselves, and the keeper
// counts for all of them (store::Store::guess).
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/clock.h"

namespace gw::net {

struct AuthPolicy {
  std::size_t free = 3;                          // failures without a wait
  std::chrono::milliseconds longest_wait{8000};  // it doubles from 500 ms up to this
  std::chrono::seconds memory{600};              // since the last failure
  std::size_t sources = 10'000;  // remembered at most; then the ones longest without failure go
  std::size_t per_session = 3;   // wrong passwords; then the connection is closed
  std::function<BootClock::time_point()> clock = BootClock::now;
};

class AuthLimits {
 public:
  explicit AuthLimits(AuthPolicy policy = {}) : policy_(std::move(policy)) {}

  const AuthPolicy& policy() const { return policy_; }

  // How long the next try from this source waits.
  std::chrono::milliseconds wait(const std::string& source);
  // The same for who is refused meanwhile instead of waiting: what is left of it since the last failure.
  std::chrono::milliseconds left(const std::string& source);
  void failed(const std::string& source);
  void succeeded(const std::string& source);
  std::size_t sources() const;

 private:
  struct Entry {
    std::size_t failures = 0;
    BootClock::time_point last;
  };
  void make_room(BootClock::time_point now);

  AuthPolicy policy_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace gw::net
