// How the commands show times, ids and sizes: to people, and in JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "base/result.h"
#include "cli/output.h"
#include "store/store.h"

namespace gw::cmd {

using cli::Json;

std::string shown_time(Micros time);           // `2026-11-25 03:12:34Z`; `-` for 0
std::string shown_span(std::int64_t seconds);  // exactly: `1 day`, `36 h`, `0 s`
std::string shown_age(std::int64_t seconds);   // about: `3 days`, `5 h`, `12 min`, `8 s`
Json json_time(Micros time);                   // RFC 3339; null for 0
Json json_digest(const Digest& digest);        // hex; null for zeros

// Pages through a mailbox's messages in order of seq, in every state. Stops at the first Error of `each`.
Result<void> for_each_message(store::Store& store, const MailboxId& mailbox,
                              const std::function<Result<void>(const store::MessageRecord&)>& each);
// The same for the leaves of a history, as stored, from index `from`.
Result<void> for_each_leaf(store::Store& store, const MailboxId& log, std::uint64_t from,
                           const std::function<Result<void>(const Bytes&)>& each);

}  // namespace gw::cmd
