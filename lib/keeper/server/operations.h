// The operations that hold nothing for the connection: each is one request, one call of the Store,
// and the reply. Appends, leases, permits, snapshots and suspensions are in session_mail.cc and
// session_holds.cc.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "keeper/protocol.pb.h"
#include "store/store.h"

namespace gw::keeper {

// Carries out `request` and fills in `reply`; an error is sent in place of the reply. For a list,
// `page` is called whenever `reply` has grown to about kPage bytes: it sends and empties the reply,
// and returns false if the client has gone, in which case the list ends early.
//
// `actor` is what histories record; it begins with the user and the socket, which the keeper knows
// for certain. With `public_only`, fields of a mailbox that only administrators may see are left
// out. The caller has checked that the role may make this request (roles.h). Fails with BadInput if
// a field is malformed or the operation is unknown.
Result<void> operate(store::Store& store, const proto::Request& request, const std::string& actor,
                     bool public_only, proto::Reply& reply, const std::function<bool()>& page);

}  // namespace gw::keeper
