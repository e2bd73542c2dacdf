// Who may do what: the operations of each socket, as data (vault.md section 4).
//
// The file permissions of the sockets decide who reaches which; this table decides what may be asked there.
#pragma once

#include <string_view>

#include "keeper/protocol.pb.h"
#include "keeper/start.h"

namespace gw::keeper {

// Whether `request` may be made on the socket of that role.
bool allowed(Role role, const proto::Request& request);

std::string_view name(proto::Op op);  // `put-mailbox`, for the log
// Whether the request or its answer carries a record: then its control frame may be larger.
bool carries_record(proto::Op op);
// Whether something that a client had looked up may not hold any more.
bool changes_records(proto::Op op);

}  // namespace gw::keeper
