#include "store/backup_list.h"

#include <fcntl.h>

#include <filesystem>

#include "backup/destination.h"
#include "backup/manifest.h"
#include "base/text.h"
#include "cli/output.h"
#include "store/commands.h"
#include "store/format.h"

namespace gw::cmd {
namespace {

class BackupList {
 public:
  explicit BackupList(bool json) : json_(json) {}

  void add(const std::string& path, const Result<backup::ManifestReader>& manifest) {
    const std::string name = std::filesystem::path(path).filename();
    const std::string trouble = manifest                                    ? ""
                                : manifest.error().code() == Code::NotFound ? "no manifest"
                                                                            : manifest.error().text();
    whole_ = whole_ && trouble.empty();
    if (json_) {
      Json object;
      json::put_text(object, "path", path);
      object["vault"] = manifest ? Json(manifest->heading().vault.hex()) : Json();
      object["time"] = manifest ? json_time(manifest->heading().time) : Json();
      object["commits"] = manifest ? Json(manifest->heading().commits) : Json();
      object["checkpoint"] = manifest ? Json(!manifest->heading().checkpoint.empty()) : Json();
      object["files"] = manifest ? Json(manifest->files()) : Json();
      object["octets"] = manifest ? Json(manifest->size()) : Json();
      object["trouble"] = trouble.empty() ? Json() : Json(valid_text(trouble));
      output_.json(object);
    } else if (manifest) {
      const backup::Heading& heading = manifest->heading();
      table_.row({name, shown_time(heading.time), std::to_string(heading.commits),
                  std::to_string(manifest->files()), format_size(manifest->size()), heading.vault.hex()});
    } else {
      table_.row({name, "-", "-", "-", "-", trouble});
    }
  }

  Result<int> close() {
    if (!json_) table_.print(output_);
    return output_.close(whole_ ? kExitSuccess : kExitSomeFailed);
  }

 private:
  bool json_;
  bool whole_ = true;
  cli::Output output_;
  cli::Table table_{{{"NAME"},
                     {"CREATED"},
                     {"COMMIT", cli::Table::Right},
                     {"FILES", cli::Table::Right},
                     {"SIZE", cli::Table::Right},
                     {"VAULT"}}};
};

}  // namespace

Result<int> list_backups(const std::string& path, bool json) {
  const auto tree = backup::Tree::open(AT_FDCWD, path, path);
  if (!tree) return tree.error();
  BackupList list(json);
  // The path may be a backup itself.
  const auto own = backup::ManifestReader::open(*tree);
  if (own || own.error().code() != Code::NotFound) {
    list.add(path, own);
    return list.close();
  }
  const auto names = backup::Destination::named_in(tree->root(), path);
  if (!names) return names.error();
  if (names->empty()) return Error(Code::NotFound, path + ": is not a backup and contains none");
  for (const std::string& name : *names) {
    const std::string shown = path + "/" + name;
    const auto each = backup::Tree::open(tree->root(), name, shown);
    list.add(shown,
             each ? backup::ManifestReader::open(*each) : Result<backup::ManifestReader>(each.error()));
  }
  return list.close();
}

}  // namespace gw::cmd
