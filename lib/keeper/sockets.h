// The keeper's sockets as files: RUN/append, RUN/drain, RUN/admin. Paths of any length (a sockaddr_un holds
// 107 octets).
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace gw::keeper {

// Connected to the socket `file` in `folder`. NotFound: there is no such socket, or nobody listens there any
// more. Denied: its permissions.
Result<Fd> connect_to(const std::string& folder, const std::string& file);

// Bound and listening, with this mode. A socket that is there already is removed first: the caller has made
// sure that nobody serves it.
Result<Fd> listen_at(const std::string& folder, const std::string& file, unsigned mode);

}  // namespace gw::keeper
