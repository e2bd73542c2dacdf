// One POP3 connection of gw-pop3d: joins the session (pop3/session.h), the network and the vault.
//
// The login opens the mailbox's password slot and acquires its lease; message numbers and sizes are
// those of that moment. RETR and TOP open, check and send a message chunk by chunk in constant
// memory. Messages are deleted at QUIT only, and then all or none (RFC 1939, section 6). A lost
// connection, an idle timeout and a stop of the process delete nothing.
//
// Response codes of errors (RFC 2449, RFC 3206):
//   [AUTH]      unknown mailbox or wrong password: the same text after the same work, so that a
//               client cannot find out which mailboxes exist
//   [IN-USE]    another session holds the lease and has moved bytes recently
//   [SYS/TEMP]  the keeper cannot be reached, too many logins run at the same time, or a deletion
//               failed
//   [SYS/PERM]  this message or mailbox cannot be opened; for a message the session goes on
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "daemon/login_timeout.h"
#include "daemon/session_stats.h"
#include "net/login_throttle.h"
#include "net/stream.h"
#include "net/tls.h"
#include "store/store.h"

namespace gw::pop3d {

// The settings and objects that all connections share. The functions are called from the threads of
// all connections at the same time. The object, and everything that it points to, must outlive
// every connection.
struct Pop3Service {
  std::string host;  // name of this server, for the greeting
  // Returns the vault's store. Called at each login; the store must outlive the connection.
  std::function<Result<store::Store*>()> store;
  daemon::Report report;  // receives the statistics of each session; may be null
  // Returns the current certificates. Null: there are none, and STLS is not offered.
  std::function<Result<std::shared_ptr<const net::ServerTls>>()> tls;
  net::LoginThrottle* limits = nullptr;    // null: wrong passwords cause no wait
  daemon::LoginLimits login;               // time that a client has to log in
  std::chrono::seconds idle_timeout{600};  // for one read or write; RFC 1939 asks for 10 minutes
  std::chrono::seconds handshake_timeout{30};
  std::chrono::seconds lease{20 * 60};  // validity of the lease without a renewal
  // A session that has neither received nor sent a byte for this long loses the lease to the next
  // login. Such a session is usually a client whose network has gone and that connects again.
  std::chrono::seconds silence{60};
  std::function<BootClock::time_point()> clock = BootClock::now;  // times the renewals; for tests
  // Permits login without TLS, for peers on loopback, Unix sockets and pipes only.
  bool allow_plaintext_auth = false;
};

// Serves one connection on the calling thread and returns when it has ended. With `implicit_tls`
// the connection begins with a TLS handshake. Never fails: errors are replied to the client and
// logged.
void serve_pop3(net::Stream stream, bool implicit_tls, const Pop3Service& service);

}  // namespace gw::pop3d
