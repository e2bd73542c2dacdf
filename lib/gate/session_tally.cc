#include "gate/session_tally.h"

#include <utility>

#include "base/clock.h"

namespace gw::gate {
namespace {

constexpr std::chrono::seconds kEvery{30};  // between two reports of a session

}  // namespace

SessionTally::SessionTally(std::string of, Report report) : report_(std::move(report)) {
  counts_.of = std::move(of);
}

void SessionTally::trouble(std::string_view what, const Error& error) {
  counts_.trouble = std::string(what) + ": " + error.text();
  counts_.trouble_time = gw::now();
}

void SessionTally::now_and_then() {
  if (Clock::now() - reported_ >= kEvery) report();
}

void SessionTally::end() {
  ++counts_.sessions;
  report();
}

void SessionTally::report() {
  if (report_) report_(counts_);
  // Start from zero, since the keeper adds the reports up. Only the name stays.
  std::string of = std::move(counts_.of);
  counts_ = {};
  counts_.of = std::move(of);
  reported_ = Clock::now();
}

}  // namespace gw::gate
