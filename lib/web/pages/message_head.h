// Subject and sender of a message, for the list of an open mailbox.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "seal/keypair.h"
#include "store/store.h"

namespace gw::web {

// All texts are valid UTF-8, without control characters, cut to what a list shows.
struct MessageHead {
  std::string subject;
  std::string from;           // of a journal report, the sender that it names
  std::string envelope_from;  // MAIL FROM
  bool damaged = false;       // the message cannot be read; the texts are empty
};

// Opens the message and reads its header. Fails with the error of the store; a message that is damaged
// or was removed in the meantime is `damaged`.
Result<MessageHead> read_head(store::Store& store, const seal::KeyRing& ring, const VaultId& vault,
                              const MailboxId& mailbox, const store::MessageRecord& record);

// Returns whether `part` occurs in `text`. The case of ASCII letters is ignored.
bool contains_text(std::string_view text, std::string_view part);

}  // namespace gw::web
