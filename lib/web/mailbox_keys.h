// Passwords of mailboxes, as the console is given them: how often they may be guessed, and what opens with
// them.
#pragma once

#include "base/result.h"
#include "base/secret.h"
#include "seal/keypair.h"
#include "web/context.h"
#include "web/http.h"

namespace gw::web {

// Opens the mailbox. Denied: not its password. Busy: this account has guessed at this mailbox too often, and
// has to wait. Each failure is a line in the log.
Result<seal::KeyRing> unlock_mailbox(const Context& context, const Request& request,
                                     const store::MailboxRecord& mailbox, const Secret& password);
// The same with the vault's recovery key, as its file has it.
Result<seal::KeyRing> unlock_mailbox_by_recovery(const Context& context, const Request& request,
                                                 const store::MailboxRecord& mailbox, const Secret& key);

// What to tell who was refused; none for an error that is not about the password.
std::optional<std::string> password_complaint(const Context& context, const Error& error, bool recovery);

}  // namespace gw::web
