// The keeper's numbers on a socket of their own, for a collector that is to see them and nothing else.
//
// A plain HTTP GET of /metrics is answered with OpenMetrics; every other request is refused, nothing that a
// client sends is kept, and the connection is closed behind the answer. One thread serves one connection at a
// time, so that whoever asks takes that thread and no more from the keeper: a head may have 8 KiB and two
// seconds, and who asks again within a second gets the same numbers.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace gw::gate {

class MetricsSocket {
 public:
  using Numbers = std::function<Result<std::string>()>;  // with the `# EOF` that ends them

  // Serves `listener` from now on. `path` is removed at the end; empty: it is the service manager's.
  MetricsSocket(Fd listener, std::string path, Numbers numbers);
  ~MetricsSocket();  // waits for the connection in hand: a few seconds at most
  MetricsSocket(const MetricsSocket&) = delete;
  MetricsSocket& operator=(const MetricsSocket&) = delete;

 private:
  void run();
  void answer(Fd connection);
  Result<std::string> fresh();

  Fd listener_;
  std::string path_;
  Numbers numbers_;
  Fd wake_;  // an eventfd: readable once this is to end
  std::string last_;
  BootClock::time_point made_;
  std::thread thread_;
};

}  // namespace gw::gate
