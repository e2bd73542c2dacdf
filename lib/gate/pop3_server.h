// One POP3 connection: the session (pop3/session.h), the network and the vault joined.
//
// Login opens the mailbox's password slot and takes its lease: numbers and sizes are as of then. RETR and TOP
// open, check and send a message chunk by chunk in constant memory. Nothing is deleted before QUIT, and at
// QUIT all or none. A lost connection, a silence over the timeout, and a stop of the process delete nothing.
//
// What it answers for our own troubles (RFC 2449, RFC 3206):
//   [AUTH]      unknown mailbox or wrong password: the same text after the same work
//   [IN-USE]    another session drains the mailbox, and is not silent
//   [SYS/TEMP]  keeper not there, too many logins at once, deletion not done
//   [SYS/PERM]  this one message cannot be opened; the session goes on
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "gate/auth_limits.h"
#include "gate/login_patience.h"
#include "gate/session_tally.h"
#include "net/stream.h"
#include "net/tls.h"
#include "store/store.h"

namespace gw::gate {

struct Pop3Service {
  std::string host;
  // The vault, asked for at each login; the store outlives the connection.
  std::function<Result<store::Store*>()> store;
  Report report;  // where sessions say what they did
  // Certificates in force. Empty: there are none, and STLS is not offered.
  std::function<Result<std::shared_ptr<const net::ServerTls>>()> tls;
  AuthLimits* limits = nullptr;  // shared by the connections; none: no waits
  LoginLimits login;
  std::chrono::seconds idle_timeout{600};
  std::chrono::seconds handshake_timeout{30};
  std::chrono::seconds lease{20 * 60};
  // A session that has neither received nor sent an octet for so long loses the mailbox to the next login.
  std::chrono::seconds silence{60};
  std::function<BootClock::time_point()> clock = BootClock::now;  // the lease is renewed by it
  bool allow_plaintext_auth = false;                              // for local peers only
};

// Serves the connection until it ends. With `implicit_tls` it begins with a handshake.
void serve_pop3(net::Stream stream, bool implicit_tls, const Pop3Service& service);

}  // namespace gw::gate
