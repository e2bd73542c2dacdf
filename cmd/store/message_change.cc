// gw-store message add, remove, undelete and quarantine: the commands that change messages. None of
// them needs a password.
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "base/file.h"
#include "base/text.h"
#include "cli/output.h"
#include "store/format.h"
#include "store/message.h"
#include "vault/delivery.h"
#include "vault/message_change.h"

namespace gw::cmd {
namespace {

constexpr std::size_t kChunk = 64 << 10;
// Bounds the memory of --stdin, which may be connected to something else than a list of ids by
// mistake.
constexpr std::size_t kMaxIds = 1'000'000;

struct MessageAddOptions {
  std::string mailbox;
  std::string from;
  std::vector<std::string> to;
  bool json = false;
};

Result<int> add(const Commands& commands, const MessageAddOptions& options) {
  auto store = commands.connect();
  if (!store) return store.error();
  const auto mailbox = mailbox_named(**store, options.mailbox);
  if (!mailbox) return mailbox.error();
  // The address with the mailbox's id, which resolves to this mailbox even if an alias was moved
  // meanwhile.
  const auto recipient = (*store)->resolve(mailbox->local_part(), store::Lookup::Recipient);
  if (!recipient) return recipient.error();

  vault::Envelope envelope;
  envelope.reverse_path = options.from;
  envelope.origin = vault::Origin::Import;
  envelope.source = "standard input";
  for (const std::string& each : options.to) envelope.recipients.push_back({each, "", ""});
  // An envelope has a recipient.
  if (options.to.empty()) envelope.recipients.push_back({mailbox->local_part(), "", ""});
  auto delivery = vault::Delivery::begin(**store, *recipient, std::move(envelope), std::string(kActor));
  if (!delivery) return delivery.error();
  Bytes buffer(kChunk);
  for (;;) {
    const auto got = read_some(STDIN_FILENO, buffer, "standard input");
    if (!got) return got.error();
    if (*got == 0) break;
    if (auto written = delivery->write(ByteView(buffer).first(*got)); !written) return written.error();
  }
  const auto stored = delivery->finish();
  if (!stored) return stored.error();
  cli::Output output;
  if (options.json) {
    output.json({{"id", stored->id.hex()}, {"seq", stored->result.seq}});
  } else {
    output.line(stored->id.hex());
  }
  return output.close();
}

struct Change {
  vault::MessageChange kind{};
  std::string verb;  // as in `removed`
};

struct MessageChangeOptions {
  std::string mailbox;
  std::vector<std::string> ids;
  bool from_input = false;
  bool null = false;
  bool dry_run = false;
  bool json = false;
};

Result<std::vector<std::string>> ids_from_input(char separator) {
  std::vector<std::string> ids;
  std::string rest;
  Bytes buffer(kChunk);
  for (;;) {
    const auto got = read_some(STDIN_FILENO, buffer, "standard input");
    if (!got) return got.error();
    rest += as_text(ByteView(buffer).first(*got));
    const auto pieces = split(rest, separator);
    // The last piece is incomplete until the input ends.
    for (std::size_t i = 0; i + (*got == 0 ? 0 : 1) < pieces.size(); ++i) {
      if (const auto id = trim(pieces[i]); !id.empty()) ids.emplace_back(id);
    }
    if (*got == 0) return ids;
    rest = std::string(pieces.back());
    if (ids.size() > kMaxIds) return Error(Code::Usage, "more than " + std::to_string(kMaxIds) + " ids");
    if (rest.size() > kChunk) return Error(Code::Usage, "standard input is not a list of ids");
  }
}

Result<std::vector<std::string>> wanted_ids(const MessageChangeOptions& options) {
  std::vector<std::string> texts = options.ids;
  if (options.from_input) {
    auto more = ids_from_input(options.null ? '\0' : '\n');
    if (!more) return more.error();
    texts.insert(texts.end(), more->begin(), more->end());
  } else if (texts.empty()) {
    return Error(Code::Usage, "no message id was given")
        .with_hint("gw-store message list " + options.mailbox + " --state all");
  }
  for (const std::string& text : texts)
    if (auto good = check_message_id(text, options.mailbox); !good) return good.error();
  return texts;
}

Result<int> change(const Commands& commands, const Change& wanted, const MessageChangeOptions& options) {
  // All ids are checked before the first message is changed.
  const auto texts = wanted_ids(options);
  if (!texts) return texts.error();
  auto store = commands.connect();
  if (!store) return store.error();
  const auto mailbox = mailbox_named(**store, options.mailbox);
  if (!mailbox) return mailbox.error();
  const auto ids = message_ids(**store, *mailbox, *texts);
  if (!ids) return ids.error();
  const auto changed =
      vault::change_messages(**store, mailbox->id, wanted.kind, *ids, kActor, options.dry_run);
  if (!changed) return changed.error();
  const auto& failures = changed->failed;
  // A single message: its own error and exit status. With several, the status is 3 and each error
  // is printed.
  if (ids->size() == 1 && failures.size() == 1) {
    return failures.front().error.within("message " + failures.front().id.hex());
  }
  cli::Output output;
  for (const MessageId& id : changed->done) {
    if (options.json) {
      output.json(json::result_json(id, nullptr));
    } else if (!commands.program().quiet()) {
      output.line(id.hex() + (options.dry_run ? " would be " : " ") + wanted.verb);
    }
  }
  for (const vault::MessageFailure& failure : failures) {
    if (options.json) {
      output.json(json::result_json(failure.id, &failure.error));
    }
    commands.program().report(failure.error.within("message " + failure.id.hex()));
  }
  return output.close(failures.empty() ? kExitSuccess : kExitSomeFailed);
}

void add_change(Commands& commands, CLI::App& family, const std::string& name, const std::string& help,
                Change wanted) {
  auto options = std::make_shared<MessageChangeOptions>();
  CLI::App* command = commands.add(family, name, help, [&commands, options, wanted = std::move(wanted)] {
    return change(commands, wanted, *options);
  });
  command->add_option("MAILBOX", options->mailbox, "Name, id or address")->required();
  command->add_option("ID", options->ids, "Message ids, or beginnings of ids");
  CLI::Option* input =
      command->add_flag("--stdin", options->from_input, "Also read ids from standard input, one per line");
  command->add_flag("-0,--null", options->null, "Expect NUL after each id, with --stdin")->needs(input);
  command->add_flag("-n,--dry-run", options->dry_run, "Only print what would be done");
  command->add_flag("--json", options->json, "Print JSON lines");
}

}  // namespace

void add_message_add(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<MessageAddOptions>();
  CLI::App* command = commands.add(family, "add", "Add a message from standard input (needs no password)",
                                   [&commands, options] { return add(commands, *options); });
  command->add_option("MAILBOX", options->mailbox, "Name, id or address")->required();
  command->add_option("--from", options->from, "Set the envelope sender (default: the null sender)")
      ->type_name("ADDR");
  cli::repeatable(
      command->add_option("--to", options->to, "Add an envelope recipient (repeatable)")->type_name("ADDR"));
  command->add_flag("--json", options->json, "Print a JSON line");
}

void add_message_remove(Commands& commands, CLI::App& family) {
  add_change(commands, family, "remove", "Remove messages permanently",
             {vault::MessageChange::Remove, "removed"});
}

void add_message_undelete(Commands& commands, CLI::App& family) {
  add_change(commands, family, "undelete", "Restore drained or quarantined messages",
             {vault::MessageChange::Restore, "restored"});
}

void add_message_quarantine(Commands& commands, CLI::App& family) {
  add_change(commands, family, "quarantine", "Hide messages from POP3 and export",
             {vault::MessageChange::Quarantine, "quarantined"});
}

}  // namespace gw::cmd
