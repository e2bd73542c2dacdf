// gw-store salvage: makes a new vault from what can be read of a damaged one. This process opens
// both, so no keeper of the damaged vault may run. It reads the files of a local store, because the
// store itself may not open.
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "base/counted.h"
#include "cli/output.h"
#include "cli/password.h"
#include "cli/progress.h"
#include "seal/slot.h"
#include "store/commands.h"
#include "store/format.h"
#include "store/open/open_store.h"
#include "store/salvage/salvage.h"
#include "vault/checkpoint.h"
#include "vault/mailbox.h"
#include "vault/verify.h"

namespace gw::cmd {
namespace {

namespace fs = std::filesystem;

struct SalvageOptions {
  std::string from;
  std::string to;
  bool json = false;
};

void print(cli::Output& output, const store::SalvageLoss& loss, bool json) {
  if (!json) {
    output.line("lost         " +
                (loss.mailbox.zero() ? std::string("vault") : "mailbox " + loss.mailbox.hex()) +
                (loss.message ? ", message " + loss.message->hex() : "") + ": " + loss.why +
                (loss.file.empty() ? "" : "; see " + loss.file));
    return;
  }
  Json object;
  object["kind"] = "lost";
  object["mailbox"] = loss.mailbox.zero() ? Json() : Json(loss.mailbox.hex());
  object["message"] = loss.message ? Json(loss.message->hex()) : Json();
  json::put_text(object, "why", loss.why);
  object["file"] = loss.file.empty() ? Json() : Json(loss.file);
  output.json(object);
}

// Opens the new vault and verifies it, as `gw-store verify` does with any vault. Returns the number
// of findings.
Result<std::size_t> check(const std::string& folder) {
  store::OpenOptions opening;
  opening.path = folder;
  auto opened = store::open_store(opening);
  if (!opened) return opened.error().within("cannot open the new vault");
  const auto report = vault::verify(**opened);
  if (!report) return report.error().within("cannot verify the new vault");
  return report->findings.count();
}

// Moves a damaged history key into lost/, because no keeper starts with one: without a key the
// vault works and signs no checkpoints. Returns true if there was one.
Result<bool> set_aside_damaged_key(const std::string& vault) {
  const std::string path = vault + "/history.key";
  std::error_code failed;
  if (!fs::exists(path, failed)) return false;
  const auto key = cli::read_secret_file(path);
  if (key && vault::make_signer(*key)) return false;
  if (!key && key.error().code() != Code::BadInput) return key.error();
  if (::mkdir((vault + "/lost").c_str(), 0700) != 0 && errno != EEXIST)
    return Error::from_errno(vault + "/lost");
  if (::rename(path.c_str(), (vault + "/lost/history.key").c_str()) != 0) return Error::from_errno(path);
  return true;
}

Result<int> salvage(const Commands& commands, const SalvageOptions& options) {
  // The new vault belongs to the owner of the damaged one, whose keeper is to serve it.
  if (auto became = become_owner(options.from); !became) return became.error();
  cli::Output output;
  cli::Progress progress("salvaged", 0, commands.program().quiet());
  store::SalvageOptions wanted;
  wanted.from = options.from;
  wanted.to = options.to;
  wanted.actor = kActor;
  wanted.actor += " salvage";
  // The vault's id may be lost with its records. Each password slot contains it too. The store
  // cannot read slots itself, since it does not depend on lib/seal.
  wanted.vault_of_slot = [](ByteView slot) -> std::optional<VaultId> {
    const auto place = seal::place_of(slot);
    return place ? std::optional(place->vault) : std::nullopt;
  };
  wanted.recipient_of_settings = vault::recovery_digest;
  wanted.lost = [&](const store::SalvageLoss& loss) { print(output, loss, options.json); };
  wanted.progress = [&](std::uint64_t messages) { progress.at(messages); };
  auto report = store::salvage_local_store(wanted);
  if (!report) {
    if (report.error().code() == Code::Busy) return report.error().with_hint("stop the keeper first");
    return report.error().within("cannot salvage");
  }
  const auto damage = set_aside_damaged_key(options.to);
  if (!damage) return damage.error().within("cannot set the damaged history key aside");
  if (*damage) {
    ++report->losses;
    wanted.lost({{}, {}, "the history key is damaged and now lost/history.key: restore it from a copy", {}});
  }
  const auto findings = check(options.to);
  if (!findings) return findings.error();
  if (options.json) {
    Json object;
    object["kind"] = "summary";
    object["vault"] = report->vault.hex();
    object["path"] = options.to;
    object["mailboxes"] = report->mailboxes;
    object["accepted"] = report->accepted;
    object["kept"] = report->kept;
    object["gone"] = report->gone;
    object["lost"] = report->lost;
    object["set_aside"] = report->set_aside;
    object["losses"] = report->losses;
    object["findings"] = *findings;
    output.json(object);
  } else {
    const auto count = [](std::uint64_t number) { return std::to_string(number); };
    output.line("salvaged     " + counted(report->mailboxes, "mailbox", "mailboxes") + ", " +
                counted(report->kept, "message") + ", into " + options.to);
    output.line("accounted    " + count(report->accepted) + " accepted: " + count(report->kept) + " kept, " +
                count(report->gone) + " removed before, " + count(report->lost) + " lost");
    if (report->set_aside != 0)
      output.line("set aside    " + counted(report->set_aside, "sealed file") + " in " + options.to +
                  "/lost");
    if (*findings != 0)
      output.line("findings     " + count(*findings) + ": see gw-store --vault " + options.to + " verify");
  }
  // Findings of the new vault are worse than losses, which were expected and are recorded.
  if (*findings != 0) return output.close(kExitBadData);
  return output.close(report->losses == 0 ? kExitSuccess : kExitSomeFailed);
}

}  // namespace

void add_salvage(Commands& commands) {
  auto options = std::make_shared<SalvageOptions>();
  CLI::App* command =
      commands.add(commands.root(), "salvage", "Copy what is readable of a damaged vault to a new one",
                   [&commands, options] { return salvage(commands, *options); });
  command->add_option("SRC", options->from, "Directory of the damaged vault, which is not changed")
      ->required()
      ->type_name("DIR");
  command->add_option("--to", options->to, "Create the new vault in this absent or empty directory")
      ->required()
      ->type_name("DIR");
  command->add_flag("--json", options->json, "Print JSON lines");
}

}  // namespace gw::cmd
