#include "daemon/session_stats.h"

#include <utility>

#include "base/clock.h"

namespace gw::daemon {
namespace {

constexpr std::chrono::seconds kEvery{30};  // between two reports of a session

}  // namespace

SessionStats::SessionStats(std::string of, Report report) : report_(std::move(report)) {
  counts_.of = std::move(of);
}

void SessionStats::trouble(std::string_view what, const Error& error) {
  counts_.trouble = std::string(what) + ": " + error.text();
  counts_.trouble_time = gw::now();
}

void SessionStats::report_if_due() {
  if (Clock::now() - reported_ >= kEvery) report();
}

void SessionStats::end() {
  ++counts_.sessions;
  report();
}

void SessionStats::report() {
  if (report_) report_(counts_);
  // Start from zero, since the keeper adds the reports up. Only the name stays.
  std::string of = std::move(counts_.of);
  counts_ = {};
  counts_.of = std::move(of);
  reported_ = Clock::now();
}

}  // namespace gw::daemon
