#include "web/pages/test_delivery.h"

#include "base/log.h"
#include "vault/mailbox.h"

namespace gw::web {
namespace {

constexpr std::string_view kUsual = "127.0.0.1:25";  // if gw.toml does not state a listener

// Returns the message of `size` bytes that was accepted after the first `leaf_count` entries of the
// mailbox's history; nullopt if there is none. Other mail may arrive at the same time, hence the
// comparison of the size.
Result<std::optional<MessageId>> arrived(store::Store& store, const MailboxId& mailbox,
                                         std::uint64_t leaf_count, std::uint64_t size) {
  const auto leaves = store.history_read(mailbox, leaf_count, 100);
  if (!leaves) return leaves.error();
  for (const Bytes& each : *leaves) {
    const auto leaf = store::decode_leaf(each);
    if (leaf && leaf->type == store::LeafType::Accepted && leaf->value == size)
      return std::optional(leaf->message);
  }
  return std::optional<MessageId>();
}

}  // namespace

std::vector<std::string> own_smtp_servers(const Console& console) {
  std::vector<std::string> all;
  for (const std::string& each : console.options().config.smtpd.listen)
    // Port 0 is chosen by the system when gw-smtpd starts, so the console does not know it.
    if (const auto spec = net::parse_listen(each); spec && spec->port != 0) all.push_back(each);
  if (all.empty()) all.emplace_back(kUsual);
  return all;
}

Result<TestDelivered> run_test_delivery(const Context& context, const store::MailboxRecord& mailbox,
                                        const std::string& server) {
  const auto spec = net::parse_listen(server);
  if (!spec) return spec.error();
  const auto settings = vault::read_settings(context.store());
  if (!settings) return settings.error();
  // Before the delivery, so that the entry of the test mail is certainly after it.
  const auto before = context.store().history_head(mailbox.id);
  if (!before) return before.error();
  smtpd::TestMail mail;
  mail.server = *spec;
  mail.host = context.console().options().host;
  mail.recipient = vault::address_of(mailbox, *settings);
  mail.message_id = "test-" + random_id<MessageId>().hex() + "@" + mail.host;
  TestDelivered done{smtpd::deliver_test(mail), std::nullopt};
  log::info("test delivery",
            {{"mailbox", mailbox.name}, {"by", context.actor()}, {"trouble", done.sent.trouble}});
  if (!done.sent.trouble.empty()) return done;
  const auto message = arrived(context.store(), mailbox.id, before->size, done.sent.size);
  if (!message) return message.error();
  done.message = *message;
  return done;
}

}  // namespace gw::web
