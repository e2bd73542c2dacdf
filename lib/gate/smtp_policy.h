// Who may send what to whom: the answer to each RCPT.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "smtp/refusals.h"
#include "store/store.h"

namespace gw::gate {

struct SmtpClient {
  std::string_view peer;  // address; empty where unknown
  bool tls = false;
  std::optional<MailboxId> authenticated;  // by the mailbox's sender token
};

// None: take it. `size` is what MAIL announced, 0 where it did not.
std::optional<smtp::Refusal> judge(const store::Recipient& recipient, const SmtpClient& client,
                                   std::uint64_t size);

// Why an address that is no mailbox's is refused: unknown where the domain is `host`, an address literal or
// none, or where it looks like a mailbox's own; else relaying.
smtp::Refusal refusal_of_unknown(std::string_view address, std::string_view host);

}  // namespace gw::gate
