// gw-store repair: makes a vault writable again that has lost acknowledged commits. This process
// opens the store itself, so no keeper may run. What it compares, the database and the head file,
// belongs to a local store. gw-keeper(7) says when a vault is opened for reading only.
#include <CLI/CLI.hpp>

#include "base/counted.h"
#include "cli/output.h"
#include "cli/vault_hint.h"
#include "store/commands.h"
#include "store/format.h"
#include "store/local/local_store.h"

namespace gw::cmd {
namespace {

struct RepairOptions {
  bool accept_loss = false;
  bool json = false;
};

Result<int> repair(const Commands& commands, const RepairOptions& options) {
  const auto config = commands.config();
  if (!config) return config.error();
  const std::string& folder = config->vault;
  // Files that are written must belong to the keeper's user.
  if (auto became = become_owner(folder); !became) return became.error();
  store::LocalOptions local;
  local.path = folder;
  const auto loss = store::repair_local_store(std::move(local), options.accept_loss, kActor);
  if (!loss) {
    // Busy: a keeper has the vault lock.
    if (loss.error().code() != Code::Busy) return loss.error();
    return loss.error().with_hint("stop the keeper first, and all services that start it");
  }
  // Without --accept-loss nothing is changed, because a newer copy of the database may exist, e.g.
  // on another disk, and would lose nothing. The exit status says that the loss is still there.
  const bool left = *loss && !options.accept_loss;

  cli::Output output;
  if (options.json) {
    Json object;
    object["lost"] = loss->has_value();
    object["first_commit"] = *loss ? Json((*loss)->first) : Json();
    object["last_commit"] = *loss ? Json((*loss)->last) : Json();
    object["since"] = *loss ? Json(rfc3339((*loss)->since)) : Json();
    object["accepted"] = *loss && options.accept_loss;
    object["files"] = *loss ? (*loss)->files : 0;
    output.json(object);
  } else if (!*loss) {
    output.line("nothing to repair");
  } else {
    output.line("lost         commits " + std::to_string((*loss)->first) + " to " +
                std::to_string((*loss)->last) + ", made after " + rfc3339((*loss)->since));
    if (left) {
      output.line("next         find a newer copy of the database, or run " +
                  cli::for_this_vault("gw-store repair --accept-loss"));
    } else {
      output.line("accepted     recorded as a gap in every history; the vault accepts mail again");
      if ((*loss)->files != 0)
        output.line("set aside    " + counted((*loss)->files, "sealed file") + " in " + folder + "/lost");
    }
  }
  return output.close(left ? kExitBadData : kExitSuccess);
}

}  // namespace

void add_repair(Commands& commands) {
  auto options = std::make_shared<RepairOptions>();
  CLI::App* command =
      commands.add(commands.root(), "repair", "Report what a read-only vault has lost, and repair it",
                   [&commands, options] { return repair(commands, *options); });
  command->add_flag("--accept-loss", options->accept_loss,
                    "Record the loss in the histories and accept mail again");
  command->add_flag("--json", options->json, "Print a JSON line");
}

}  // namespace gw::cmd
