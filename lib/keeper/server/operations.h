// The operations of the protocol, as one table: which sockets allow them (gw-keeper(7), "Sockets"),
// and which handler of Session carries them out.
//
// The file permissions of the sockets decide which processes can connect to which socket; this
// table decides which requests are allowed on it.
#pragma once

#include <string_view>

#include "base/result.h"
#include "keeper/protocol.pb.h"
#include "keeper/start.h"

namespace gw::keeper {

class Session;

struct Operation {
  // Returns whether a request may be made. Some operations depend on the fields: the drain socket,
  // for instance, allows only transitions to drained or quarantined under a lease.
  using Condition = bool (*)(const proto::Request&);
  // Carries out the session's request and fills in its reply, or fails with what to reply instead.
  using Handler = Result<void> (*)(Session&);

  proto::Request::OperationCase operation;
  std::string_view name;  // for the log and for error texts, e.g. `put-mailbox`
  Condition append;       // for the append socket
  Condition drain;        // for the drain socket; the admin socket allows everything
  Handler handle;
  // The request may carry a record, so its control frame may have kMaxControl bytes instead of
  // kMaxPlainControl.
  bool record = false;
  // It may change mailboxes or other records, so cached lookups of clients become invalid
  // (ChangeCounter). Commits and transitions do not: cached recipients do not depend on messages.
  bool changes_records = false;
};

// Returns the operation with this number, or null if there is none.
const Operation* operation_of(proto::Request::OperationCase operation);
// Returns whether the request, which is one for `operation`, may be made on the socket of that role.
bool allowed(Role role, const Operation& operation, const proto::Request& request);

}  // namespace gw::keeper
