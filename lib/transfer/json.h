// The JSON forms of what a vault holds, in one place: `gw-store … --json` prints them, the
// console's API returns them, and gw-store(1) and gw-api(7) document their fields. Times are RFC
// 3339 in UTC, digests are hex, sizes are bytes, and null means that there is no value.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/digest.h"
#include "store/store.h"
#include "vault/mailbox.h"
#include "vault/route.h"
#include "vault/token.h"

namespace gw::transfer {

using Json = nlohmann::ordered_json;

// Returns the time, or null for 0.
Json json_time(Micros time);
// Returns the digest in hex, or null for all zeros.
Json json_digest(const Digest& digest);
// Sets `name` to the text, with U+FFFD for each invalid byte if it is not UTF-8. In that case it
// also sets `NAME_b64` to the exact bytes in base64.
void put_text(Json& object, const std::string& name, std::string_view text);

// Return a mailbox as a row of a list, and with all its settings and keys.
Json mailbox_row_json(const store::MailboxRecord& record, const store::MailboxStat& stat,
                      const vault::Settings& settings);
Json mailbox_json(const store::MailboxRecord& record, const store::MailboxStat& stat,
                  const vault::Settings& settings);

// Returns a message's record; it needs no key.
Json message_json(const store::MessageRecord& record);
// Returns a history entry.
Json leaf_json(const store::Leaf& leaf);
// Returns an API token without its hash.
Json token_json(const vault::ApiToken& token);

// Returns a route. `named` returns the name to show for a mailbox id.
Json route_json(const vault::Route& route, const std::function<std::string(const MailboxId&)>& named);

}  // namespace gw::transfer
