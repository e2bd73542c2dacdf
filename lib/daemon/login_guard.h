// Slows down password guessing on one connection.
//
//   LoginGuard guard(limits, store, peer);
//   guard.wait();                          // before each attempt
//   ... check the password ...
//   if (wrong && guard.wrong()) close();   // or guard.right()
//
// A source with recent wrong passwords waits before its next attempt is checked, and a connection
// ends after ThrottlePolicy::per_session wrong passwords. The process counts failures itself and, if
// the keeper can be reached, the keeper counts them for all processes: with inetd or systemd's
// Accept=yes each connection is a process of its own that remembers nothing. The longer of the two
// waits applies.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/login_throttle.h"
#include "store/store.h"

namespace gw::daemon {

// Used by the thread of the connection only; `limits` itself is thread safe.
class LoginGuard {
 public:
  // `limits` is shared by all connections; if it is null, nothing is limited or counted. `limits`
  // and `store` must outlive this object. `peer` is the address of the client; addresses of one
  // IPv6 /64 are one source.
  LoginGuard(net::LoginThrottle* limits, const std::function<Result<store::Store*>()>& store,
             std::string_view peer);

  // Waits for as long as the source has to wait before its next attempt. Returns early when the
  // process is asked to stop.
  void wait();
  // Counts a wrong password. Returns true if the connection has used up its attempts and must be
  // closed.
  bool wrong();
  // Records a correct password, which makes both counters forget the failures of the source.
  void right();

 private:
  std::chrono::milliseconds tell_keeper(store::Guess guess);

  net::LoginThrottle* limits_;
  const std::function<Result<store::Store*>()>& store_;
  std::string source_;
  std::size_t wrong_ = 0;  // wrong passwords on this connection
};

}  // namespace gw::daemon
