// gw-store history and gw-store dump. history prints the leaves of one history. dump prints
// everything that a store holds, in an order that does not depend on the store, so that two dumps
// can be compared.
#include <CLI/CLI.hpp>
#include <chrono>
#include <thread>

#include "base/text.h"
#include "cli/output.h"
#include "store/commands.h"
#include "store/format.h"

namespace gw::cmd {
namespace {

struct HistoryOptions {
  std::string mailbox;
  std::uint64_t from = 0;
  bool json = false;
  bool follow = false;
};

// Pause between two reads of a history that is followed.
constexpr std::chrono::milliseconds kPause{500};

// Formats a leaf with columns of fixed width, so that a long history is printed as it is read.
std::string line_of(const store::Leaf& leaf) {
  std::string type(name(leaf.type));
  type.resize(std::max<std::size_t>(type.size(), 14), ' ');
  std::string index = std::to_string(leaf.index);
  index.insert(0, index.size() < 8 ? 8 - index.size() : 0, ' ');
  const std::string about = !leaf.message.zero()   ? leaf.message.hex()
                            : !leaf.mailbox.zero() ? leaf.mailbox.hex()
                                                   : "-";
  return index + "  " + shown_time(leaf.time) + "  " + type + "  " + about + "  " + leaf.actor;
}

Result<int> history(const Commands& commands, const HistoryOptions& options) {
  auto store = commands.connect();
  if (!store) return store.error();
  MailboxId log;
  if (!options.mailbox.empty()) {
    const auto mailbox = mailbox_named(**store, options.mailbox);
    if (!mailbox) return mailbox.error();
    log = mailbox->id;
  }
  cli::Output output;
  std::uint64_t next = options.from;
  for (;;) {
    auto read = for_each_leaf(**store, log, next, [&](const Bytes& stored) -> Result<void> {
      const auto leaf = store::decode_leaf(stored);
      if (!leaf) return leaf.error();
      // With --follow, the next read continues here.
      next = leaf->index + 1;
      if (options.json) {
        output.json(json::leaf_json(*leaf));
      } else {
        output.line(line_of(*leaf));
      }
      return {};
    });
    if (!read) return read.error();
    if (!options.follow) return output.close();
    // If the reader of a pipe has gone, flush() ends the process.
    if (auto shown = output.flush(); !shown) return shown.error();
    std::this_thread::sleep_for(kPause);
  }
}

// Returns the SHA-256 of a container as it is stored now, or an object with the error if it cannot
// be read: a dump continues, since it is used to compare damaged vaults too.
Json body_of(store::Store& store, const MailboxId& mailbox, const MessageId& message) {
  Sha256 sum;
  Bytes buffer(store.limits().chunk);
  std::uint64_t offset = 0;
  for (;;) {
    const auto got = store.read(mailbox, message, offset, buffer);
    if (!got) return Json{{"error", valid_text(got.error().text())}};
    if (*got == 0) return to_hex(sum.finish());
    sum.update(ByteView(buffer).first(*got));
    offset += *got;
  }
}

Json message_of(store::Store& store, const MailboxId& mailbox, const store::MessageRecord& record) {
  Json object;
  object["kind"] = "message";
  object["mailbox"] = mailbox.hex();
  object["id"] = record.id.hex();
  object["seq"] = record.seq;
  object["state"] = name(record.state);
  object["received_at"] = json_time(record.received);
  object["changed_at"] = json_time(record.changed);
  object["octets"] = record.size;
  object["wire_octets"] = record.wire_size;
  object["container_octets"] = record.container_size;
  object["generation"] = record.generation;
  object["digest"] = to_hex(record.container);
  object["envelope"] = to_hex(record.envelope);
  // `digest` is what the record says, `body` what the file has.
  object["body"] = body_of(store, mailbox, record.id);
  const auto envelope = store.envelope(mailbox, record.id);
  object["sealed_envelope"] =
      envelope ? Json(to_hex(*envelope)) : Json{{"error", valid_text(envelope.error().text())}};
  return object;
}

Result<void> dump_history(store::Store& store, const MailboxId& log, cli::Output& output) {
  const auto head = store.history_head(log);
  if (!head) return head.error();
  const Json id = log.zero() ? Json() : Json(log.hex());
  output.json({{"kind", "history"}, {"mailbox", id}, {"size", head->size}, {"root", to_hex(head->root)}});
  return for_each_leaf(store, log, 0, [&](const Bytes& leaf) -> Result<void> {
    output.json({{"kind", "leaf"}, {"mailbox", id}, {"leaf", to_hex(leaf)}});
    return {};
  });
}

Result<void> dump_records(store::Store& store, store::Kind kind, const char* shown, const MailboxId& mailbox,
                          cli::Output& output) {
  constexpr std::size_t kPage = 200;
  std::string after;
  for (;;) {
    const auto page = store.scan(kind, mailbox, after, kPage);
    if (!page) return page.error();
    if (page->empty()) return {};
    for (const store::Record& record : *page) {
      output.json({{"kind", shown},
                   {"mailbox", mailbox.zero() ? Json() : Json(mailbox.hex())},
                   {"name", valid_text(record.key.name)},
                   {"value", to_hex(record.value)}});
      after = record.key.name;
    }
  }
}

Result<void> dump_removal_records(store::Store& store, const MailboxId& mailbox, cli::Output& output) {
  return for_each_removal_record(store, mailbox, [&](const store::RemovalRecord& swept) -> Result<void> {
    output.json({{"kind", "removal-record"},
                 {"mailbox", mailbox.hex()},
                 {"id", swept.record.id.hex()},
                 {"record", to_hex(store::encode(swept))}});
    return {};
  });
}

Result<void> dump_mailbox(store::Store& store, const store::MailboxRecord& mailbox, cli::Output& output) {
  output.json({{"kind", "mailbox"},
               {"id", mailbox.id.hex()},
               {"name", mailbox.name},
               {"record", to_hex(store::encode(mailbox))}});
  if (auto done = dump_records(store, store::Kind::Slot, "slot", mailbox.id, output); !done) return done;
  auto messages =
      for_each_message(store, mailbox.id, [&](const store::MessageRecord& record) -> Result<void> {
        output.json(message_of(store, mailbox.id, record));
        return {};
      });
  if (!messages) return messages;
  if (auto done = dump_removal_records(store, mailbox.id, output); !done) return done;
  return dump_history(store, mailbox.id, output);
}

Result<int> dump(const Commands& commands) {
  auto store = commands.connect();
  if (!store) return store.error();
  const auto health = (*store)->health();
  if (!health) return health.error();
  auto mailboxes = (*store)->mailboxes();
  if (!mailboxes) return mailboxes.error();
  // By id. The store returns them by name, and a name may be changed while ids stay.
  std::sort(mailboxes->begin(), mailboxes->end(), [](const auto& a, const auto& b) { return a.id < b.id; });

  cli::Output output;
  output.json({{"kind", "vault"}, {"id", health->vault.hex()}});
  const std::pair<store::Kind, const char*> kinds[] = {
      {store::Kind::Setting, "setting"}, {store::Kind::Admin, "admin"}, {store::Kind::Route, "route"}};
  for (const auto& [kind, shown] : kinds) {
    if (auto done = dump_records(**store, kind, shown, {}, output); !done) return done.error();
  }
  if (auto done = dump_history(**store, {}, output); !done) return done.error();
  for (const store::MailboxRecord& mailbox : *mailboxes) {
    if (auto done = dump_mailbox(**store, mailbox, output); !done) return done.error();
  }
  return output.close();
}

}  // namespace

void add_history(Commands& commands) {
  auto options = std::make_shared<HistoryOptions>();
  CLI::App* command =
      commands.add(commands.root(), "history", "Print the history of a mailbox or of the vault",
                   [&commands, options] { return history(commands, *options); });
  command->add_option("MAILBOX", options->mailbox, "Name, id or address (else the vault's own history)");
  command->add_option("--from", options->from, "Start at this sequence number")->type_name("SEQ");
  command->add_flag("--follow", options->follow, "Keep printing new entries");
  command->add_flag("--json", options->json, "Print JSON lines");
}

void add_dump(Commands& commands) {
  commands.add(commands.root(), "dump", "Print all records as JSON lines, mail as digests",
               [&commands] { return dump(commands); });
}

}  // namespace gw::cmd
