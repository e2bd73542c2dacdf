// Session ids. The log lines of all programs, the envelope and the history carry the session id of
// a connection; a mail's transaction id is the session id, a dot and a number (`4k2…9x.1`).
#pragma once

#include <string>

namespace gw::daemon {

// Returns a new session id: 50 random bits as 10 lower-case letters and digits (without i, l, o and
// u). It is unique for practical purposes and safe in file names and log lines.
std::string new_session_id();

}  // namespace gw::daemon
