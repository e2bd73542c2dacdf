#include "threads.h"

#include <dlfcn.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <vector>

namespace gw::simulation {
namespace {

constexpr Nanos kSecond = 1'000'000'000;
constexpr Nanos kWallStart = 1'800'000'000 * kSecond;  // wall time at simulated time 0
constexpr Nanos kLook = 1000;                          // what a look at the clock takes
constexpr std::uint64_t kRarely = 4;                   // one yield point in so many is used

enum class State : unsigned char { Runnable, Blocked, Ended };

struct Thread {
  sem_t baton;  // posted when the thread may run
  State state = State::Runnable;
  const void* key = nullptr;  // what it blocks on
  Nanos deadline = kNever;
  bool timed_out = false;
  pthread_t handle{};
  void* (*run)(void*) = nullptr;
  void* argument = nullptr;
  int destructor_rounds = 0;
};

// Only the running thread uses these, so that no lock is needed: passing the baton orders accesses.
std::vector<std::unique_ptr<Thread>> all;
Random chance(0);
Random entropy(0);  // what the system's random numbers are
Nanos clock_now = 1000 * kSecond;
pthread_key_t ended_key;
thread_local Thread* self = nullptr;

void pass(sem_t& baton) {
  static const auto post = next_function<int(sem_t*)>("sem_post");
  post(&baton);
}

void await(sem_t& baton) {
  static const auto wait = next_function<int(sem_t*)>("sem_wait");
  while (wait(&baton) != 0) {
  }
}

void make_runnable(Thread& thread, bool timed_out) {
  thread.state = State::Runnable;
  thread.key = nullptr;
  thread.deadline = kNever;
  thread.timed_out = timed_out;
}

// Returns the thread that runs next. If none can run, time jumps to the first deadline.
Thread* choose() {
  for (;;) {
    std::vector<Thread*> ready;
    Nanos first = kNever;
    for (const auto& thread : all) {
      if (thread->state == State::Blocked && thread->deadline <= clock_now) make_runnable(*thread, true);
      if (thread->state == State::Runnable) ready.push_back(thread.get());
      if (thread->state == State::Blocked && thread->deadline < first) first = thread->deadline;
    }
    if (!ready.empty()) return ready[chance.below(ready.size())];
    if (first == kNever) {
      std::fputs("simulation: every thread waits for another one\n", stderr);
      std::abort();
    }
    clock_now = first;
  }
}

void hand_over() {
  Thread* me = self;
  Thread* next = choose();
  if (next == me) return;
  pass(next->baton);
  if (me->state != State::Ended) await(me->baton);
}

// Runs as a destructor of thread-specific data. RocksDB has destructors of its own, which lock
// mutexes, so the thread ends for the simulation only after the other ones have run.
void end_thread(void* given) {
  auto* thread = static_cast<Thread*>(given);
  if (++thread->destructor_rounds < 3) {
    pthread_setspecific(ended_key, thread);
    return;
  }
  thread->state = State::Ended;
  wake(thread);
  hand_over();
}

void* begin_thread(void* given) {
  self = static_cast<Thread*>(given);
  await(self->baton);
  pthread_setspecific(ended_key, self);
  return self->run(self->argument);
}

Nanos nanos(const timespec& time) {
  return static_cast<Nanos>(time.tv_sec) * kSecond + time.tv_nsec;
}

timespec spec(Nanos time) {
  timespec spec{};
  spec.tv_sec = static_cast<time_t>(time / kSecond);
  spec.tv_nsec = static_cast<long>(time % kSecond);
  return spec;
}

// Returns the simulated time of a deadline by this clock.
Nanos deadline_of(clockid_t clock, const timespec& time) {
  return clock == CLOCK_REALTIME ? nanos(time) - kWallStart : nanos(time);
}

// Takes a lock by the function that does not block. Other threads run until that succeeds.
template <class Try>
int lock(const void* key, const Try& try_lock) {
  for (;;) {
    const int result = try_lock();
    if (result != EBUSY) return result;
    block(key);
  }
}

int wait_on(pthread_cond_t* condition, pthread_mutex_t* mutex, Nanos deadline) {
  pthread_mutex_unlock(mutex);
  const bool woken = block(condition, deadline);
  pthread_mutex_lock(mutex);
  return woken ? 0 : ETIMEDOUT;
}

void fill_randomly(void* data, std::size_t size) {
  auto* to = static_cast<unsigned char*>(data);
  for (std::size_t i = 0; i < size; ++i) to[i] = static_cast<unsigned char>(entropy.next());
}

}  // namespace

std::uint64_t Random::next() {
  state_ += 0x9e3779b97f4a7c15U;
  std::uint64_t value = state_;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9U;
  value = (value ^ value >> 27) * 0x94d049bb133111ebU;
  return value ^ value >> 31;
}

void* next_function(const char* name) {
  void* found = ::dlsym(RTLD_NEXT, name);
  if (found == nullptr) std::abort();
  return found;
}

void start_threads(std::uint64_t seed) {
  chance = Random(seed);
  entropy = Random(~seed);
  pthread_key_create(&ended_key, end_thread);
  all.push_back(std::make_unique<Thread>());
  sem_init(&all.back()->baton, 0, 0);
  all.back()->handle = pthread_self();
  self = all.back().get();
}

bool simulated() {
  return self != nullptr && self->state != State::Ended;
}

void yield(Nanos spent) {
  clock_now += spent;
  if (chance.once_in(kRarely)) hand_over();
}

bool block(const void* key, Nanos deadline) {
  self->state = State::Blocked;
  self->key = key;
  self->deadline = deadline;
  hand_over();
  return !self->timed_out;
}

void wake(const void* key, bool one_or_all) {
  std::vector<Thread*> blocked;
  for (const auto& thread : all) {
    if (thread->state == State::Blocked && thread->key == key) blocked.push_back(thread.get());
  }
  if (blocked.empty()) return;
  if (one_or_all) {
    for (Thread* thread : blocked) make_runnable(*thread, false);
  } else {
    make_runnable(*blocked[chance.below(blocked.size())], false);
  }
}

void sleep_for(Nanos time) {
  block(nullptr, clock_now + time);
}

Nanos simulated_time() {
  return clock_now;
}

}  // namespace gw::simulation

using namespace gw::simulation;  // NOLINT: the functions below are not in a namespace

// The names on the left are not the ones that the system's headers declare, so that no attribute of
// a declaration applies here.
extern "C" {

int sim_create(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*) __asm__("pthread_create");
int sim_join(pthread_t, void**) __asm__("pthread_join");
int sim_mutex_lock(pthread_mutex_t*) __asm__("pthread_mutex_lock");
int sim_mutex_unlock(pthread_mutex_t*) __asm__("pthread_mutex_unlock");
int sim_read_lock(pthread_rwlock_t*) __asm__("pthread_rwlock_rdlock");
int sim_write_lock(pthread_rwlock_t*) __asm__("pthread_rwlock_wrlock");
int sim_rw_unlock(pthread_rwlock_t*) __asm__("pthread_rwlock_unlock");
int sim_cond_wait(pthread_cond_t*, pthread_mutex_t*) __asm__("pthread_cond_wait");
int sim_cond_timed(pthread_cond_t*, pthread_mutex_t*, const timespec*) __asm__("pthread_cond_timedwait");
int sim_cond_clock(pthread_cond_t*, pthread_mutex_t*, clockid_t,
                   const timespec*) __asm__("pthread_cond_clockwait");
int sim_cond_signal(pthread_cond_t*) __asm__("pthread_cond_signal");
int sim_cond_broadcast(pthread_cond_t*) __asm__("pthread_cond_broadcast");
int sim_sem_wait(sem_t*) __asm__("sem_wait");
int sim_sem_post(sem_t*) __asm__("sem_post");
long sim_syscall(long, ...) __asm__("syscall");
ssize_t sim_getrandom(void*, std::size_t, unsigned) __asm__("getrandom");
int sim_getentropy(void*, std::size_t) __asm__("getentropy");
pid_t sim_getpid() __asm__("getpid");
int sim_sched_yield() __asm__("sched_yield");
int sim_getcpu() __asm__("sched_getcpu");
int sim_clock(clockid_t, timespec*) __asm__("clock_gettime");
int sim_timeofday(timeval*, void*) __asm__("gettimeofday");
time_t sim_time(time_t*) __asm__("time");
int sim_nanosleep(const timespec*, timespec*) __asm__("nanosleep");
int sim_clock_nanosleep(clockid_t, int, const timespec*, timespec*) __asm__("clock_nanosleep");
int sim_usleep(useconds_t) __asm__("usleep");

int sim_create(pthread_t* handle, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) {
  static const auto next = next_function<decltype(sim_create)>("pthread_create");
  if (!simulated()) return next(handle, attributes, run, argument);
  all.push_back(std::make_unique<Thread>());
  Thread& thread = *all.back();
  sem_init(&thread.baton, 0, 0);
  thread.run = run;
  thread.argument = argument;
  const int result = next(handle, attributes, begin_thread, &thread);
  if (result != 0) {
    all.pop_back();
    return result;
  }
  thread.handle = *handle;
  yield(kLook);
  return 0;
}

int sim_join(pthread_t handle, void** value) {
  static const auto next = next_function<decltype(sim_join)>("pthread_join");
  if (!simulated()) return next(handle, value);
  for (std::size_t i = 0; i < all.size(); ++i) {
    Thread* thread = all[i].get();
    if (pthread_equal(thread->handle, handle) == 0) continue;
    while (thread->state != State::Ended) block(thread);
    const int result = next(handle, value);
    // The place in the list may have changed while this thread was blocked.
    std::erase_if(all, [&](const auto& each) { return each.get() == thread; });
    return result;
  }
  return next(handle, value);
}

int sim_mutex_lock(pthread_mutex_t* mutex) {
  static const auto next = next_function<decltype(sim_mutex_lock)>("pthread_mutex_lock");
  static const auto attempt = next_function<decltype(sim_mutex_lock)>("pthread_mutex_trylock");
  if (!simulated()) return next(mutex);
  return lock(mutex, [&] { return attempt(mutex); });
}

int sim_mutex_unlock(pthread_mutex_t* mutex) {
  static const auto next = next_function<decltype(sim_mutex_unlock)>("pthread_mutex_unlock");
  const int result = next(mutex);
  if (simulated()) wake(mutex);
  return result;
}

int sim_read_lock(pthread_rwlock_t* held) {
  static const auto next = next_function<decltype(sim_read_lock)>("pthread_rwlock_rdlock");
  static const auto attempt = next_function<decltype(sim_read_lock)>("pthread_rwlock_tryrdlock");
  if (!simulated()) return next(held);
  return lock(held, [&] { return attempt(held); });
}

int sim_write_lock(pthread_rwlock_t* held) {
  static const auto next = next_function<decltype(sim_write_lock)>("pthread_rwlock_wrlock");
  static const auto attempt = next_function<decltype(sim_write_lock)>("pthread_rwlock_trywrlock");
  if (!simulated()) return next(held);
  return lock(held, [&] { return attempt(held); });
}

int sim_rw_unlock(pthread_rwlock_t* held) {
  static const auto next = next_function<decltype(sim_rw_unlock)>("pthread_rwlock_unlock");
  const int result = next(held);
  if (simulated()) wake(held);
  return result;
}

int sim_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  static const auto next = next_function<decltype(sim_cond_wait)>("pthread_cond_wait");
  if (!simulated()) return next(condition, mutex);
  return wait_on(condition, mutex, kNever);
}

int sim_cond_timed(pthread_cond_t* condition, pthread_mutex_t* mutex, const timespec* deadline) {
  static const auto next = next_function<decltype(sim_cond_timed)>("pthread_cond_timedwait");
  if (!simulated()) return next(condition, mutex, deadline);
  return wait_on(condition, mutex, deadline_of(CLOCK_REALTIME, *deadline));
}

int sim_cond_clock(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                   const timespec* deadline) {
  static const auto next = next_function<decltype(sim_cond_clock)>("pthread_cond_clockwait");
  if (!simulated()) return next(condition, mutex, clock, deadline);
  return wait_on(condition, mutex, deadline_of(clock, *deadline));
}

int sim_cond_signal(pthread_cond_t* condition) {
  static const auto next = next_function<decltype(sim_cond_signal)>("pthread_cond_signal");
  if (!simulated()) return next(condition);
  wake(condition, false);
  return 0;
}

int sim_cond_broadcast(pthread_cond_t* condition) {
  static const auto next = next_function<decltype(sim_cond_broadcast)>("pthread_cond_broadcast");
  if (!simulated()) return next(condition);
  wake(condition);
  return 0;
}

int sim_sem_wait(sem_t* semaphore) {
  static const auto next = next_function<decltype(sim_sem_wait)>("sem_wait");
  static const auto attempt = next_function<decltype(sim_sem_wait)>("sem_trywait");
  if (!simulated()) return next(semaphore);
  return lock(semaphore, [&] { return attempt(semaphore) == 0 ? 0 : EBUSY; });
}

int sim_sem_post(sem_t* semaphore) {
  static const auto next = next_function<decltype(sim_sem_post)>("sem_post");
  const int result = next(semaphore);
  if (simulated()) wake(semaphore);
  return result;
}

// The C++ library waits for futures and for static variables by futex(2).
long sim_syscall(long number, ...) {
  static const auto next = next_function<decltype(sim_syscall)>("syscall");
  va_list list;
  va_start(list, number);
  long given[6];
  for (long& each : given) each = va_arg(list, long);
  va_end(list);
  if (simulated() && number == SYS_getrandom) {
    fill_randomly(reinterpret_cast<void*>(given[0]), static_cast<std::size_t>(given[1]));
    return given[1];
  }
  if (!simulated() || number != SYS_futex)
    return next(number, given[0], given[1], given[2], given[3], given[4], given[5]);
  auto* word = reinterpret_cast<unsigned*>(given[0]);
  const long operation = given[1] & FUTEX_CMD_MASK;
  if (operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET) {
    if (*word != static_cast<unsigned>(given[2])) {
      errno = EAGAIN;
      return -1;
    }
    Nanos deadline = kNever;
    if (const auto* limit = reinterpret_cast<const timespec*>(given[3]); limit != nullptr) {
      const bool wall = (given[1] & FUTEX_CLOCK_REALTIME) != 0;
      deadline = operation == FUTEX_WAIT ? clock_now + nanos(*limit)
                                         : deadline_of(wall ? CLOCK_REALTIME : CLOCK_MONOTONIC, *limit);
    }
    if (block(word, deadline)) return 0;
    errno = ETIMEDOUT;
    return -1;
  }
  wake(word);
  return 1;
}

// Ids and keys order records, and the length of a signature depends on it.
ssize_t sim_getrandom(void* data, std::size_t size, unsigned flags) {
  static const auto next = next_function<decltype(sim_getrandom)>("getrandom");
  if (!simulated()) return next(data, size, flags);
  fill_randomly(data, size);
  return static_cast<ssize_t>(size);
}

int sim_getentropy(void* data, std::size_t size) {
  static const auto next = next_function<decltype(sim_getentropy)>("getentropy");
  if (!simulated()) return next(data, size);
  fill_randomly(data, size);
  return 0;
}

// A vault's lock file has it as text, whose length differed between runs.
pid_t sim_getpid() {
  static const auto next = next_function<decltype(sim_getpid)>("getpid");
  return simulated() ? 1000 : next();
}

int sim_sched_yield() {
  static const auto next = next_function<decltype(sim_sched_yield)>("sched_yield");
  if (!simulated()) return next();
  clock_now += kLook;
  hand_over();
  return 0;
}

// RocksDB chooses among copies of its structures by it.
int sim_getcpu() {
  static const auto next = next_function<decltype(sim_getcpu)>("sched_getcpu");
  return simulated() ? 0 : next();
}

int sim_clock(clockid_t clock, timespec* time) {
  static const auto next = next_function<decltype(sim_clock)>("clock_gettime");
  if (!simulated()) return next(clock, time);
  clock_now += kLook;
  *time = spec(clock == CLOCK_REALTIME ? kWallStart + clock_now : clock_now);
  return 0;
}

int sim_timeofday(timeval* time, void* zone) {
  static const auto next = next_function<decltype(sim_timeofday)>("gettimeofday");
  if (!simulated()) return next(time, zone);
  clock_now += kLook;
  const timespec now = spec(kWallStart + clock_now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t sim_time(time_t* time) {
  static const auto next = next_function<decltype(sim_time)>("time");
  if (!simulated()) return next(time);
  const time_t now = spec(kWallStart + clock_now).tv_sec;
  if (time != nullptr) *time = now;
  return now;
}

int sim_nanosleep(const timespec* time, timespec* left) {
  static const auto next = next_function<decltype(sim_nanosleep)>("nanosleep");
  if (!simulated()) return next(time, left);
  sleep_for(nanos(*time));
  return 0;
}

int sim_clock_nanosleep(clockid_t clock, int flags, const timespec* time, timespec* left) {
  static const auto next = next_function<decltype(sim_clock_nanosleep)>("clock_nanosleep");
  if (!simulated()) return next(clock, flags, time, left);
  const bool absolute = (flags & TIMER_ABSTIME) != 0;
  block(nullptr, absolute ? deadline_of(clock, *time) : clock_now + nanos(*time));
  return 0;
}

int sim_usleep(useconds_t time) {
  static const auto next = next_function<decltype(sim_usleep)>("usleep");
  if (!simulated()) return next(time);
  sleep_for(static_cast<Nanos>(time) * 1000);
  return 0;
}

}  // extern "C"
