// What a connection does about guesses of passwords: it waits before a try of a source with wrong ones is
// judged, and ends after a few wrong ones of its own.
//
// Wrong passwords are counted by the process and, where the keeper can be reached, by the keeper for all
// processes: with inetd and Accept=yes each connection is a process. The longer of both waits counts.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/auth_limits.h"
#include "store/store.h"

namespace gw::gate {

class LoginGuard {
 public:
  // `limits` is shared by the connections; null: nothing is limited. Both outlive this.
  LoginGuard(net::AuthLimits* limits, const std::function<Result<store::Store*>()>& store,
             std::string_view peer);

  // Before a try is judged. Returns early when the process is asked to stop.
  void wait();
  // The try was wrong. Returns whether it was the connection's last.
  bool wrong();
  void right();

 private:
  std::chrono::milliseconds tell_keeper(store::Guess guess);

  net::AuthLimits* limits_;
  const std::function<Result<store::Store*>()>& store_;
  std::string source_;
  std::size_t wrong_ = 0;
};

}  // namespace gw::gate
