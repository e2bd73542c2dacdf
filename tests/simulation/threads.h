// Simulated threads and time. After start() all threads of the process run one at a time, in an
// order that a seed chooses, on a clock that jumps to the next deadline when nothing can run.
//
// threads.cc defines the functions of the C library that start, block and wake threads, tell the
// time and sleep. The definitions in the program take precedence over those in libc.so also for
// calls from RocksDB and from the C++ library, so that the code under test is the code of the
// product, unchanged. A thread gives way to another one only when it blocks and at the yield points
// in these functions and in file_calls.cc.
#pragma once

#include <cstdint>
#include <limits>

namespace gw::simulation {

// A sequence of random numbers that a seed determines on every machine (splitmix64).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  // Returns a number below `end`; 0 if `end` is 0.
  std::uint64_t below(std::uint64_t end) { return end == 0 ? 0 : next() % end; }
  // Returns true once in `n` times on average.
  bool once_in(std::uint64_t n) { return below(n) == 0; }

 private:
  std::uint64_t state_;
};

using Nanos = std::int64_t;  // nanoseconds of simulated time
inline constexpr Nanos kMillisecond = 1'000'000;
inline constexpr Nanos kNever = std::numeric_limits<Nanos>::max();

// Makes the calling thread, which must be the only one, the first simulated thread. There is no way
// back: the process must end with _exit().
void start_threads(std::uint64_t seed);
// Returns true if the calling thread is simulated.
bool simulated();

// Perhaps lets another thread run. `spent` is what the caller's operation takes.
void yield(Nanos spent);
// Blocks until wake() is called with `key`, or until `deadline`; returns false in the second case.
bool block(const void* key, Nanos deadline = kNever);
// Makes threads that block on `key` runnable: all of them, or one. They run later.
void wake(const void* key, bool all = true);
// Lets time pass, and other threads run.
void sleep_for(Nanos time);
// Returns the time since a fixed moment.
Nanos simulated_time();

// Returns the function of the next library with this name, for example libc's open().
void* next_function(const char* name);
template <class Function>
Function* next_function(const char* name) {
  return reinterpret_cast<Function*>(next_function(name));
}

}  // namespace gw::simulation
