// Opens mailboxes with the password or recovery key that a user types, and limits how often an
// account may guess.
#pragma once

#include "base/result.h"
#include "base/secret.h"
#include "seal/keypair.h"
#include "web/context.h"
#include "web/http/http.h"

namespace gw::web {

// Opens the mailbox with its password. Fails with Denied if the password is wrong, and with Busy if
// this account has sent too many wrong passwords for this mailbox and has to wait. Each wrong
// password is logged.
Result<seal::KeyRing> unlock_mailbox(const Context& context, const Request& request,
                                     const store::MailboxRecord& mailbox, const Secret& password);
// Opens the mailbox with the vault's recovery key. `key` is the content of its file. Fails also
// with NotFound if the mailbox has no recovery slot.
Result<seal::KeyRing> unlock_mailbox_by_recovery(const Context& context, const Request& request,
                                                 const store::MailboxRecord& mailbox, const Secret& key);

// Returns the text to show for such an error; nullopt if the error is not about the password, and
// then the caller shows an error page. `recovery`: whether the recovery key was used.
std::optional<std::string> password_complaint(const Context& context, const Error& error, bool recovery);

}  // namespace gw::web
