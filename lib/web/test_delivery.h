// A test delivery by the console: through a server of this host only, and then looked for in the mailbox.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gate/test_delivery.h"
#include "web/context.h"

namespace gw::web {

// Where this host's gw-smtpd listens, as gw.toml says; there is always one.
std::vector<std::string> own_smtp_servers(const Console& console);

struct TestDelivered {
  gate::TestDelivery sent;
  std::optional<MessageId> message;  // in the mailbox
};
// `server`: one of these.
Result<TestDelivered> run_test_delivery(const Context& context, const store::MailboxRecord& mailbox,
                                        const std::string& server);

}  // namespace gw::web
