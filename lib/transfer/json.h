// The JSON of what a vault holds, in one place: `gw-store … --json` prints it, the console's API answers with
// it, and the man pages name its fields. Times are RFC 3339, digests hex; null is none.
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

Json json_time(Micros time);             // null for 0
Json json_digest(const Digest& digest);  // null for zeros
// Sets `name` to the text, with U+FFFD where it is no UTF-8; then `name_b64` has its octets.
void put_text(Json& object, const std::string& name, std::string_view text);

// A row of the list, and everything about one.
Json mailbox_row_json(const store::MailboxRecord& record, const store::MailboxStat& stat,
                      const vault::Settings& settings);
Json mailbox_json(const store::MailboxRecord& record, const store::MailboxStat& stat,
                  const vault::Settings& settings);

Json message_json(const store::MessageRecord& record);
Json leaf_json(const store::Leaf& leaf);
Json token_json(const vault::ApiToken& token);

// `named` says what a mailbox is called.
Json route_json(const vault::Route& route, const std::function<std::string(const MailboxId&)>& named);

}  // namespace gw::transfer
