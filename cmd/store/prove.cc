// gw-store prove: prints the proof that a message was accepted, as JSON for scripts/verify-proof.
#include <CLI/CLI.hpp>

#include "cli/output.h"
#include "cli/password.h"
#include "store/commands.h"
#include "store/format.h"
#include "vault/mailbox.h"
#include "vault/proof.h"

namespace gw::cmd {
namespace {

struct ProveOptions {
  std::string mailbox;
  std::string message;
  cli::PasswordOptions password;
  bool json = true;  // accepted for uniformity; the output is always JSON
};

Json json_of(const vault::Inclusion& inclusion) {
  Json object;
  object["leaf"] = to_hex(inclusion.leaf);
  object["leaf_index"] = inclusion.index;
  object["tree_size"] = inclusion.size;
  object["path"] = Json::array();
  for (const Digest& hash : inclusion.path) object["path"].push_back(to_hex(hash));
  object["root"] = to_hex(inclusion.root);
  return object;
}

// With the password, adds the digest of the mail and the key of its commitment. With them a reader
// of the proof can check that a given file is the message of the leaf; without them the proof says
// nothing about the content.
Result<void> add_content(const ProveOptions& options, store::Store& store,
                         const store::MailboxRecord& mailbox, const MessageId& id, Json& object) {
  // The fields are always there, so that programs need not test for them.
  object["sha256"] = nullptr;
  object["commitment_key"] = nullptr;
  if (!options.password.given()) return {};
  const auto password = options.password.read(mailbox.name);
  if (!password) return password.error();
  const auto ring = vault::unlock(store, mailbox, *password);
  if (!ring) return ring.error();
  const auto content = vault::content_of(store, *ring, mailbox.id, id);
  if (!content) return content.error();
  object["sha256"] = to_hex(content->sha256);
  object["commitment_key"] = to_hex(content->commitment_key);
  return {};
}

Result<int> prove(const Commands& commands, const ProveOptions& options) {
  const auto id = MessageId::parse(options.message);
  if (!id) return Error(Code::Usage, "`" + options.message + "` is not a message id");
  auto store = commands.connect();
  if (!store) return store.error();
  const auto mailbox = mailbox_named(**store, options.mailbox);
  if (!mailbox) return mailbox.error();

  Json object;
  object["message"] = id->hex();
  // First, so that a wrong password is reported before prove() appends a checkpoint to the history.
  if (auto added = add_content(options, **store, *mailbox, *id, object); !added) return added.error();
  const auto proof = vault::prove(**store, mailbox->id, *id, kActor);
  if (!proof) return proof.error();
  object.update(json_of(proof->message));
  object["head"] = json_of(proof->head);
  object["checkpoint"] = proof->note;
  cli::Output output;
  output.json(object);
  return output.close();
}

}  // namespace

void add_prove(Commands& commands) {
  auto options = std::make_shared<ProveOptions>();
  CLI::App* command = commands.add(commands.root(), "prove", "Print the proof that a message was accepted",
                                   [&commands, options] { return prove(commands, *options); });
  command->add_option("MAILBOX", options->mailbox, "Name, id or address")->required();
  command->add_option("ID", options->message, "Message id, 32 hex digits")->required();
  options->password.declare(*command);
  command->add_flag("--json", options->json, "Print JSON (the only format)");
}

}  // namespace gw::cmd
