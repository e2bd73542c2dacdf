// The rules by which an address or a login leads to a mailbox, the same for every store. Addresses
// are compared in the form of mail::comparable(): case and Unicode normalisation do not matter.
#pragma once

#include <functional>
#include <string_view>

#include "base/result.h"
#include "store/store.h"

namespace gw::store {

// Reads a record; fails with NotFound if there is none.
using Get = std::function<Result<Record>(const RecordKey&)>;

// Returns the mailbox that `address` names by the rules of `lookup`. Reads Name, Alias and Mailbox
// records through `get`. Fails with NotFound if it names none, or with any other error of `get`.
Result<MailboxId> resolve(const VaultId& vault, const Get& get, std::string_view address, Lookup lookup);

// Returns the keys of all Name and Alias records that lead to this mailbox, sorted, without
// duplicates.
std::vector<RecordKey> index_keys(const VaultId& vault, const MailboxRecord& record);

// Returns the part of a mailbox that an SMTP receiver may see, with the room before its quota.
Recipient recipient(const MailboxRecord& record, const MailboxStat& stat);

}  // namespace gw::store
