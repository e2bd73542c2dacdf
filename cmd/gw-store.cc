// gw-store(1): administers the vault, and is the keeper process (`gw-store serve`). Each command is
// a file in cmd/store.
#include <CLI/CLI.hpp>

#include "cli/program.h"
#include "cli/vault_options.h"
#include "store/certificate.h"
#include "store/commands.h"
#include "store/help.h"
#include "store/reconcile.h"
#include "store/recovery.h"

int main(int argc, char** argv) {
  using namespace gw;
  cli::Program program("gw-store", "Manage the vault of encrypted mail");
  cli::VaultOptions vault;
  vault.declare(program.options());
  cmd::Commands commands(program, vault);
  cmd::add_init(commands);
  cmd::add_mailbox(commands);
  cmd::add_recovery(commands);
  cmd::add_message(commands);
  cmd::add_import(commands);
  cmd::add_route(commands);
  cmd::add_admin(commands);
  cmd::add_token(commands);
  cmd::add_certificate(commands);
  cmd::add_verify(commands);
  cmd::add_checkpoint(commands);
  cmd::add_history(commands);
  cmd::add_report(commands);
  cmd::add_reconcile(commands);
  cmd::add_prove(commands);
  cmd::add_dump(commands);
  cmd::add_status(commands);
  cmd::add_sweep(commands);
  cmd::add_backup(commands);
  cmd::add_restore(commands);
  cmd::add_migrate(commands);
  cmd::add_repair(commands);
  cmd::add_salvage(commands);
  cmd::add_check(commands);
  cmd::add_doctor(commands);
  cmd::add_serve(commands);
  cmd::add_help(commands);
  program.options().require_subcommand(1);
  return program.run(argc, argv, [&] { return commands.run(); });
}
