// Unix sockets in a directory: RUN/append, RUN/drain, RUN/admin and RUN/metrics. The directory's
// path may be of any length, although a sockaddr_un holds only 107 bytes.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace gw::keeper {

// Returns a blocking socket that is connected to `folder`/`file`. Fails with NotFound if there is
// no such socket or no process listens on it, and with Denied if its permissions forbid it.
Result<Fd> connect_to(const std::string& folder, const std::string& file);

// Returns a listening socket `folder`/`file` with the permissions `mode`. Replaces a socket that
// exists: the caller must hold the vault lock or otherwise know that no process serves it. Fails
// with Exists if something else than a socket has that name.
Result<Fd> listen_at(const std::string& folder, const std::string& file, unsigned mode);

}  // namespace gw::keeper
