// Which mailbox an address or a login names: the rules of Lookup, the same for every store. Addresses are
// compared by mail::comparable().
#pragma once

#include <functional>
#include <string_view>

#include "base/result.h"
#include "store/store.h"

namespace gw::store {

using Get = std::function<Result<Record>(const RecordKey&)>;

// Asks `get` for Name, Alias and Mailbox records. NotFound: it names none.
Result<MailboxId> resolve(const VaultId& vault, const Get& get, std::string_view address, Lookup lookup);

// The Name and Alias records that lead to this mailbox, sorted, each once.
std::vector<RecordKey> index_keys(const VaultId& vault, const MailboxRecord& record);

// What a receiver may see of it.
Recipient recipient(const MailboxRecord& record, const MailboxStat& stat);

}  // namespace gw::store
