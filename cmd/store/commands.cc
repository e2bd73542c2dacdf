#include "store/commands.h"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "keeper/start.h"
#include "vault/mailbox.h"
#include "vault/name_hint.h"

namespace gw::cmd {

CLI::App* Commands::add(CLI::App& parent, const std::string& name, const std::string& help, Job job) {
  CLI::App* command = parent.add_subcommand(name, help);
  command->group("Commands");
  // This only stores the job. It runs after the whole command line has been parsed, and its result
  // becomes the exit status, which a callback of CLI11 could only report by an exception.
  command->parse_complete_callback([this, job = std::move(job)] { chosen_ = job; });
  return command;
}

CLI::App* Commands::add_family(const std::string& name, const std::string& help) {
  CLI::App* family = root().add_subcommand(name, help);
  family->group("Commands");
  // `gw-store mailbox` alone is a mistake, and prints the help.
  family->require_subcommand(1);
  return family;
}

Result<std::unique_ptr<store::Store>> Commands::connect() const {
  const auto settings = config();
  if (!settings) return settings.error();
  return keeper::connect(keeper::place_of(settings->vault, settings->run),
                         {keeper::Role::Admin, std::string(kActor), true});
}

Result<void> purge(store::Store& store) {
  for (std::uint64_t number = 0;;) {
    // Each call waits a few seconds at most, so that no reply takes longer than a client waits.
    const auto purge = store.purge(number);
    if (!purge) return purge.error().within("cannot purge");
    if (purge->done) return {};
    number = purge->number;
  }
}

Result<void> become_owner(const std::string& folder) {
  struct stat state {};
  if (::geteuid() != 0 || ::stat(folder.c_str(), &state) != 0 || state.st_uid == 0) return {};
  // Groups first: after setuid(2) the process may no longer change them, and would keep those of
  // root.
  if (::setgroups(0, nullptr) != 0 || ::setgid(state.st_gid) != 0 || ::setuid(state.st_uid) != 0) {
    return Error::from_errno("cannot switch to the owner of " + folder);
  }
  return {};
}

Error after_showing(const Error& error, const std::string& not_done, const std::string& perhaps_done,
                    const std::string& hint) {
  // Every other error is certain: the change was not made.
  if (error.code() != Code::Unknown) return error.within(not_done);
  return error.within(perhaps_done).with_hint(hint);
}

Result<store::MailboxRecord> mailbox_named(store::Store& store, const std::string& name) {
  auto found = vault::find_mailbox(store, name);
  // Other errors, e.g. Unavailable, must not look like a missing mailbox: scripts test for exit
  // status 67.
  if (found || found.error().code() != Code::NotFound) return found;
  return Error(Code::NotFound, "no mailbox `" + name + "`")
      .with_exit_status(kExitNoMailbox)
      .with_hint(vault::mailbox_hint(store, name, "gw-store mailbox list"));
}

}  // namespace gw::cmd
