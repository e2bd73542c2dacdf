// AUTH in gw-smtpd: with a mailbox's sender token (vault.md section 1), and with nothing else.
//
// The name is the mailbox's id, `mbx-…` or its 32 digits: no alias, since the id is the secret. The mailbox
// password is as wrong here as any other text, for what is offered is only ever hashed and compared with the
// token's hash: nothing in gw-smtpd could open a slot with it.
#pragma once

#include <optional>
#include <string_view>

#include "base/id.h"
#include "base/result.h"
#include "sasl/mechanism.h"
#include "store/store.h"

namespace gw::gate {

// None: no mailbox's id.
std::optional<MailboxId> sender_id(std::string_view name);

// The mailbox that these credentials may send to. Denied: unknown name, no token, wrong token, or somebody
// else to act as. Every other error is the store's.
Result<store::MailboxRecord> authenticate_sender(store::Store& store, const sasl::Credentials& credentials);

// Whether to announce AUTH: a mailbox has a sender token, or it is unknown whether one has because there is
// no store or it does not answer. A sender with a token that hears of no AUTH would be refused for good.
bool announce_auth(store::Store* store);

}  // namespace gw::gate
