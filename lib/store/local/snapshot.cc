#include "store/local/snapshot.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "store/local/directory_list.h"

namespace gw::store {
namespace {

// The subdirectories of a snapshot in which next() looks for files, in this order. "" is the
// snapshot directory itself.
constexpr std::array<std::string_view, 4> kFolders{"", "db", "large", "lost"};

std::string parent_of(const std::string& vault) {
  return vault + "/snapshot";
}

Error no_room_for_snapshot() {
  return Error(Code::Full, "the vault's disk became full, so the snapshot was abandoned");
}

// Returns true for files whose content never changes: RocksDB never reuses the name of a table or
// blob file, and the name of a container is its message id. MANIFEST, CURRENT and the head file are
// copied each time.
bool never_changes(std::string_view folder, std::string_view name) {
  return folder == "large" || folder == "lost" ||
         (folder == "db" && (name.ends_with(".sst") || name.ends_with(".blob")));
}

// Links every file of a directory; the directory may be missing.
Result<void> link_folder(const std::string& from, const std::string& to) {
  const auto names = names_in(from);
  if (!names && names.error().code() == Code::NotFound) return {};
  if (!names) return names.error();
  if (::mkdir(to.c_str(), 0700) != 0) return Error::from_errno(to);
  for (const std::string& name : *names) {
    if (::link((from + "/" + name).c_str(), (to + "/" + name).c_str()) != 0)
      return Error::from_errno(to + "/" + name);
  }
  return {};
}

}  // namespace

// The directory of one snapshot. It is removed when the last holder releases it, or when the disk
// fills.
class SnapshotFolder {
 public:
  explicit SnapshotFolder(std::string path) : path_(std::move(path)) {}
  SnapshotFolder(const SnapshotFolder&) = delete;
  SnapshotFolder& operator=(const SnapshotFolder&) = delete;
  ~SnapshotFolder() { remove(); }

  const std::string& path() const { return path_; }
  bool given_up() const {
    const std::lock_guard lock(mutex_);
    return given_up_;
  }
  // Called by the upkeep thread while a backup reads. Open descriptors of the reader stay valid;
  // next() reports Full, so the incomplete copy is not taken for a backup.
  void give_up() {
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(given_up_, true)) return;
    }
    log::warning("snapshot abandoned", {{"directory", path_}, {"reason", "the disk is full"}});
    remove();
  }

 private:
  void remove() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
    if (error) log::warning("snapshot not removed", {{"directory", path_}, {"error", error.message()}});
    // Removes VAULT/snapshot if it is empty; it is not if another snapshot exists.
    std::filesystem::remove(std::filesystem::path(path_).parent_path(), error);
  }

  const std::string path_;
  mutable std::mutex mutex_;
  bool given_up_ = false;
};

namespace {

class LocalSnapshot : public Snapshot {
 public:
  LocalSnapshot(std::shared_ptr<SnapshotFolder> folder, std::uint64_t commits)
      : folder_(std::move(folder)), commits_(commits) {}

  std::uint64_t commits() const override { return commits_; }

  Result<std::optional<SnapshotFile>> next() override {
    for (;;) {
      // The check comes after the directory was read: a directory that give_up() is just emptying
      // looks like one whose files have all been listed.
      auto name = next_name();
      if (folder_->given_up()) return no_room_for_snapshot();
      if (!name) return name.error();
      if (name->empty()) return std::optional<SnapshotFile>();
      const std::string_view in = kFolders[at_ - 1];
      Fd fd(::openat(::dirfd(listing_.get()), name->c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
      struct stat found {};
      if (!fd || ::fstat(fd.get(), &found) != 0) return Error::from_errno("snapshot: " + *name);
      // Skips the subdirectories.
      if (!S_ISREG(found.st_mode)) continue;
      SnapshotFile file;
      file.immutable = never_changes(in, *name);
      file.name = in.empty() ? *name : std::string(in) + "/" + *name;
      file.size = static_cast<std::uint64_t>(found.st_size);
      file.content = std::move(fd);
      return std::optional(std::move(file));
    }
  }

 private:
  // Returns the next name, going through the directories; empty after the last one.
  Result<std::string> next_name() {
    for (;;) {
      if (listing_) {
        errno = 0;
        const dirent* entry = ::readdir(listing_.get());
        if (entry != nullptr && std::string_view(entry->d_name) != "." &&
            std::string_view(entry->d_name) != "..")
          return std::string(entry->d_name);
        if (entry != nullptr) continue;
        if (errno != 0) return Error::from_errno("cannot read the snapshot directory");
      }
      if (at_ == kFolders.size()) return std::string();
      const std::string path = folder_->path() + "/" + std::string(kFolders[at_++]);
      listing_.reset(::opendir(path.c_str()));
      if (!listing_ && errno != ENOENT) return Error::from_errno("cannot read the snapshot directory");
    }
  }

  struct Close {
    void operator()(DIR* folder) const { ::closedir(folder); }
  };

  const std::shared_ptr<SnapshotFolder> folder_;
  const std::uint64_t commits_;
  std::size_t at_ = 0;  // index in kFolders of the next directory
  std::unique_ptr<DIR, Close> listing_;
};

}  // namespace

void clear_snapshots(const std::string& vault) {
  std::error_code error;
  std::filesystem::remove_all(parent_of(vault), error);
  if (error)
    log::warning("snapshot not removed", {{"directory", parent_of(vault)}, {"error", error.message()}});
}

Result<std::shared_ptr<SnapshotFolder>> Snapshots::take() {
  const std::lock_guard lock(mutex_);
  if (const auto current = current_.lock(); current && !current->given_up())
    return Error(Code::Busy, "another backup of this vault is in progress");
  // Each snapshot has another name, because one that was given up may still be in the course of
  // removal. That removal may also delete the parent directory between the two mkdir calls here, so
  // they are repeated a few times.
  const std::string parent = parent_of(vault_);
  const std::string path = parent + "/" + std::to_string(++number_);
  for (int tries = 0; ::mkdir(parent.c_str(), 0700), ::mkdir(path.c_str(), 0700) != 0; ++tries) {
    if (errno != ENOENT || tries == 3) return Error::from_errno(path);
  }
  auto folder = std::make_shared<SnapshotFolder>(path);
  current_ = folder;
  return folder;
}

Result<std::unique_ptr<Snapshot>> Snapshots::make(const Engine& engine, LargeFiles& large,
                                                  const std::function<CommitPoint()>& point) {
  // The order of the steps below makes the snapshot consistent without stopping changes:
  //
  // 1. Removals of large files are held, so that every file that the database copy names still
  // exists when it is linked.
  //
  // 2. The commit point is read and written as the snapshot's head file before the database is
  // copied, so that the head is never newer than the database beside it. The other order would make
  // a restored vault look as if it had lost acknowledged mail.
  //
  // 3. The database is copied, which contains every commit up to that point and perhaps some later
  // ones.
  //
  // 4. The large files are linked. Files of messages committed after step 3 may be among them; a
  // vault restored from the snapshot removes them when it is opened.
  auto folder = take();
  if (!folder) return folder.error();
  const std::string& path = (*folder)->path();
  const std::shared_ptr<void> held = large.hold_removals();
  const CommitPoint reached = point();
  Result<void> made = HeadFile::create(path, {reached, false});
  if (made) made = engine.checkpoint(path + "/db");
  if (made) made = large.link_all(path + "/large");
  if (made) made = link_folder(vault_ + "/lost", path + "/lost");
  if (made && ::link((vault_ + "/format").c_str(), (path + "/format").c_str()) != 0)
    made = Error::from_errno(path + "/format");
  // Checked before the errors: if the disk filled meanwhile, errors of the steps are only a
  // consequence.
  if ((*folder)->given_up()) return no_room_for_snapshot();
  if (!made) return made.error().within("cannot create a snapshot");
  return std::unique_ptr<Snapshot>(std::make_unique<LocalSnapshot>(std::move(*folder), reached.number));
}

std::uint64_t Snapshots::last() {
  const std::lock_guard lock(mutex_);
  return number_;
}

Result<bool> Snapshots::remain(std::uint64_t number) {
  // The directory is asked and not the objects: a snapshot that is being removed still has files
  // that contain old data.
  const auto names = names_in(parent_of(vault_));
  if (!names && names.error().code() == Code::NotFound) return false;
  if (!names) return names.error();
  std::shared_ptr<SnapshotFolder> current;
  {
    const std::lock_guard lock(mutex_);
    current = current_.lock();
  }
  for (const std::string& name : *names) {
    const std::string path = parent_of(vault_) + "/" + name;
    const auto found = parse_number(name);
    if (!found || *found > number) continue;
    if (current && current->path() == path && !current->given_up()) return true;
    // It has ended, but could not be removed then, or is being removed at this moment.
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (error && error != std::errc::no_such_file_or_directory)
      return Error(Code::Io, "cannot remove " + path + ": " + error.message());
  }
  return false;
}

void Snapshots::give_up() {
  std::shared_ptr<SnapshotFolder> folder;
  {
    const std::lock_guard lock(mutex_);
    folder = current_.lock();
  }
  // Outside of the lock, because removing the files can take long.
  if (folder) folder->give_up();
}

}  // namespace gw::store
