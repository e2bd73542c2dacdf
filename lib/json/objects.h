// The JSON form of each object, in one place: `gw-store … --json` prints it, the console's API
// returns it, and a manifest of gw-export contains it. gw-store(1) and gw-api(7) document the
// fields; json/json.h says how values look.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "json/json.h"
#include "proxy/route_check.h"
#include "smtpd/test_delivery.h"
#include "store/store.h"
#include "vault/account.h"
#include "vault/envelope.h"
#include "vault/mailbox.h"
#include "vault/message_change.h"
#include "vault/route.h"
#include "vault/token.h"
#include "vault/vault_status.h"

namespace gw::json {

// Return a mailbox as a row of a list, and with all its settings and keys.
Json mailbox_row_json(const store::MailboxRecord& record, const store::MailboxStat& stat,
                      const vault::Settings& settings);
Json mailbox_json(const store::MailboxRecord& record, const store::MailboxStat& stat,
                  const vault::Settings& settings);
// Returns a mailbox as it is shown when it is created. `record` needs only id, name and grace.
Json created_mailbox_json(const store::MailboxRecord& record, const std::string& address);
// Returns number and public key of a generation.
Json generation_json(std::uint32_t number, const seal::PublicKey& key);

// Returns a message's record; it needs no key.
Json message_json(const store::MessageRecord& record);
// Returns the envelope of a message. Fields that are empty are omitted.
Json envelope_json(const vault::Envelope& envelope);
// Returns what became of one message of many: `ok`, or the reason why it failed.
Json result_json(const MessageId& id, const Error* error);
// Returns a history entry.
Json leaf_json(const store::Leaf& leaf);
// Returns the same as one line of text, without a line ending.
std::string leaf_line(const store::Leaf& leaf);

// Returns an API token without its hash.
Json token_json(const vault::ApiToken& token);
// Returns an account of the console without its keys.
Json account_json(const vault::Account& account);
// Returns a route. `named` returns the name to show for a mailbox id.
Json route_json(const vault::Route& route, const std::function<std::string(const MailboxId&)>& named);

// Returns the state of the vault. `path` is its directory; nullopt omits the field, for readers that
// must not learn where files of the host are.
Json status_json(const vault::VaultStatus& status, const std::optional<std::string>& path);

// Return the result of a test of a route, and of a test delivery to a mailbox.
Json route_check_json(const proxy::RouteCheck& check);
Json delivery_test_json(const smtpd::MailboxTest& test);

}  // namespace gw::json
