#include "backup/backup.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <set>
#include <unordered_map>

#include "backup/destination.h"
#include "backup/manifest.h"
#include "vault/upkeep.h"

namespace gw::backup {
namespace {

// Which file this is, so that it is known again: RocksDB may give the number of a file to another one after a
// vault was put back to an earlier state, but not its inode with its times of birth and of the last write.
std::string identity(int fd) {
  struct statx found {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MTIME | STATX_BTIME, &found) != 0) return {};
  const auto at = [](const statx_timestamp& time) {
    return std::to_string(time.tv_sec) + "." + std::to_string(time.tv_nsec);
  };
  const bool birth = (found.stx_mask & STATX_BTIME) != 0;
  return std::to_string(found.stx_ino) + " " + at(found.stx_mtime) + " " +
         (birth ? at(found.stx_btime) : "-");
}

// The newest one that is there, by name of its files that never change.
struct Previous {
  std::string name;
  Tree tree;
  std::unordered_map<std::string, Listed> files;
};

class Run {
 public:
  Run(store::Store& store, const Options& options, const Destination& destination, const Pulse& pulse)
      : store_(store), options_(options), destination_(destination), pulse_(pulse) {}

  Result<Report> run() {
    const auto vault = store_.vault_id();
    if (!vault) return vault.error();
    report_.vault = *vault;
    if (auto found = find_previous(); !found) return found.error();
    if (auto copied = copy_all(); !copied) return copied.error();
    if (auto checked = read_back(); !checked) return checked.error();
    auto name = destination_.publish(*tree_, report_.time);
    if (!name) return name.error();
    report_.name = std::move(*name);
    return std::move(report_);
  }

 private:
  Result<void> find_previous() {
    const auto names = destination_.complete();
    if (!names) return names.error();
    if (names->empty()) return {};
    auto tree = destination_.open_snapshot(names->back());
    if (!tree) return tree.error();
    auto manifest = ManifestReader::open(*tree);
    if (!manifest && manifest.error().code() == Code::Corrupt) {
      report_.damaged.push_back(names->back() + "/" + kManifest);
      return {};
    }
    if (!manifest) return manifest.error();
    if (manifest->heading().vault != report_.vault)
      return Error(Code::Exists, destination_.path() + ": holds backups of another vault");
    if (!options_.incremental) return {};
    Previous previous{names->back(), std::move(*tree), {}};
    for (;;) {
      auto file = manifest->next();
      if (!file) return file.error();
      if (!*file) break;
      if (!(*file)->source.empty()) previous.files.emplace((*file)->name, **file);
    }
    previous_.emplace(std::move(previous));
    return {};
  }

  Result<void> copy_all() {
    // Signed before, so that what is copied goes through it.
    Heading heading;
    heading.vault = report_.vault;
    auto note = store_.checkpoint(options_.actor);
    if (note) {
      heading.checkpoint = std::move(*note);
    } else if (note.error().code() != Code::Config) {
      return note.error();
    }
    report_.signed_checkpoint = !heading.checkpoint.empty();
    const auto head = store_.history_head({});
    if (!head) return head.error();
    heading.history = *head;
    report_.time = heading.time = now();
    const auto snapshot = store_.snapshot();
    if (!snapshot) return snapshot.error();
    report_.commits = heading.commits = (*snapshot)->commits();

    auto tree = destination_.begin();
    if (!tree) return tree.error();
    tree_.emplace(std::move(*tree));
    auto manifest = ManifestWriter::begin(*tree_, heading);
    if (!manifest) return manifest.error();
    std::set<std::string> missing{"format", "head", "db/CURRENT"};
    for (;;) {
      auto file = (*snapshot)->next();
      if (!file) return file.error();
      if (!*file) break;
      missing.erase((*file)->name);
      auto listed = take(**file);
      if (!listed) return listed.error();
      if (auto added = manifest->add(*listed); !added) return added;
    }
    if (!missing.empty()) return Error(Code::Corrupt, "the snapshot has no " + *missing.begin());
    if (auto made = tree_->make_folder("large/tmp"); !made) return made;
    report_.files = manifest->files();
    report_.octets = manifest->octets();
    return manifest->finish();
  }

  Result<Listed> take(const store::SnapshotFile& file) {
    struct stat found {};
    if (!valid_name(file.name) || ::fstat(file.content.get(), &found) != 0 || !S_ISREG(found.st_mode))
      return Error(Code::BadInput, "the keeper's snapshot holds what is no file of a vault");
    Listed listed{file.name, file.octets, {}, file.immutable ? identity(file.content.get()) : ""};
    const Listed* const known = file.immutable ? before(file) : nullptr;
    const bool same = known != nullptr && !listed.source.empty() && known->source == listed.source;
    if (same) {
      const auto linked = link(*known);
      if (!linked) return linked.error();
      listed.sha256 = known->sha256;
      if (*linked) return listed;
    }
    const auto written = tree_->write(file.name, file.content.get(), pulse_);
    if (!written) return written.error();
    if (written->octets != file.octets)
      return Error(Code::Io, file.name + ": has " + std::to_string(written->octets) + " octets, not " +
                                 std::to_string(file.octets));
    listed.sha256 = written->sha256;
    // Copied by somebody and the same all the same: once is enough.
    if (known != nullptr && !same && known->sha256 == listed.sha256) {
      tree_->remove(file.name);
      const auto linked = link(*known);
      if (!linked) return linked.error();
      if (*linked) return listed;
      if (::lseek(file.content.get(), 0, SEEK_SET) != 0) return Error::from_errno(file.name);
      if (auto again = tree_->write(file.name, file.content.get(), pulse_); !again) return again.error();
    }
    ++report_.written_files;
    report_.written_octets += listed.octets;
    return listed;
  }

  const Listed* before(const store::SnapshotFile& file) const {
    if (!previous_) return nullptr;
    const auto found = previous_->files.find(file.name);
    return found == previous_->files.end() || found->second.octets != file.octets ? nullptr : &found->second;
  }

  // False: it is to be written. One that is not what it should be is never passed on.
  Result<bool> link(const Listed& known) {
    if (!options_.quick) {
      const auto digest = previous_->tree.digest(known.name, pulse_);
      const Code code = digest ? Code::Corrupt : digest.error().code();
      if (code == Code::Busy) return digest.error();
      if (!digest || *digest != known.sha256) {
        report_.damaged.push_back(previous_->name + "/" + known.name);
        return false;
      }
    }
    return tree_->link(previous_->tree, known.name);
  }

  // What was written is what is on the disk.
  Result<void> read_back() {
    auto manifest = ManifestReader::open(*tree_);
    if (!manifest) return manifest.error();
    for (;;) {
      const auto file = manifest->next();
      if (!file) return file.error();
      if (!*file) return {};
      if (tree_->shared((*file)->name)) continue;  // linked: looked at before
      const auto digest = tree_->digest((*file)->name, pulse_);
      if (!digest) return digest.error();
      if (*digest != (*file)->sha256)
        return Error(Code::Io, tree_->shown() + "/" + (*file)->name + ": is not read back as it was written");
    }
  }

  store::Store& store_;
  const Options& options_;
  const Destination& destination_;
  const Pulse& pulse_;
  Report report_;
  std::optional<Previous> previous_;
  std::optional<Tree> tree_;
};

}  // namespace

Result<Report> back_up(store::Store& store, const Options& options, const Pulse& pulse) {
  auto destination = Destination::open(options.to);
  if (!destination) return destination.error();
  auto report = Run(store, options, *destination, pulse).run();
  if (!report) {
    destination->abandon();
    return report;
  }
  const vault::BackupNote note{report->time, report->commits, report->files, report->octets};
  if (auto noted = vault::note_backup(store, note, options.actor); !noted)
    report->afterwards = noted.error().within("the backup is complete, and the vault could not be told");
  if (options.keep) {
    auto removed = destination->remove_older(*options.keep);
    if (removed) {
      report->removed = std::move(*removed);
    } else {
      report->afterwards =
          removed.error().within("the backup is complete, and an older one could not be removed");
    }
  }
  return report;
}

}  // namespace gw::backup
