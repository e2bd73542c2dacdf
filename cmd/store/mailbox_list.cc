// gw-store mailbox list and show: the mailboxes, and what waits in them.
#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/counted.h"
#include "base/text.h"
#include "cli/output.h"
#include "store/format.h"
#include "store/mailbox.h"
#include "vault/mailbox.h"
#include "vault/sender_list.h"
#include "vault/totals.h"

namespace gw::cmd {
namespace {

struct MailboxListOptions {
  bool json = false;
  bool names = false;
};

Result<int> list(const Commands& commands, const MailboxListOptions& options) {
  auto store = commands.connect();
  if (!store) return store.error();
  const auto rows = vault::mailbox_rows(**store);
  if (!rows) return rows.error();
  const auto settings = vault::read_settings(**store);
  if (!settings) return settings.error();

  cli::Output output;
  cli::Table table({{"NAME"},
                    {"STATUS"},
                    {"MESSAGES", cli::Table::Right},
                    {"SIZE", cli::Table::Right},
                    {"OLDEST"},
                    {"LAST DELIVERY"},
                    {"LAST DRAIN"}});
  for (const auto& [record, stat] : *rows) {
    if (options.names) {
      output.data(as_bytes(record.name + std::string(1, '\0')));
    } else if (options.json) {
      output.json(json::mailbox_row_json(record, stat, *settings));
    } else {
      table.row({record.name, std::string(name(record.status)), std::to_string(stat.live),
                 format_size(stat.live_bytes), shown_time(stat.oldest), shown_time(stat.last_delivery),
                 shown_time(stat.last_drain)});
    }
  }
  if (!options.json && !options.names) table.print(output);
  return output.close();
}

// Returns the blocks, with the name and date of a provider's list in place of its blocks if all of
// them are there.
std::string shown_allow(std::vector<std::string> allow) {
  std::string lists;
  for (const vault::SenderList& list : vault::sender_lists()) {
    const auto holds = [&](std::string_view block) { return std::ranges::find(allow, block) != allow.end(); };
    if (!std::ranges::all_of(list.blocks, holds)) continue;
    std::erase_if(allow, [&](const std::string& block) {
      return std::ranges::find(list.blocks, std::string_view(block)) != list.blocks.end();
    });
    lists += std::string(lists.empty() ? "" : ", ") + std::string(list.name) + " (list of " +
             std::string(list.date) + ")";
  }
  return allow.empty() ? lists : (lists.empty() ? "" : lists + ", ") + joined(allow, "-");
}

Result<int> show_mailbox(const Commands& commands, const std::string& wanted, bool json) {
  auto store = commands.connect();
  if (!store) return store.error();
  const auto record = mailbox_named(**store, wanted);
  if (!record) return record.error();
  const auto stat = (*store)->stat(record->id);
  if (!stat) return stat.error();
  const auto settings = vault::read_settings(**store);
  if (!settings) return settings.error();

  cli::Output output;
  if (json) {
    output.json(json::mailbox_json(*record, *stat, *settings));
    return output.close();
  }
  output.line("name           " + record->name);
  output.line("id             " + record->id.hex());
  output.line("address        " + vault::address_of(*record, *settings));
  if (!record->description.empty()) output.line("description    " + record->description);
  output.line("status         " + std::string(name(record->status)));
  output.line("aliases        " + joined(record->aliases, "-"));
  output.line("domains        " + joined(record->domains, "-"));
  output.line("allow          " +
              (record->allow.empty() ? std::string("everyone") : shown_allow(record->allow)) +
              (record->allow_reject ? " (others are refused)" : ""));
  output.line("quota          " + (record->quota == 0 ? std::string("none") : format_size(record->quota)));
  output.line("grace          " + shown_span(record->grace) + (record->hold ? ", on legal hold" : ""));
  output.line("receipts       " +
              (record->receipts == 0 ? std::string("none") : "for " + shown_span(record->receipts)));
  output.line("trace lines    " + std::string(name(record->trace)));
  output.line("TLS            " + std::string(record->require_tls ? "required" : "offered"));
  output.line("sender token   " + std::string(record->token_hash ? "required" : "none"));
  output.line("key            generation " + std::to_string(record->newest().number) + ", " +
              seal::recipient(record->newest().public_key));
  output.line("created        " + shown_time(record->created));
  output.line("waiting        " + counted(stat->live, "message") + ", " + format_size(stat->live_bytes));
  if (stat->unconfirmed > 0) output.line("unconfirmed    " + std::to_string(stat->unconfirmed));
  if (stat->pending > 0) output.line("pending        " + std::to_string(stat->pending));
  output.line("drained        " + std::to_string(stat->drained) + ", in the grace period");
  if (stat->quarantined > 0) output.line("quarantined    " + std::to_string(stat->quarantined));
  output.line("accepted       " + std::to_string(stat->accepted) + " in total");
  output.line("oldest         " + shown_time(stat->oldest));
  output.line("last delivery  " + shown_time(stat->last_delivery));
  output.line("last drain     " + shown_time(stat->last_drain));
  return output.close();
}

}  // namespace

void add_mailbox_list(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<MailboxListOptions>();
  CLI::App* command = commands.add(family, "list", "List the mailboxes and their waiting mail",
                                   [&commands, options] { return list(commands, *options); });
  CLI::Option* json = command->add_flag("--json", options->json, "Print JSON lines");
  command->add_flag("-0,--null", options->names, "Print only the names, each followed by NUL")
      ->excludes(json);
}

void add_mailbox_show(Commands& commands, CLI::App& family) {
  auto wanted = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  CLI::App* command =
      commands.add(family, "show", "Print all properties of a mailbox",
                   [&commands, wanted, json] { return show_mailbox(commands, *wanted, *json); });
  command->add_option("NAME", *wanted, "Name, id or address")->required();
  command->add_flag("--json", *json, "Print a JSON line");
}

}  // namespace gw::cmd
