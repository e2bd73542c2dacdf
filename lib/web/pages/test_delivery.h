// Sends a test mail to a mailbox through an SMTP server of this host and looks for it in the
// mailbox.
//
// The server is one that gw.toml(5) names, never one that a user names, so that the console cannot
// be used to reach other hosts.
#pragma once

#include <string>
#include <vector>

#include "smtpd/test_delivery.h"
#include "web/context.h"

namespace gw::web {

// Returns the listeners of gw-smtpd on this host as gw.toml states them, for example
// `0.0.0.0:465,tls`; 127.0.0.1:25 if it states none. Never empty.
std::vector<std::string> own_smtp_servers(const Console& console);

// Delivers the mail and waits for the result. `server` is one of own_smtp_servers(). A delivery
// that the server refuses is a result, not an error. Fails with the error of the store.
Result<smtpd::MailboxTest> run_test_delivery(const Context& context, const store::MailboxRecord& mailbox,
                                             const std::string& server);

}  // namespace gw::web
