// The policy of gw-smtpd for each RCPT: which client may send to which mailbox.
//
// The functions are pure: they use their arguments only, and may be called from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "smtp/refusals.h"
#include "store/store.h"

namespace gw::smtpd {

// What is known about the client at the time of the RCPT. `peer` must stay valid during the call.
struct SmtpClient {
  std::string_view peer;                   // IP address; empty if unknown (pipe, Unix socket)
  bool tls = false;                        // the session uses TLS
  std::optional<MailboxId> authenticated;  // the mailbox whose sender token was given with AUTH
};

// Returns nullopt if the mailbox accepts a mail from this client, otherwise the refusal. The checks
// are, in this order: allowed addresses, required TLS, required AUTH, suspension, quota. `size` is
// the message size in bytes that MAIL announced (SIZE, RFC 1870); 0 if it did not.
std::optional<smtp::Refusal> judge(const store::Recipient& recipient, const SmtpClient& client,
                                   std::uint64_t size);

// Returns the refusal for an address that belongs to no mailbox. It is UnknownMailbox if the
// address has no domain, if the domain is `host` or an address literal, or if the address begins
// with `mbx-`, and Relay for every other domain.
smtp::Refusal refusal_of_unknown(std::string_view address, std::string_view host);

}  // namespace gw::smtpd
