// A Store that passes every operation to the keeper over its Unix socket.
//
// An operation is one round trip on a connection of a small pool. There are two exceptions: RCPT TO
// lookups may be served from a cache (recipient_cache.h), and an append is sent as a whole at its commit if
// the container has at most 64 KiB. A larger container is streamed: put() does not wait for a
// reply, but fails if a refusal has already arrived.
//
// Errors of a lost connection are
//   Unavailable  if the operation only reads, or the request was not sent completely;
//   Unknown      if a change was requested and the reply did not arrive (perhaps done);
//   LeaseLost    for every use of a lease that was acquired on this connection.
// A keeper that cannot be reached is Unavailable, whatever the cause (reached.h). NotFound, Denied
// and Corrupt always come from the keeper. If an idle connection leads to a keeper that has ended,
// the operation is repeated on a new one before any error is returned.
#pragma once

#include <memory>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "keeper/reached.h"
#include "store/store.h"

namespace gw::keeper {

struct RemoteOptions {
  // Returns a new connected socket of one role. Called from any thread, whenever the pool needs a
  // connection. May start the keeper.
  std::function<Reached<Fd>()> dial;
  // Names this client, e.g. `gw-smtpd`. Histories record it as the actor of a change that names no
  // actor.
  std::string tool;
};

// Returns a Store whose keeper has been reached once. Fails with Unavailable if it cannot be
// reached.
Result<std::unique_ptr<store::Store>> make_remote_store(RemoteOptions options);

}  // namespace gw::keeper
