// Opens mailboxes with the password or recovery key that a user types, and limits how often an
// account may guess.
#pragma once

#include <optional>
#include <string>

#include "base/secret.h"
#include "seal/keypair.h"
#include "web/attempt.h"
#include "web/context.h"
#include "web/http/http.h"

namespace gw::web {

using Unlocked = Attempt<seal::KeyRing>;

// Opens the mailbox with its password. This account has to wait after too many wrong passwords for
// this mailbox. Each wrong password is logged.
Unlocked unlock_mailbox(const Context& context, const Request& request, const store::MailboxRecord& mailbox,
                        const Secret& password);
// Opens the mailbox with the vault's recovery key. `key` is the content of its file. Fails also
// with NotFound if the mailbox has no recovery slot.
Unlocked unlock_mailbox_by_recovery(const Context& context, const Request& request,
                                    const store::MailboxRecord& mailbox, const Secret& key);

// What a page says about a password that did not open a mailbox.
struct PasswordComplaint {
  std::string text;
  int status = 403;  // 429 if the client has to wait
  std::string retry_after = {};

  // Adds Retry-After to the page if the client has to wait.
  Response on(Response page) const;
};
// Returns what to say; nullopt if the error is not about the password, and then the caller shows an
// error page. `recovery`: whether the recovery key was used.
std::optional<PasswordComplaint> password_complaint(const Context& context, const Unlocked& tried,
                                                    bool recovery);

}  // namespace gw::web
