// Starts the keeper for a process that may soon start nothing any more (confine/sandbox.h).
//
// A child is made while that is still allowed. It holds none of its parent's descriptors, waits for a word,
// does what connect() does to have a keeper, and ends with its parent. So it must be made before the parent
// holds keys.
#pragma once

#include <functional>
#include <memory>
#include <mutex>

#include "base/fd.h"
#include "base/result.h"
#include "keeper/start.h"

namespace gw::keeper {

// Whether this process, as `user`, may be one that starts the keeper of this vault (vault.md section 4). True
// if the vault is not there.
bool may_start(const Place& place, uid_t user);

class Starter {
 public:
  // `before` is what the child does first, as to become another user. Call while there is one thread.
  static Result<std::shared_ptr<Starter>> make(const Place& place,
                                               const std::function<Result<void>()>& before);

  // Returns when a keeper listens. From any thread.
  Reached<void> start();

 private:
  explicit Starter(Fd channel) : channel_(std::move(channel)) {}

  Fd channel_;
  std::mutex mutex_;
};

}  // namespace gw::keeper
