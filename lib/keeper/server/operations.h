// The operations that hold nothing on their connection: a request, the Store's method, the reply.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "keeper/protocol.pb.h"
#include "store/store.h"

namespace gw::keeper {

// Fills in `reply`; an error is the answer instead. A list calls `page` whenever `reply` has grown to a page:
// it sends and empties it, and false means that there is nobody to send to. `actor` already begins with uid
// and socket; `public_only` leaves out what only an administrator sees of a mailbox.
Result<void> operate(store::Store& store, const proto::Request& request, const std::string& actor,
                     bool public_only, proto::Reply& reply, const std::function<bool()>& page);

}  // namespace gw::keeper
