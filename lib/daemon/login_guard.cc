#include "daemon/login_guard.h"

#include <algorithm>

#include "base/log.h"
#include "net/limits.h"
#include "net/serve.h"

namespace gw::daemon {

using std::chrono::milliseconds;

LoginGuard::LoginGuard(net::LoginThrottle* limits, const std::function<Result<store::Store*>()>& store,
                       std::string_view peer)
    : limits_(limits), store_(store), source_(net::source_of(peer)) {}

void LoginGuard::wait() {
  if (limits_ == nullptr) return;
  // Ask the keeper even if the process knows a wait: under inetd only the keeper remembers
  // failures.
  net::stop::wait(std::max(limits_->wait(source_), tell_keeper(store::Guess::Next)));
}

bool LoginGuard::wrong() {
  if (limits_ == nullptr) return false;
  limits_->failed(source_);
  tell_keeper(store::Guess::Wrong);
  return ++wrong_ >= limits_->policy().per_session;
}

void LoginGuard::right() {
  if (limits_ == nullptr) return;
  limits_->succeeded(source_);
  tell_keeper(store::Guess::Right);
}

// Tells the keeper about an attempt and returns the wait that it asks for; 0 if it cannot be asked.
// A failure is not an error here: the process still has its own count, and the caller finds out for
// itself whether a login is possible without the keeper.
milliseconds LoginGuard::tell_keeper(store::Guess guess) {
  const Result<store::Store*> store = store_();
  if (!store) return milliseconds(0);
  const Result<milliseconds> wait = (*store)->guess(source_, guess);
  if (wait) return *wait;
  log::verbose("failed login not counted", {{"source", source_}, {"reason", wait.error().text()}});
  return milliseconds(0);
}

}  // namespace gw::daemon
