#include "gate/login_guard.h"

#include <algorithm>

#include "base/log.h"
#include "net/limits.h"
#include "net/serve.h"

namespace gw::gate {

using std::chrono::milliseconds;

LoginGuard::LoginGuard(net::AuthLimits* limits, const std::function<Result<store::Store*>()>& store,
                       std::string_view peer)
    : limits_(limits), store_(store), source_(net::source_of(peer)) {}

void LoginGuard::wait() {
  if (limits_ == nullptr) return;
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

// Without a keeper the process's own count holds; whether the login then goes on is for others to say.
milliseconds LoginGuard::tell_keeper(store::Guess guess) {
  const Result<store::Store*> store = store_();
  if (!store) return milliseconds(0);
  const Result<milliseconds> wait = (*store)->guess(source_, guess);
  if (wait) return *wait;
  log::verbose("guess not counted", {{"source", source_}, {"reason", wait.error().text()}});
  return milliseconds(0);
}

}  // namespace gw::gate
