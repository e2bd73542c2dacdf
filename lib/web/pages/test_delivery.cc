#include "web/pages/test_delivery.h"

#include "base/log.h"

namespace gw::web {

std::vector<std::string> own_smtp_servers(const Console& console) {
  return smtpd::own_servers(console.options().config.smtpd.listen);
}

Result<smtpd::MailboxTest> run_test_delivery(const Context& context, const store::MailboxRecord& mailbox,
                                             const std::string& server) {
  const auto spec = net::parse_listen(server);
  if (!spec) return spec.error();
  auto done = smtpd::test_mailbox(context.store(), mailbox, *spec, context.console().options().host);
  if (done)
    log::info("test delivery",
              {{"mailbox", mailbox.name}, {"by", context.actor()}, {"trouble", done->sent.trouble}});
  return done;
}

}  // namespace gw::web
