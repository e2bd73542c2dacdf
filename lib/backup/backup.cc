#include "backup/backup.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <set>
#include <unordered_map>

#include "backup/manifest.h"
#include "base/counted.h"
#include "vault/maintenance_log.h"

namespace gw::backup {
namespace {

// Bytes that are written between two flushes of the manifest, i.e. what an interrupted backup
// copies again at most.
constexpr std::uint64_t kFlushStep = 4 << 20;

// Returns what identifies a file that never changes. The name is not enough: after a vault was
// restored to an earlier state, RocksDB may use the number of a file for another one. A new file
// has another inode, or at least other times of birth and last write. Empty if the file system does
// not tell.
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

// An existing backup, complete or interrupted, with its files that never change.
struct Previous {
  std::string name;
  Tree tree;
  std::unordered_map<std::string, Listed> files;
  bool whole = true;  // false: left by an interrupted run
};
// A file in an existing backup.
struct Known {
  const Previous* in = nullptr;
  const Listed* file = nullptr;
};

// Adds an error of a step after the backup was complete to those of earlier steps. The code is that
// of the first.
void add_afterwards(Report& report, const Error& error) {
  report.afterwards = report.afterwards
                          ? Error(report.afterwards->code(), report.afterwards->text() + "; " + error.text())
                          : error.within("the backup is complete, but");
}

class Run {
 public:
  Run(store::Store& store, const Options& options, const Destination& destination, const Pulse& pulse)
      : store_(store), options_(options), destination_(destination), pulse_(pulse) {}

  Result<Report> run() {
    const auto vault = store_.vault_id();
    if (!vault) return vault.error();
    report_.vault = *vault;
    // The order: only what was copied completely is read back, only what was read back intact is
    // published, and leftovers of interrupted runs, which serve as a source of links until then,
    // are removed last.
    if (auto found = find_previous(); !found) return found.error();
    if (auto copied = copy_all(); !copied) return copied.error();
    if (auto checked = read_back(); !checked) return checked.error();
    auto name = destination_.publish(*tree_, report_.time);
    if (!name) return name.error();
    report_.name = std::move(*name);
    // The backup is complete and stays, so this is no reason to report that there is none.
    if (auto removed = destination_.remove_left(); !removed)
      add_afterwards(report_, removed.error().within("cannot remove an interrupted backup"));
    return std::move(report_);
  }

 private:
  Result<void> find_previous() {
    const auto names = destination_.complete();
    if (!names) return names.error();
    if (!names->empty()) {
      if (auto found = look_into_newest(names->back()); !found) return found;
    }
    const auto left = destination_.left();
    if (!left) return left.error();
    for (const std::string& name : *left) look_into_left(name);
    return {};
  }

  Result<void> look_into_newest(const std::string& name) {
    auto tree = destination_.open_snapshot(name);
    if (!tree) return tree.error();
    auto manifest = ManifestReader::open(*tree);
    if (!manifest && manifest.error().code() == Code::Corrupt) {
      // The older backup is useless for linking, but that is no reason not to make a new one. The
      // user is told.
      report_.damaged.add(name + "/" + kManifest);
      return {};
    }
    if (!manifest) return manifest.error();
    // Also without --incremental, since --keep would remove the other vault's backups.
    if (manifest->heading().vault != report_.vault)
      return Error(Code::Exists, destination_.path() + ": contains backups of another vault");
    if (!options_.incremental) return {};
    return remember({name, std::move(*tree), {}}, *manifest);
  }

  // Uses an interrupted backup as far as its manifest can be read; everything else is copied again,
  // so errors are ignored.
  void look_into_left(const std::string& name) {
    auto tree = destination_.open_snapshot(name);
    if (!tree) return;
    auto manifest = ManifestReader::open_unfinished(*tree);
    if (!manifest || manifest->heading().vault != report_.vault) return;
    static_cast<void>(remember({name, std::move(*tree), {}, false}, *manifest));
  }

  Result<void> remember(Previous previous, ManifestReader& manifest) {
    for (;;) {
      auto file = manifest.next();
      if (!file) return file.error();
      if (!*file) break;
      // Files that change, e.g. db/CURRENT, are always copied.
      if (!(*file)->source.empty()) previous.files.emplace((*file)->name, **file);
    }
    previous_.push_back(std::move(previous));
    return {};
  }

  Result<void> copy_all() {
    // Checkpoint, tree head, snapshot, in this order: so the snapshot contains both, and the
    // restored history can be checked against them. In the other order, the manifest could name a
    // head that the backup does not reach.
    Heading heading;
    heading.vault = report_.vault;
    if (options_.sign) {
      auto note = store_.checkpoint(options_.actor);
      if (note) {
        heading.checkpoint = std::move(*note);
        // Config: the keeper has no history key. A backup without a signature is better than none.
      } else if (note.error().code() != Code::Config) {
        return note.error();
      }
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
    std::uint64_t flushed = 0;
    // Without these no program opens the copy. The keeper is trusted to send everything, but a
    // fault in it would otherwise only be noticed when the backup is needed.
    std::set<std::string> missing{"format", "head", "db/CURRENT"};
    for (;;) {
      auto file = (*snapshot)->next();
      if (!file) return file.error();
      if (!*file) break;
      missing.erase((*file)->name);
      auto listed = take(**file);
      if (!listed) return listed.error();
      if (auto added = manifest->add(*listed); !added) return added;
      // So that a run which continues after an interruption knows what is there.
      if (report_.written_bytes < flushed + kFlushStep) continue;
      if (auto written = manifest->flush(); !written) return written;
      flushed = report_.written_bytes;
    }
    // The list of the snapshot has ended.
    if (!missing.empty()) return Error(Code::Corrupt, "the snapshot has no " + *missing.begin());
    // Empty directories are not in the snapshot, and the store expects this one.
    if (auto made = tree_->make_folder("large/tmp"); !made) return made;
    report_.files = manifest->files();
    report_.size = manifest->size();
    return manifest->finish();
  }

  Result<Listed> take(const store::SnapshotFile& file) {
    struct stat found {};
    // The name comes over the socket and becomes a path here, so it is checked like any input.
    if (!valid_name(file.name) || ::fstat(file.content.get(), &found) != 0 || !S_ISREG(found.st_mode))
      return Error(Code::BadInput, "the keeper's snapshot contains an unexpected file");
    Listed listed{file.name, file.size, {}, file.immutable ? identity(file.content.get()) : ""};
    const Known known = file.immutable ? before(file) : Known();
    // Same name, size and identity: the same file, so its content need not be read from the vault.
    // If it cannot be linked, it is copied as any other.
    const bool same = known.file != nullptr && !listed.source.empty() && known.file->source == listed.source;
    if (same) {
      const auto linked = link(known);
      if (!linked) return linked.error();
      listed.sha256 = known.file->sha256;
      if (*linked) return listed;
    }
    const auto written = tree_->write(file.name, file.content.get(), pulse_);
    if (!written) return written.error();
    // The file changed while it was copied, or was cut off. Both must not happen in a snapshot.
    if (written->size != file.size)
      return Error(Code::Io, file.name + ": has " + counted(written->size, "byte") + ", not " +
                                 std::to_string(file.size));
    listed.sha256 = written->sha256;
    // The content is the same although the identity differs, e.g. after the vault itself was copied
    // or restored. Link to the older copy instead of keeping two.
    if (known.file != nullptr && !same && known.file->sha256 == listed.sha256) {
      tree_->remove(file.name);
      const auto linked = link(known);
      if (!linked) return linked.error();
      if (*linked) return listed;
      if (::lseek(file.content.get(), 0, SEEK_SET) != 0) return Error::from_errno(file.name);
      if (auto again = tree_->write(file.name, file.content.get(), pulse_); !again) return again.error();
    }
    ++report_.written_files;
    report_.written_bytes += listed.size;
    return listed;
  }

  Known before(const store::SnapshotFile& file) const {
    // The newest complete backup first: its files were read back when it was written.
    for (const Previous& previous : previous_) {
      const auto found = previous.files.find(file.name);
      if (found != previous.files.end() && found->second.size == file.size)
        return {&previous, &found->second};
    }
    return {};
  }

  // Links the file. Returns false if it has to be copied instead. A file of an older backup that no
  // longer has its digest is never linked, so one damaged backup does not spoil all later ones.
  Result<bool> link(const Known& known) {
    const std::string& name = known.file->name;
    // Files of an interrupted run were never read back, so they are read even with --quick.
    if (!options_.quick || !known.in->whole) {
      const auto digest = known.in->tree.digest(name, pulse_);
      const Code code = digest ? Code::Corrupt : digest.error().code();
      // The user has interrupted the run.
      if (code == Code::Busy) return digest.error();
      if (!digest || *digest != known.file->sha256) {
        if (known.in->whole) report_.damaged.add(known.in->name + "/" + name);
        return false;
      }
    }
    return tree_->link(known.in->tree, name);
  }

  // Reads back everything that was written and compares it with the manifest, because a disk or a
  // network file system may report success and store something else.
  Result<void> read_back() {
    auto manifest = ManifestReader::open(*tree_);
    if (!manifest) return manifest.error();
    for (;;) {
      const auto file = manifest->next();
      if (!file) return file.error();
      if (!*file) return {};
      if (tree_->shared((*file)->name)) continue;  // link() has read it, unless --quick
      const auto digest = tree_->digest((*file)->name, pulse_);
      if (!digest) return digest.error();
      if (*digest != (*file)->sha256)
        return Error(Code::Io, tree_->shown() + "/" + (*file)->name + ": differs from what was written");
    }
  }

  store::Store& store_;
  const Options& options_;
  const Destination& destination_;
  const Pulse& pulse_;
  Report report_;
  std::vector<Previous> previous_;  // the newest complete one, then the interrupted ones
  std::optional<Tree> tree_;
};

}  // namespace

Result<Report> copy_into(const Destination& destination, store::Store& store, const Options& options,
                         const Pulse& pulse) {
  return Run(store, options, destination, pulse).run();
}

Result<Report> back_up(store::Store& store, const Options& options, const Pulse& pulse) {
  auto destination = Destination::open(options.to);
  if (!destination) return destination.error();
  auto report = copy_into(*destination, store, options, pulse);
  if (!report) {
    // No user would look for the part, and it may be large. A migration keeps it, see copy_into().
    destination->abandon();
    return report;
  }
  // The backup is complete and stays, whatever happens from here on; so errors go into the report.
  // Older backups are removed only now, when there is a newer one.
  const vault::BackupNote note{report->time, report->commits, report->files, report->size};
  if (auto noted = vault::note_backup(store, note, options.actor); !noted)
    add_afterwards(*report, noted.error().within("cannot record the backup in the vault"));
  auto removed = destination->remove_older(options.keep);
  if (removed) {
    report->removed = std::move(*removed);
  } else {
    add_afterwards(*report, removed.error().within("cannot remove an older backup"));
  }
  return report;
}

}  // namespace gw::backup
