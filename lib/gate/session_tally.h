// What one session of a server did, and how the keeper hears of it (store/tally.h).
//
//   SessionTally tally("smtp", service.report);
//   ++tally.counts().messages;  tally.now_and_then();
//   tally.end();
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "store/tally.h"

namespace gw::gate {

// Takes the counts to the keeper, or keeps them until it can be reached; never fails. Empty: nobody asks.
using Report = std::function<void(const store::Tally&)>;

class SessionTally {
 public:
  SessionTally(std::string of, Report report);

  store::Tally& counts() { return counts_; }
  void of_route(std::string_view route) { counts_.of = "route " + std::string(route); }
  void trouble(std::string_view what, const Error& error);

  // Call where a message is done: a session that lasts reports every half minute.
  void now_and_then();
  void end();

 private:
  using Clock = std::chrono::steady_clock;

  void report();

  store::Tally counts_;
  Report report_;
  Clock::time_point reported_ = Clock::now();
};

}  // namespace gw::gate
