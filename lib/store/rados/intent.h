// Changes of two indexes: of the vault, and of a mailbox. They are made when a mailbox is created,
// changed or removed, because its names are in the index of the vault.
//
//   1. the mailbox's index gets the turn `T` = id: nothing else changes it from now on
//   2. the vault's index changes, and gets the intent `y` id: the whole write of the mailbox's index
//   3. the mailbox's index changes and gives the turn back
//   4. the intent goes
//
// Step 2 decides: before it nothing is done, and afterwards whoever meets the intent or the turn
// does the rest, each step of which may be repeated. A new mailbox has no index and needs no turn:
// step 3 creates it.
#pragma once

#include "store/rados/index.h"

namespace gw::store::rados {

// Runs a change that may write to both. `mailbox` need not exist.
Result<void> change_both(Context& context, Index& vault, Index& mailbox, const Change& change);

// Finishes an intent, if there is one, or makes sure that there never will be, and ends the turn that
// `mailbox` has for it.
Result<void> end_turn(Context& context, const MailboxId& mailbox, const std::string& id);

// Finishes all intents.
Result<void> finish_intents(Context& context);

}  // namespace gw::store::rados
