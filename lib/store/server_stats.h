// Server statistics: what the servers did since the keeper started, summed up for people and for
// monitoring.
//
// Each session of a server reports what it did at its end, and now and then before; the keeper adds
// it up in memory. This is not evidence: the history is (leaf.h). The sessions of a server that is
// killed are not counted.
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

// The counts of one session, or the sum of many.
struct ServerStats {
  std::string of;              // `smtp`, `pop3`, or `route NAME` for gw-proxy
  std::uint64_t sessions = 0;  // sessions that ended
  std::uint64_t tls = 0;       // of them, those with TLS
  std::uint64_t messages = 0;  // accepted, retrieved, or passed on by a route
  std::uint64_t size = 0;      // bytes of those messages
  std::uint64_t copies = 0;    // archive copies of a route's messages
  std::uint64_t uncopied = 0;  // passed on without a copy, as the route allows
  // Replies by class: 2xx, 3xx or +OK; 4xx, or -ERR with [SYS/TEMP] or [IN-USE]; 5xx or any other
  // -ERR.
  std::uint64_t completed = 0;
  std::uint64_t deferred = 0;
  std::uint64_t refused = 0;
  std::uint64_t failed_logins = 0;
  std::string trouble;      // the last failure, for people; empty if there was none
  Micros trouble_time = 0;  // when it happened

  friend bool operator==(const ServerStats&, const ServerStats&) = default;
};

// The counts with their names in --json and in the metrics, in the order in which they appear
// there.
struct ServerCount {
  std::string_view name;
  std::uint64_t ServerStats::*value;
};
inline constexpr std::array kServerCounts{
    ServerCount{"sessions", &ServerStats::sessions},
    ServerCount{"tls", &ServerStats::tls},
    ServerCount{"messages", &ServerStats::messages},
    ServerCount{"octets", &ServerStats::size},
    ServerCount{"copies", &ServerStats::copies},
    ServerCount{"uncopied", &ServerStats::uncopied},
    ServerCount{"completed", &ServerStats::completed},
    ServerCount{"deferred", &ServerStats::deferred},
    ServerCount{"refused", &ServerStats::refused},
    ServerCount{"failed_logins", &ServerStats::failed_logins},
};

// Sums by name in bounded memory, however many names clients report. Thread-safe.
class ServerStatsTable {
 public:
  static constexpr std::size_t kNames = 1024;   // further names are not counted
  static constexpr std::size_t kName = 96;      // bytes; a tally with a longer name is not counted
  static constexpr std::size_t kTrouble = 300;  // bytes; the rest of a longer text is cut

  // Adds a tally to the sum of its name. The later trouble text wins.
  void add(const ServerStats& stats);
  // Returns all sums, by name.
  std::vector<ServerStats> all() const;
  // Returns all sums, by name, and starts from zero again.
  std::vector<ServerStats> take();

 private:
  mutable std::mutex mutex_;
  std::map<std::string, ServerStats> sums_;
};

}  // namespace gw::store
