// A RADOS cluster in memory for tests, with faults. It keeps the objects; each client() is one
// Cluster, as each keeper has one.
//
//   const auto rados = std::make_shared<MemoryRados>();
//   auto store = open_rados_store(rados->client(), options);
//   rados->hook([&](const MemoryRados::Call& call) {
//     return call.number == 7 && call.when == Call::After ? Verdict{.outcome = Outcome::Unanswered} : Verdict{};
//   });
//
// All operations take effect in the order in which they are started, except those that a hook
// delays. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "store/rados/cluster.h"

namespace gw::store {

class MemoryRados : public std::enable_shared_from_this<MemoryRados> {
 public:
  // What a client is about to do, or has just done.
  struct Call {
    enum When { Before, After } when = Before;
    std::uint64_t number = 0;  // of the operation, over all clients, from 0; counts writes and locks only
    std::uint64_t client = 0;  // the first one is 1
    std::string_view what;     // `write`, `read`, `lock`, `unlock`, `break`, `list`
    Pool pool = Pool::Meta;
    std::string_view object;
    const WriteOp* op = nullptr;  // of a write
  };
  struct Verdict {
    // Before: the operation is not done and ends like this. After: it was done and ends like this.
    std::optional<Outcome> outcome = std::nullopt;
    // The client is dead from now on, as if its process had been killed: nothing that it starts later
    // is done, and every operation ends with Shut.
    bool stop = false;
    // Before a write: it is not done now but in release(), if its conditions are then met. It ends
    // with Unanswered.
    bool delay = false;
    bool release = false;  // Before: the delayed writes are done first
  };
  // Called with a mutex held: it must not use the cluster. Reads are shown too; their number is that of
  // the next write.
  using Hook = std::function<Verdict(const Call&)>;

  // `clock` is the clock of the cluster, by which locks end.
  explicit MemoryRados(std::function<BootClock::time_point()> clock = BootClock::now);
  ~MemoryRados();
  MemoryRados(const MemoryRados&) = delete;
  MemoryRados& operator=(const MemoryRados&) = delete;

  // Returns a new client. It keeps the cluster alive.
  std::unique_ptr<Cluster> client();

  void hook(Hook hook);  // replaces the former one; null removes it
  // Does the delayed writes, in their order.
  void release();
  // Writes that create an object or make its content longer end with Full, unless
  // WriteOp::although_full is set.
  void fill(bool full);
  void fence(std::uint64_t client);  // its operations end with Shut from now on

  std::uint64_t writes() const;  // number of the next operation
  // Objects by pool and name, to look for what should not be there.
  std::vector<std::string> names(Pool pool) const;
  std::optional<std::string> data(Pool pool, const std::string& object) const;
  Pairs pairs(Pool pool, const std::string& object) const;
  // Replaces the content, or removes the object if it is nullopt. For tests of damage.
  void damage(Pool pool, const std::string& object, std::optional<std::string> data);

 private:
  friend class MemoryCluster;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gw::store
