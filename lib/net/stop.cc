// Requests to stop and to reload. The signal handlers only write to an eventfd, since little else
// is safe in a handler (signal-safety(7)); threads wait for it.
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <utility>

#include "base/log.h"
#include "net/serve.h"

namespace gw::net {
namespace {

std::atomic<std::int64_t> stop_time{0};  // nanoseconds of the steady clock; 0: not requested

int make_bell() {
  const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) {
    log::error("eventfd failed", {{"reason", Error::from_errno("eventfd").text()}});
    // Without it no connection would ever notice a stop request.
    std::abort();
  }
  return fd;
}

void ring(int bell) {
  // The handler interrupts code that may be about to read errno.
  const int saved = errno;
  const std::uint64_t one = 1;
  (void)!::write(bell, &one, sizeof one);
  errno = saved;
}

bool silence(int bell) {
  std::uint64_t count = 0;
  return ::read(bell, &count, sizeof count) == sizeof count;
}

void handle(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  // Interrupted calls continue; waiting threads are woken by the eventfd instead.
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(number, &action, nullptr);
}

// Never destroyed, because the reload thread may still use it after main has returned.
struct Reload {
  std::mutex mutex;
  std::function<void()> action;  // null: a SIGHUP does nothing
  bool thread = false;           // reload_forever() has a thread
  int bell = make_bell();
};
Reload& reload_state() {
  static auto* state = new Reload;
  return *state;
}

void on_stop_signal(int) {
  stop::request();
}
void on_reload_signal(int) {
  ring(reload_state().bell);
}

void reload_forever() {
  Reload& state = reload_state();
  for (;;) {
    pollfd item{state.bell, POLLIN, 0};
    // Several signals before this point add up in the eventfd and cause one reload.
    if (::poll(&item, 1, -1) <= 0 || !silence(state.bell)) continue;
    const std::scoped_lock lock(state.mutex);
    if (!state.action) continue;
    // Type=notify-reload units require the time with RELOADING=1 (sd_notify(3)).
    const auto monotonic = std::chrono::steady_clock::now().time_since_epoch();
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(monotonic).count();
    notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(micros));
    state.action();
    notify("READY=1");
  }
}

}  // namespace

namespace stop {

void install() {
  (void)descriptor();  // creates the eventfd now: the handler must not run a static initialiser
  handle(SIGTERM, on_stop_signal);
  handle(SIGINT, on_stop_signal);
  handle(SIGPIPE, SIG_IGN);
}

void request() {
  std::int64_t none = 0;
  // Only the first request sets the time from which grace periods count.
  stop_time.compare_exchange_strong(none, std::chrono::steady_clock::now().time_since_epoch().count());
  ring(descriptor());
}

bool requested() {
  return stop_time.load() != 0;
}

int descriptor() {
  static const int bell = make_bell();
  return bell;
}

std::chrono::steady_clock::time_point time() {
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(stop_time.load()));
}

void wait(std::chrono::milliseconds time) {
  pollfd stop{descriptor(), POLLIN, 0};
  (void)::poll(&stop, 1, static_cast<int>(time.count()));
}

void withdraw() {
  stop_time = 0;
  (void)silence(descriptor());
}

}  // namespace stop

void on_reload(std::function<void()> reload) {
  if (!reload) ::signal(SIGHUP, SIG_IGN);
  Reload& state = reload_state();
  bool first = false;
  {
    const std::scoped_lock lock(state.mutex);
    state.action = std::move(reload);
    if (!state.action) {
      (void)silence(state.bell);  // a SIGHUP that came before is not for the next function
      return;
    }
    first = !std::exchange(state.thread, true);
  }
  // The handler is installed last, after the thread and the eventfd exist. Until then the caller
  // keeps SIGHUP ignored.
  if (first) std::thread(reload_forever).detach();
  handle(SIGHUP, on_reload_signal);
}

}  // namespace gw::net
