// What the servers did since the keeper started: sums for people and for monitoring.
//
// Each server's session says at its end (and now and then before) what it did; the keeper adds it up in
// memory. Nothing of this is evidence: that is the history's (leaf.h). A server that is killed does not
// report.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace gw::store {

struct Tally {
  std::string of;              // `smtp` and `pop3` of the servers; `route NAME` of gw-proxy
  std::uint64_t sessions = 0;  // that ended
  std::uint64_t tls = 0;       // of them with TLS
  std::uint64_t messages = 0;  // accepted, retrieved, or passed on by a route
  std::uint64_t octets = 0;    // of those messages
  std::uint64_t copies = 0;    // sealed copies of a route's messages
  std::uint64_t uncopied = 0;  // passed on without one, as the route says
  // Replies by class: 2xx and 3xx or +OK; 4xx or -ERR with [SYS/TEMP] or [IN-USE]; 5xx or any other -ERR.
  std::uint64_t completed = 0;
  std::uint64_t deferred = 0;
  std::uint64_t refused = 0;
  std::uint64_t failed_logins = 0;
  std::string trouble;  // what went wrong last, for people; empty: nothing
  Micros trouble_time = 0;

  friend bool operator==(const Tally&, const Tally&) = default;
};

// The counts by the names that --json and the metrics have for them, in this order everywhere.
struct TallyCount {
  std::string_view name;
  std::uint64_t Tally::*value;
};
inline constexpr std::array kTallyCounts{
    TallyCount{"sessions", &Tally::sessions},   TallyCount{"tls", &Tally::tls},
    TallyCount{"messages", &Tally::messages},   TallyCount{"octets", &Tally::octets},
    TallyCount{"copies", &Tally::copies},       TallyCount{"uncopied", &Tally::uncopied},
    TallyCount{"completed", &Tally::completed}, TallyCount{"deferred", &Tally::deferred},
    TallyCount{"refused", &Tally::refused},     TallyCount{"failed_logins", &Tally::failed_logins},
};

// Sums by name, in bounded memory. Safe from several threads.
class Tallies {
 public:
  static constexpr std::size_t kNames = 1024;   // what has a name beyond them is not counted
  static constexpr std::size_t kName = 96;      // octets; longer names are not counted
  static constexpr std::size_t kTrouble = 300;  // octets; the rest of a longer text is cut off

  void add(const Tally& tally);
  std::vector<Tally> all() const;  // by name
  std::vector<Tally> take();       // all, and begins anew

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Tally> sums_;
};

}  // namespace gw::store
