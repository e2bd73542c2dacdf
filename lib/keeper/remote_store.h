// The Store over the keeper's socket.
//
// Every operation is one round trip on a connection of a small pool, but for a recipient that was looked up a
// moment ago and cannot have changed since (lookups.h); so is a whole append of up to 64 KiB,
// which is sent when it commits. A larger one streams: its put() does not wait for an answer, but learns of a
// refusal that has arrived. A lost connection means
//   Unavailable  for what only reads, and where the request was not sent completely;
//   Unknown      for a change whose answer did not come;
//   LeaseLost    for every use of a lease that was taken on it.
// A keeper that cannot be reached is Unavailable, whatever the cause (reached.h). NotFound, Denied and
// Corrupt are always an answer of the keeper. Where the socket was one that an ended keeper had left behind,
// the operation is first tried anew by itself.
#pragma once

#include <memory>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "keeper/reached.h"
#include "store/store.h"

namespace gw::keeper {

struct RemoteOptions {
  // Returns a new connected socket of one role; called whenever one is needed, from any thread. May start
  // the keeper.
  std::function<Reached<Fd>()> dial;
  std::string tool;  // what this client says it is: the actor of what names none
};

// Connects once, and fails where that fails.
Result<std::unique_ptr<store::Store>> make_remote_store(RemoteOptions options);

}  // namespace gw::keeper
