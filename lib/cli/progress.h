// How far a long job is, on standard error: only on a terminal, only after a second, never with --quiet.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace gw::cli {

class Progress {
 public:
  // `total` 0: not known.
  Progress(std::string what, std::uint64_t total, bool quiet);
  ~Progress();  // takes the line away again
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

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
