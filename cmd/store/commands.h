// The commands of gw-store: a file each, put into one table by cmd/gw-store.cc.
//
//   void add_status(Commands& commands) {
//     auto options = std::make_shared<Options>();
//     CLI::App* command = commands.add(commands.root(), "status", "Print what the vault holds",
//                                      [&commands, options] { return status(commands, *options); });
//     command->add_flag("--json", options->json, "Print JSON lines");
//   }
//
// A job gives the exit status, or an Error, which the program prints and maps to one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/program.h"
#include "cli/vault_options.h"
#include "store/store.h"

namespace gw::cmd {

using Job = std::function<Result<int>()>;

class Commands {
 public:
  Commands(cli::Program& program, const cli::VaultOptions& vault) : program_(program), vault_(vault) {}
  Commands(const Commands&) = delete;
  Commands& operator=(const Commands&) = delete;

  CLI::App& root() { return program_.options(); }
  // A command below `parent`, with its job; the options go onto what is returned.
  CLI::App* add(CLI::App& parent, const std::string& name, const std::string& help, Job job);
  // A command that only holds others: `mailbox`.
  CLI::App* add_family(const std::string& name, const std::string& help);
  // The job of the command that was given.
  Result<int> run() const { return chosen_(); }

  const cli::Program& program() const { return program_; }
  Result<config::Config> config() const { return vault_.resolve(); }
  // The vault by its keeper, as administrator.
  Result<std::unique_ptr<store::Store>> connect() const;

 private:
  cli::Program& program_;
  const cli::VaultOptions& vault_;
  Job chosen_;
};

// What this tool says of itself in the history.
inline constexpr std::string_view kActor = "gw-store";
inline constexpr int kNoSuchMailbox = 67;
inline constexpr int kSomeFailed = 3;
inline constexpr int kFindings = 65;

// By name, id or address; exit status 67 where there is none.
Result<store::MailboxRecord> mailbox_named(store::Store& store, const std::string& name);

// A command that makes a secret prints it, waits until the output has arrived (Output::sync()), and only then
// commits. Makes the error of such a commit say what is in force: `not_done`, or if nobody knows
// `perhaps_done`, with `hint` saying how to find out.
Error after_showing(const Error& error, const std::string& not_done, const std::string& perhaps_done,
                    const std::string& hint);

// Until the store's files hold nothing any more of what was removed or replaced.
Result<void> purge(store::Store& store);

// Root that works on a vault in a folder of somebody else's does it as that user, who is to serve it.
Result<void> become_owner(const std::string& folder);

void add_init(Commands& commands);
void add_mailbox(Commands& commands);
void add_message(Commands& commands);
void add_import(Commands& commands);
void add_route(Commands& commands);
void add_admin(Commands& commands);
void add_token(Commands& commands);
void add_verify(Commands& commands);
void add_checkpoint(Commands& commands);
void add_history(Commands& commands);
void add_dump(Commands& commands);
void add_status(Commands& commands);
void add_sweep(Commands& commands);
void add_prove(Commands& commands);
void add_report(Commands& commands);
void add_backup(Commands& commands);
void add_restore(Commands& commands);
void add_migrate(Commands& commands);
void add_repair(Commands& commands);
void add_salvage(Commands& commands);
void add_doctor(Commands& commands);
void add_check(Commands& commands);
void add_serve(Commands& commands);

}  // namespace gw::cmd
