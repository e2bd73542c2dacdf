#include "backup/restore.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <iterator>

#include "backup/destination.h"
#include "base/counted.h"
#include "base/exit_status.h"
#include "base/text.h"
#include "transfer/part_file.h"

namespace gw::backup {
namespace {

constexpr char kRestoreName[] = ".restore";
constexpr char kFormatName[] = "format";
// Entries that an interrupted publish() may have moved: everything in a vault except `format`,
// which is moved last.
constexpr std::array<std::string_view, 6> kVaultEntries{"db",   "large",   "lost",
                                                        "head", "ballast", "history.key"};

Result<std::vector<std::string>> names_in(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(path, error), end; !error && at != end; at.increment(error))
    names.push_back(at->path().filename().string());
  if (error) return Error::from_errno(path, error.value());
  return names;
}

void remove(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

}  // namespace

Result<Source> Source::open(const std::string& path) {
  auto tree = Tree::open(AT_FDCWD, path, path);
  if (!tree) return tree.error();
  auto manifest = ManifestReader::open(*tree);
  // The path is not a backup itself, so it may be a directory with several.
  if (!manifest && manifest.error().code() == Code::NotFound) {
    const auto names = Destination::complete_in(tree->root(), path);
    if (!names) return names.error();
    if (names->empty()) return Error(Code::NotFound, path + ": is not a backup and contains none");
    const auto all = Destination::named_in(tree->root(), path);
    if (!all) return all.error();
    const int parent = tree->root();
    auto newest = Tree::open(parent, names->back(), path + "/" + names->back());
    if (!newest) return newest.error();
    manifest = ManifestReader::open(*newest);
    if (!manifest) return manifest.error();
    Source source(std::move(*newest), std::move(*manifest));
    std::ranges::set_difference(*all, *names, std::back_inserter(source.incomplete_));
    return source;
  }
  if (!manifest) return manifest.error();
  return Source(std::move(*tree), std::move(*manifest));
}

Result<std::uint64_t> Source::copy(Tree* to, const Damaged& damaged, const Pulse& pulse) {
  std::uint64_t bad = 0;
  for (;;) {
    const auto file = manifest_.next();
    if (!file) return file.error();
    if (!*file) break;
    const std::string& name = (*file)->name;
    const auto wrong = [&](std::string_view what) {
      ++bad;
      if (damaged) damaged(name, what);
    };
    const auto from = tree_.read(name);
    if (!from) {
      // Continue after a damaged file: the user wants to know the whole extent, e.g. to choose
      // another backup or gw-store salvage. Errors that are not about this file end the restore.
      const bool missing = from.error().code() == Code::NotFound;
      if (!missing && from.error().code() != Code::BadInput) return from.error();
      wrong(missing ? "is missing" : "is not a regular file");
      continue;
    }
    const auto went = to != nullptr ? to->write(name, from->get(), pulse)
                                    : backup::copy(from->get(), -1, tree_.shown() + "/" + name, pulse);
    // A sector that cannot be read is damage of the backup. Any other error may concern the target,
    // e.g. a full disk.
    if (!went && went.error().number() == EIO) {
      wrong("cannot be read");
    } else if (!went) {
      return went.error();
    } else if (went->size != (*file)->size) {
      wrong("has " + counted(went->size, "byte") + ", not " + std::to_string((*file)->size));
    } else if (went->sha256 != (*file)->sha256) {
      wrong("differs from what was written");
    }
  }
  return bad;
}

Result<Target> Target::open(const std::string& path) {
  Target target;
  target.path_ = path;
  target.made_ = ::mkdir(path.c_str(), 0700) == 0;
  if (!target.made_ && errno != EEXIST) return transfer::create_error(path);
  target.folder_ = Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat found {};
  if (!target.folder_ || ::fstat(target.folder_.get(), &found) != 0) return transfer::create_error(path);

  const auto names = names_in(path);
  if (!names) return names.error();
  // The directory may be used if it is empty, or if .restore proves that everything in it was put
  // there by a restore that did not finish. One unknown name, and nothing is touched.
  const bool left = std::ranges::find(*names, kRestoreName) != names->end();
  const bool ours = std::ranges::all_of(*names, [](const std::string& name) {
    return name == kRestoreName || std::ranges::find(kVaultEntries, name) != kVaultEntries.end();
  });
  if (!names->empty() && !(left && ours)) {
    // The destructor must not remove it.
    target.made_ = false;
    return Error(Code::Exists, path + ": is not empty");
  }
  // .restore is removed last: an interruption before that leaves the proof that the rest may be
  // removed.
  for (const std::string& name : *names) {
    if (name != kRestoreName) remove(path + "/" + name);
  }
  remove(path + "/" + kRestoreName);

  std::optional<Owner> owner;
  // The keeper runs as the owner of the directory and must be able to open the files.
  if (::geteuid() == 0 && found.st_uid != 0) owner = Owner{found.st_uid, found.st_gid};
  auto tree = Tree::make(target.folder_.get(), kRestoreName, path + "/" + kRestoreName, owner);
  if (!tree) return tree.error();
  target.tree_.emplace(std::move(*tree));
  return target;
}

Target::Target(Target&& other) noexcept
    : path_(std::move(other.path_)),
      folder_(std::move(other.folder_)),
      // The destructor of `other` must remove neither the directory nor the tree.
      made_(std::exchange(other.made_, false)),
      tree_(std::move(other.tree_)) {
  other.tree_.reset();
}

Target::~Target() {
  if (tree_) remove(path_ + "/" + kRestoreName);
  // Succeeds only if the directory is empty, i.e. if publish() has not put anything into it.
  if (made_) ::rmdir(path_.c_str());
}

Result<void> Target::room_for(std::uint64_t size) const {
  struct statvfs found {};
  if (::fstatvfs(folder_.get(), &found) != 0) return Error::from_errno(path_);
  const std::uint64_t room = static_cast<std::uint64_t>(found.f_bavail) * found.f_frsize;
  if (size <= room) return {};
  return Error(Code::Full,
               path_ + ": " + format_size(size) + " are needed, but only " + format_size(room) + " are free")
      .with_exit_status(kExitInputOutput);
}

Result<void> Target::publish() {
  // EPERM: the directory belongs to another user, who decides about its mode.
  if (::fchmod(folder_.get(), 0700) != 0 && errno != EPERM) return Error::from_errno(path_);
  if (auto synced = tree_->sync(); !synced) return synced;
  auto names = names_in(folder());
  if (!names) return names.error();
  // `lock` was created when the vault was opened for verification; the keeper creates its own.
  std::erase_if(*names, [](const std::string& name) { return name == kFormatName || name == "lock"; });
  const auto move = [&](const std::string& name) -> Result<void> {
    if (::renameat(tree_->root(), name.c_str(), folder_.get(), name.c_str()) != 0)
      return transfer::create_error(path_ + "/" + name);
    return {};
  };
  for (const std::string& name : *names) {
    if (auto moved = move(name); !moved) return moved;
  }
  // All names must be on the disk before `format` makes this directory a vault. Only renames are
  // needed, so there is no moment at which half of a file is there.
  if (::fsync(folder_.get()) != 0) return transfer::write_error(path_);
  if (auto moved = move(kFormatName); !moved) return moved;
  remove(folder());
  if (::fsync(folder_.get()) != 0) return transfer::write_error(path_);
  tree_.reset();
  if (!std::exchange(made_, false)) return {};
  const Fd parent(::openat(folder_.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // A new directory's name must survive a power failure too. If this user may not read the parent,
  // another user is responsible for it.
  if (parent) (void)::fsync(parent.get());
  return {};
}

}  // namespace gw::backup
