// The commands of gw-store. Each family of commands has a file with a function add_*(), and
// cmd/gw-store.cc calls all of them.
//
//   void add_status(Commands& commands) {
//     auto options = std::make_shared<Options>();
//     CLI::App* command =
//         commands.add(commands.root(), "status", "Print what the vault holds",
//                      [&commands, options] { return status(commands, *options); });
//     command->add_flag("--json", options->json, "Print JSON lines");
//   }
//
// The options are in a shared_ptr because they are filled while the command line is parsed, after
// add_status() has returned.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/exit_status.h"
#include "base/result.h"
#include "cli/program.h"
#include "cli/vault_options.h"
#include "store/store.h"

namespace gw::cmd {

// The work of a command. Returns the exit status, or an Error, which the program prints and maps to
// an exit status.
using Job = std::function<Result<int>()>;

// The context that all commands share. It must outlive the parsing and run().
class Commands {
 public:
  // Both must outlive this object.
  Commands(cli::Program& program, const cli::VaultOptions& vault) : program_(program), vault_(vault) {}
  Commands(const Commands&) = delete;
  Commands& operator=(const Commands&) = delete;

  CLI::App& root() { return program_.options(); }
  // Adds a command below `parent` and returns it, so that the caller can add its options.
  CLI::App* add(CLI::App& parent, const std::string& name, const std::string& help, Job job);
  // Adds a command that only has subcommands, such as `mailbox`.
  CLI::App* add_family(const std::string& name, const std::string& help);
  // Runs the job of the command that was given.
  Result<int> run() const { return chosen_(); }

  // Returns the program, which knows --quiet and --verbose and prints errors.
  const cli::Program& program() const { return program_; }
  // Returns the settings in force (cli/vault_options.h).
  Result<config::Config> config() const { return vault_.resolve(); }
  // Returns a Store that reaches the vault through its keeper's admin socket, and starts the keeper
  // if needed. Fails with Unavailable if it cannot be reached.
  Result<std::unique_ptr<store::Store>> connect() const;

 private:
  cli::Program& program_;
  const cli::VaultOptions& vault_;
  Job chosen_;
};

// The actor of this tool's changes in histories.
inline constexpr std::string_view kActor = "gw-store";

// Returns the mailbox with this name, id or address. Fails with NotFound and exit status 67 if
// there is none.
Result<store::MailboxRecord> mailbox_named(store::Store& store, const std::string& name);

// Adds to the error of a change that was to follow the display of a secret what is in force now.
//
// A command that creates a secret first prints it, then waits until the output has been written
// (Output::sync()), and only then makes the change. So there is never a password in force that
// the user has not seen. If the change fails, the user has a secret and must learn whether it counts:
// `not_done` says that it does not. If the reply of the keeper was lost (Unknown), `perhaps_done`
// says so, and `hint` says how to find out.
Error after_showing(const Error& error, const std::string& not_done, const std::string& perhaps_done,
                    const std::string& hint);

// Purges: returns when the store's files contain nothing any more of what was removed or replaced
// before the call. May take minutes. Fails with Full if there is no room to rewrite files.
Result<void> purge(store::Store& store);

// If the process runs as root and `folder` belongs to another user, becomes that user for good
// (setuid(2)), so that new files belong to the user whose keeper has to open them. Does nothing
// otherwise.
Result<void> become_owner(const std::string& folder);

// Each adds one command or family to the root command.
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
