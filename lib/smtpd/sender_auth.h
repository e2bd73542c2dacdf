// AUTH in gw-smtpd: a sender authenticates with the sender token of a mailbox (gw-vault(7)).
//
// The user name is the mailbox's id, `mbx-…` or its 32 hex digits. Aliases are not accepted,
// because they are public and the id is not. The mailbox password is not accepted either: gw-smtpd
// compares the hash of what the client offers with the hash of the token, and has no code that
// opens a password slot.
#pragma once

#include <optional>
#include <string_view>

#include "base/id.h"
#include "base/result.h"
#include "sasl/mechanism.h"
#include "store/store.h"

namespace gw::smtpd {

// Parses a user name. Returns nullopt if it is not a mailbox id. Does not check whether the mailbox
// exists.
std::optional<MailboxId> sender_id(std::string_view name);

// Returns the mailbox to which these credentials permit sending. Fails with Denied if the name is
// unknown, if the mailbox has no token, if the token is wrong, or if the authorization identity is
// not the same mailbox. The error does not tell which. Other codes are those of the store, for
// example Unavailable.
Result<store::MailboxRecord> authenticate_sender(store::Store& store, const sasl::Credentials& credentials);

// Returns whether EHLO should announce AUTH: true if any mailbox has a sender token, and also if
// that is unknown because the store is null or cannot be asked. A sender that has a token and sees
// no AUTH would send without it and be refused permanently.
bool announce_auth(store::Store* store);

}  // namespace gw::smtpd
