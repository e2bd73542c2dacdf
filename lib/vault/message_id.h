// Fingerprints of Message-IDs, by which a mail is found again when the log of another mail system is
// compared with a mailbox, also after the mail was drained and swept.
//
// They are in the sealed envelope, so that only the mailbox's password allows to read them or to test
// for a known mail. Receivers hold public keys only: they compute the fingerprint of a mail while they
// seal it, and cannot read one later. A fingerprint and not the Message-ID itself is kept because the
// envelope outlives the mail, as part of its removal record, and must reveal no byte of it.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "base/id.h"

namespace gw::vault {

using MessageIdPrint = std::array<std::byte, 16>;

// Returns the first 16 bytes of SHA-256("gw message id v1" | vault | mailbox | id). `comparable_id` is
// in the form of mime::comparable_message_id().
MessageIdPrint message_id_print(const VaultId& vault, const MailboxId& mailbox,
                                std::string_view comparable_id);

}  // namespace gw::vault
