// Progress of a long job on standard error. Appears only on a terminal, only after one second, and
// never with --quiet.
//
//   Progress progress("exported", total, program.quiet());
//   for (...) progress.at(++done);
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace gw::cli {

// Not thread-safe.
class Progress {
 public:
  // `what` precedes the number. `total` is the number at the end; 0 if unknown.
  Progress(std::string what, std::uint64_t total, bool quiet);
  // Erases the line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Shows that `done` of the total are done, at most five times a second.
  void at(std::uint64_t done);

 private:
  using Clock = std::chrono::steady_clock;

  std::string what_;
  std::uint64_t total_;
  bool wanted_;
  bool shown_ = false;
  Clock::time_point next_;
};

}  // namespace gw::cli
