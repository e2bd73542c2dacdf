// What all parts of an open RadosStore share: the cluster, the keeper's incarnation, and what happens
// when the store must not go on.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "store/rados/cluster.h"
#include "store/store.h"

namespace gw::store::rados {

// Thread-safe.
class Context {
 public:
  Context(Cluster& on, const VaultId& of, std::string incarnation, std::function<Micros()> time,
          std::function<void(const Error&)> failed)
      : cluster(on),
        vault(of),
        inc(std::move(incarnation)),
        clock(std::move(time)),
        failed_(std::move(failed)) {}

  Cluster& cluster;
  const VaultId vault;
  const std::string inc;
  const std::function<Micros()> clock;  // for leaves
  std::atomic<std::uint64_t> queued = 0;

  // Returns the error for an operation that is not Done, as `what: why`. Unavailable if nothing else
  // fits; for a write that may have been done the caller decides. The store fails if this client has
  // been shut out.
  Error error(const Reply& reply, std::string_view what);
  // Refuses every change from now on, and calls `failed` the first time.
  void fail(const Error& why);
  // Returns the error that any change would get now.
  std::optional<Error> refusal() const;
  bool has_failed() const;
  // Refuses changes, but the store has not failed.
  void close();

  void count_sync(std::chrono::steady_clock::duration took);
  SyncHistogram syncs() const;

 private:
  const std::function<void(const Error&)> failed_;
  mutable std::mutex mutex_;
  std::optional<Error> refusal_;
  bool has_failed_ = false;
  SyncHistogram syncs_;
};

}  // namespace gw::store::rados
