// gw-store backup: copies the vault while it is in use. The copy belongs to the user who runs the
// command.
#include <CLI/CLI.hpp>
#include <filesystem>

#include "backup/backup.h"
#include "base/counted.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "net/serve.h"
#include "store/backup_list.h"
#include "store/commands.h"
#include "store/format.h"

namespace gw::cmd {
namespace {

constexpr std::size_t kMaxKept = 1'000'000;

struct BackupOptions {
  std::string to;
  bool incremental = false;
  bool quick = false;
  backup::Keep keep;
  bool list = false;
  bool json = false;
};

// Refuses a destination inside the vault. The vault's directory belongs to the keeper, and a backup
// must survive the loss of the vault. Symbolic links are resolved, also of a destination that does
// not exist yet.
Result<void> refuse_within(const std::string& vault, const std::string& to) {
  std::error_code ignored;
  const auto inner = std::filesystem::weakly_canonical(to, ignored);
  const auto outer = std::filesystem::weakly_canonical(vault, ignored);
  const auto relative = inner.lexically_relative(outer);
  // Empty: there is no relative path between the two, so they are unrelated.
  if (relative.empty() || *relative.begin() == "..") return {};
  return Error(Code::Usage, to + ": is inside the vault");
}

Json json_of(const backup::Report& report, const std::string& to) {
  Json object;
  object["path"] = to + "/" + report.name;
  object["vault"] = report.vault.hex();
  object["time"] = rfc3339(report.time);
  object["commits"] = report.commits;
  object["checkpoint"] = report.signed_checkpoint;
  object["files"] = report.files;
  object["octets"] = report.size;
  object["written_files"] = report.written_files;
  object["written_octets"] = report.written_bytes;
  object["damaged"] = std::vector(report.damaged.begin(), report.damaged.end());
  object["damaged_files"] = report.damaged.count();
  object["removed"] = report.removed;
  return object;
}

Result<int> back_up(const Commands& commands, const BackupOptions& options) {
  if (options.quick && !options.incremental) return Error(Code::Usage, "--quick requires --incremental");
  if (options.list) return list_backups(options.to, options.json);
  const auto config = commands.config();
  if (!config) return config.error();
  if (auto good = refuse_within(config->vault, options.to); !good) return good.error();
  auto store = commands.connect();
  if (!store) return store.error();

  // After SIGTERM and SIGINT the pulse returns false, and the incomplete backup is removed.
  net::stop::install();
  cli::Progress progress("bytes", 0, commands.program().quiet());
  std::uint64_t size = 0;
  const auto pulse = [&](std::uint64_t more) {
    progress.at(size += more);
    return !net::stop::requested();
  };
  backup::Options wanted{options.to, options.incremental, options.quick, options.keep, std::string(kActor)};
  const auto report = backup::back_up(**store, wanted, pulse);
  if (!report) return report.error();
  // The backup is good, so the command succeeds, but the user must see what failed afterwards.
  if (report->afterwards) commands.program().report(*report->afterwards);

  cli::Output output;
  if (options.json) {
    output.json(json_of(*report, options.to));
  } else {
    output.line("backup       " + options.to + "/" + report->name);
    output.line("as of        commit " + std::to_string(report->commits) + ", " + shown_time(report->time));
    output.line("files        " + std::to_string(report->files) + ", " + format_size(report->size));
    output.line("written      " + std::to_string(report->written_files) + ", " +
                format_size(report->written_bytes));
    for (const std::string& name : report->damaged)
      output.line("damaged      " + options.to + "/" + name +
                  ": in an older backup; this backup has a new copy");
    if (const std::uint64_t more = report->damaged.omitted(); more > 0)
      output.line("damaged      " + counted(more, "more file") + " in an older backup");
    if (!report->removed.empty())
      output.line("removed      " + counted(report->removed.size(), "older backup"));
  }
  // The new backup is intact. The status tells that an older one is not.
  return output.close(report->damaged.empty() ? kExitSuccess : kExitBadData);
}

}  // namespace

void add_backup(Commands& commands) {
  auto options = std::make_shared<BackupOptions>();
  CLI::App* command = commands.add(commands.root(), "backup", "Back up the vault while it is in use",
                                   [&commands, options] { return back_up(commands, *options); });
  command->add_option("DEST", options->to, "Directory that gets a subdirectory for each backup")->required();
  command->add_flag("--incremental", options->incremental, "Link files that the newest backup already has");
  command->add_flag("--quick", options->quick, "Do not read linked files again");
  const auto keep = [&](const char* name, std::size_t& to, const char* help) {
    command->add_option(name, to, help)->type_name("N")->check(CLI::Range(std::size_t{1}, kMaxKept));
  };
  keep("--keep", options->keep.last, "Then remove backups, but not the newest N");
  keep("--keep-daily", options->keep.daily, "... nor the newest of each of the last N days");
  keep("--keep-weekly", options->keep.weekly, "... nor the newest of each of the last N weeks");
  keep("--keep-monthly", options->keep.monthly, "... nor the newest of each of the last N months");
  CLI::Option* list = command->add_flag("--list", options->list, "Only list the backups in DEST");
  for (CLI::Option* other : command->get_options())
    if (other != list && !other->get_positional() && other != command->get_help_ptr()) list->excludes(other);
  command->add_flag("--json", options->json, "Print a JSON line");
}

}  // namespace gw::cmd
