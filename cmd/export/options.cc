#include "export/options.h"

#include <CLI/CLI.hpp>

#include "cli/program.h"
#include "cli/values.h"
#include "vault/drain.h"
#include "vault/mailbox.h"

namespace gw::cmd {

void Options::declare(CLI::App& app) {
  vault.declare(app);
  app.add_option("MAILBOX", mailbox, "Name, id or address")->required();
  app.add_option("--to", to, "Write to this directory or file, or push to this URL")
      ->type_name("PATH|URL")
      ->required();
  app.add_option("--format", format, "Write this format (default: by the ending of PATH, else eml)")
      ->check(CLI::IsMember({"eml", "maildir", "mbox", "tar", "zip"}));
  password.declare(app);
  cli::time_option(app, "--since", since, "Export only mail received at this time or later");
  cli::time_option(app, "--until", until, "Export only mail received before this time");
  cli::repeatable(
      app.add_option("--match", addresses, "Export only mail from or to ADDR or @DOMAIN (repeatable)")
          ->type_name("ADDR"));
  app.add_option("--state", state, "Export only this state (else live and unconfirmed)")
      ->check(CLI::IsMember({"live", "unconfirmed", "drained", "quarantined", "all"}));
  app.add_flag("--unwrap", unwrap, "Also write the mails in journal reports; push only them");
  app.add_option("--envelope", envelope, "Write envelopes as files or fields; push to the original")
      ->check(CLI::IsMember({"none", "sidecar", "headers", "original"}));
  app.add_option("--manifest", manifest, "List every message in FILE, as JSON lines")->type_name("FILE");
  app.add_option("--cursor", cursor, "Export only mail stored since the run that wrote FILE")
      ->type_name("FILE");
  app.add_option("--jobs", jobs, "Write this many files, or use this many connections")
      ->check(CLI::Range(1U, 64U))
      ->type_name("N");
  app.add_flag("--remove", remove, "Drain messages that were written and read back, or pushed");
  app.add_option("--drain-batch", drain_batch, "Drain this many messages together, for tests only")
      ->check(CLI::Range(std::size_t{1}, vault::Drain::kMaxMessages))
      ->group("");
  app.add_flag("--resume", resume, "Continue an earlier export; compare what exists");
  declare_push(app);
}

void Options::declare_push(CLI::App& app) {
  cli::repeatable(
      app.add_option("--rcpt", recipients, "Push the mail to this address (repeatable)")->type_name("ADDR"));
  app.add_option("--from", sender, "Push with this envelope sender (default: none)")->type_name("ADDR");
  app.add_option("--tls", tls, "Choose how TLS to the server begins; none: no TLS")
      ->check(CLI::IsMember({"implicit", "starttls", "none"}));
  app.add_option("--ca", ca_file, "Trust these CA certificates (else the system's)")->type_name("FILE");
  app.add_option("--pin", pin, "Accept only the certificate with this SHA-256")->type_name("SHA256");
  app.add_option("--user", user, "Log in to the server with this name")->type_name("NAME");
  user_password.declare(app);
  app.add_flag("--follow", follow, "Go on pushing new mail until SIGTERM")->needs(app.get_option("--remove"));
}

Result<store::MailboxRecord> Options::find_mailbox(store::Store& store) const {
  // NotFound alone would be status 66, which means a missing input file.
  auto found = vault::find_mailbox(store, mailbox);
  if (found || found.error().code() != Code::NotFound) return found;
  return Error(Code::NotFound, "no mailbox `" + mailbox + "`")
      .with_exit_status(kExitNoMailbox)
      .with_hint("gw-store mailbox list");
}

}  // namespace gw::cmd
