// The server statistics of one session, and their reports to the keeper (store/server_stats.h).
//
//   SessionStats tally("smtp", service.report);
//   ++tally.counts().messages;  tally.report_if_due();
//   tally.end();
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "store/server_stats.h"

namespace gw::daemon {

// Sends counts to the keeper, or keeps them until the keeper can be reached (VaultConnection::report).
// It must not fail and must be thread safe. Null: the counts are dropped.
using Report = std::function<void(const store::ServerStats&)>;

// Used by the thread of one session; not thread safe.
class SessionStats {
 public:
  // `of` is the name under which the keeper adds the counts up: `smtp`, `pop3` or `proxy`.
  SessionStats(std::string of, Report report);

  // Returns the counts since the last report, for the session to increment.
  store::ServerStats& counts() { return counts_; }
  // Counts under the name of a route of gw-proxy from now on.
  void of_route(std::string_view route) { counts_.of = "route " + std::string(route); }
  // Records the last problem of the session and its time: `what: error text`.
  void trouble(std::string_view what, const Error& error);

  // Reports if the last report is at least 30 seconds old. Call it after each message, so that the
  // statistics of a long session do not wait for its end.
  void report_if_due();
  // Counts the session as ended and reports. Call it once.
  void end();

 private:
  using Clock = std::chrono::steady_clock;

  void report();

  store::ServerStats counts_;
  Report report_;
  Clock::time_point reported_ = Clock::now();
};

}  // namespace gw::daemon
