// The operations that each socket allows, as one table (gw-keeper(7), "Sockets").
//
// The file permissions of the sockets decide which processes can connect to which socket; this
// table decides which requests are allowed on it.
#pragma once

#include <string_view>

#include "keeper/protocol.pb.h"
#include "keeper/start.h"

namespace gw::keeper {

// Returns whether `request` may be made on the socket of that role. Some operations depend on the
// fields: the drain socket, for instance, allows only transitions to drained under a lease.
bool allowed(Role role, const proto::Request& request);

// Returns the operation's name for the log, e.g. `put-mailbox`, or `unknown`.
std::string_view name(proto::Op op);
// Returns whether the request may carry a record, so that its control frame may have kMaxControl
// bytes instead of kMaxPlainControl.
bool carries_record(proto::Op op);
// Returns whether the operation may change mailboxes or other records, so that cached lookups of
// clients become invalid (ChangeCounter).
bool changes_records(proto::Op op);

}  // namespace gw::keeper
