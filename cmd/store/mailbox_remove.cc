// gw-store mailbox remove: removes a mailbox that is empty, or with --force also everything in it.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "base/counted.h"
#include "cli/output.h"
#include "store/format.h"
#include "store/mailbox.h"
#include "vault/change_note.h"
#include "vault/mailbox_settings.h"

namespace gw::cmd {
namespace {

struct MailboxRemoveOptions {
  std::string name;
  bool force = false;
  bool purge = false;
  bool dry_run = false;
  bool json = false;
};

// Removes the password and recovery slots. They go first: without them no key opens what is left,
// so an interrupted removal leaves nothing readable behind.
Result<void> destroy_slots(store::Store& store, const store::MailboxRecord& mailbox) {
  // A mailbox has two slots, `password` and `recovery`.
  constexpr std::size_t kMaxCount = 100;
  const auto found = store.scan(store::Kind::Slot, mailbox.id, {}, kMaxCount);
  if (!found) return found.error();
  if (found->empty()) return {};
  std::vector<store::Slot> slots;
  for (const store::Record& record : *found) slots.push_back({record.key.name, {}});
  return store.put_mailbox(
      mailbox, slots,
      {store::LeafType::Slot, vault::change_note(kActor, "mailbox " + mailbox.name, "keys destroyed"), 0});
}

Result<std::uint64_t> remove_messages(store::Store& store, const MailboxId& mailbox) {
  const std::size_t count = std::min<std::size_t>(2000, store.limits().batch);
  std::uint64_t removed = 0;
  for (;;) {
    // Always the first page, since removed messages are not in the next one.
    const auto page = store.list(mailbox, 0, count);
    if (!page) return page.error();
    if (page->empty()) return removed;
    std::map<store::State, std::vector<MessageId>> by_state;
    for (const store::MessageRecord& record : *page) by_state[record.state].push_back(record.id);
    for (const auto& [state, messages] : by_state) {
      store::Transition transition;
      transition.mailbox = mailbox;
      transition.messages = messages;
      transition.from = state;
      transition.actor = kActor;
      const auto done = store.transition(transition);
      // Conflict: a message has changed its state since, e.g. a pending one was settled. It is in
      // the next page again, with its new state.
      if (!done && done.error().code() != Code::Conflict) return done.error();
      removed += done ? *done : 0;
    }
  }
}

// Live messages include unconfirmed ones.
std::uint64_t held(const store::MailboxStat& stat) {
  return stat.live + stat.pending + stat.drained + stat.quarantined;
}

Result<int> remove(const Commands& commands, const MailboxRemoveOptions& options) {
  if (options.purge && !options.force) return Error(Code::Usage, "--purge requires --force");
  auto store = commands.connect();
  if (!store) return store.error();
  const auto mailbox = mailbox_named(**store, options.name);
  if (!mailbox) return mailbox.error();
  const auto stat = (*store)->stat(mailbox->id);
  if (!stat) return stat.error();
  // Suspended first, by an explicit command: otherwise mail could arrive while the mailbox is
  // emptied, and a typing error in the name would remove a mailbox in use.
  if (mailbox->status != store::Status::Suspended || (held(*stat) != 0 && !options.force))
    return Error(Code::Conflict, mailbox->status != store::Status::Suspended
                                     ? "the mailbox is not suspended"
                                     : "the mailbox still holds messages; --force removes them")
        .with_hint(mailbox->status != store::Status::Suspended
                       ? "gw-store mailbox set " + mailbox->name + " --status suspended"
                       : "gw-store message list " + mailbox->name + " --state all");
  // A legal hold forbids the removal of mail, also with --force.
  if (held(*stat) != 0 && mailbox->hold)
    return Error(Code::Conflict, "the mailbox is on legal hold")
        .with_hint("gw-store mailbox set " + mailbox->name + " --hold off");

  std::uint64_t messages = held(*stat);
  if (!options.dry_run) {
    if (options.force) {
      if (auto gone = destroy_slots(**store, *mailbox); !gone) return gone.error();
      const auto removed = remove_messages(**store, mailbox->id);
      if (!removed) return removed.error();
      messages = *removed;
    }
    if (auto gone = vault::remove_mailbox(**store, *mailbox, kActor); !gone) return gone.error();
    // Last: it removes from the files what the steps above have removed from the store.
    if (options.purge) {
      if (auto purged = purge(**store); !purged) return purged.error();
    }
  }
  if (!options.json && !options.dry_run && !options.force) return 0;
  cli::Output output;
  if (options.json) {
    output.json({{"id", mailbox->id.hex()},
                 {"name", mailbox->name},
                 {"messages", messages},
                 {"purged", options.purge && !options.dry_run},
                 {"dry_run", options.dry_run}});
  } else {
    output.line(mailbox->name + (options.dry_run ? " would be removed, with " : " removed, with ") +
                counted(messages, "message"));
  }
  return output.close();
}

}  // namespace

void add_mailbox_remove(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<MailboxRemoveOptions>();
  CLI::App* command = commands.add(family, "remove", "Remove a suspended, empty mailbox",
                                   [&commands, options] { return remove(commands, *options); });
  command->add_option("NAME", options->name, "Name, id or address")->required();
  command->add_flag("--force", options->force, "Destroy its keys and remove its messages first");
  command->add_flag("--purge", options->purge, "Also rewrite files so that no removed data is left in them");
  command->add_flag("-n,--dry-run", options->dry_run, "Only print what would be removed");
  command->add_flag("--json", options->json, "Print a JSON line");
}

}  // namespace gw::cmd
