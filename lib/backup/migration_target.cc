#include "backup/migration_target.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include "base/file.h"
#include "base/rename.h"
#include "base/text.h"
#include "transfer/part_file.h"

namespace gw::backup {
namespace {

using store::kMigrationFrom;
using store::kMigrationWork;

// Entries that publish() moves into the directory before it writes `format`, and that take_back()
// moves out again.
constexpr std::array<std::string_view, 6> kMovedEntries{"db", "large", "lost", "head", "history.key", "tls"};
// Entries of a copy that are not moved to the vault. `format` is written again, with the token of
// the migration.
constexpr std::array<std::string_view, 3> kOfTheCopy{"manifest", "format", "lock"};

bool is_there(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0;
}

Result<bool> is_empty(const std::string& path) {
  std::error_code error;
  const bool empty = std::filesystem::is_empty(path, error);
  if (error) return Error::from_errno(path, error.value());
  return empty;
}

Result<void> sync(int folder, const std::string& shown) {
  if (::fsync(folder) != 0) return transfer::write_error(shown);
  return {};
}

std::string origin(const VaultId& vault, const std::string& from) {
  return "vault " + vault.hex() + "\nfrom " + from + "\n";
}

// Checks that DIR/.migrate belongs to a migration of this vault from this directory. A run may have
// been killed before or while it wrote the file `from`, hence starts_with(): then nothing else is
// there yet.
Result<void> check_origin(const std::string& path, const VaultId& vault, const std::string& from) {
  const auto said = read_file(path + "/" + kMigrationWork + "/" + kMigrationFrom, 16 << 10);
  if (!said && said.error().code() == Code::NotFound) return {};
  if (!said) return said.error();
  if (origin(vault, from).starts_with(*said)) return {};
  return Error(Code::Exists, path + ": contains an interrupted migration of another vault or directory:\n" +
                                 printable(trim(*said)));
}

Result<void> say_origin(const std::string& work, const std::string& text) {
  const std::string path = work + "/" + kMigrationFrom;
  // Left by an interrupted run, complete. Anything else is a part of it, see check_origin(), and is
  // replaced.
  if (const auto said = read_file(path, 16 << 10); said && *said == text) return {};
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return Error::from_errno(path);
  return create_file(path, as_bytes(text), 0600);
}

Result<Fd> open_folder(const std::string& path) {
  Fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return transfer::create_error(path);
  return folder;
}

}  // namespace

Result<MigrationTarget> MigrationTarget::open(const std::string& path, const VaultId& vault,
                                              const std::string& from, bool resume,
                                              const NotMoved& not_moved) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return transfer::create_error(path);
  auto folder = open_folder(path);
  if (!folder) return folder.error();
  // An existing .migrate is the only sign that files in the directory belong to a migration and may
  // be touched.
  const std::string work = path + "/" + kMigrationWork;
  const bool unfinished = is_there(work);
  if (!unfinished) {
    const auto empty = is_empty(path);
    if (!empty) return empty.error();
    if (!*empty) return Error(Code::Exists, path + ": is not empty");
  } else if (auto ours = check_origin(path, vault, from); !ours) {
    return ours.error();
  } else if (!resume) {
    return Error(Code::Exists, path + ": contains an interrupted migration of this vault; --abort removes it")
        .with_hint("gw-store --vault " + from + " migrate --to " + path + " --resume");
  }
  // Takes the lock, so that from here on only one run is in progress. Only then is anything
  // changed.
  auto copies = Destination::open(work, true);
  if (!copies) return copies.error();
  MigrationTarget arrival(path, std::move(*folder), std::move(*copies), unfinished);
  if (auto said = say_origin(work, origin(vault, from)); !said) return said.error();
  // The interrupted run may have published a copy that is out of date now: the old vault went on
  // when its suspension ended.
  if (!arrival.published()) return arrival;
  if (auto stays = not_moved(); !stays) return stays.error();
  if (auto taken = arrival.take_back(); !taken) return taken.error();
  return arrival;
}

bool MigrationTarget::published() const {
  return is_there(path_ + "/format") || std::ranges::any_of(kMovedEntries, [&](std::string_view each) {
           return is_there(path_ + "/" + std::string(each));
         });
}

// Undoes publish() in reverse order. `format` is removed first, and the removal synced: from then
// on the directory is no vault, whatever the old vault's format says. If the files were moved
// first, an interruption would leave a directory that claims to be an arriving vault without its
// database. not_moved() has made sure that the old vault has not moved.
Result<void> MigrationTarget::take_back() const {
  if (is_there(path_ + "/format")) {
    const auto format = store::read_format(path_);
    if (!format) return format.error();
    // A vault that has arrived, or any other: never touch it.
    if (!format->arrival) return Error(Code::Exists, path_ + ": a vault already exists");
    if (::unlinkat(folder_.get(), "format", 0) != 0) return Error::from_errno(path_ + "/format");
    if (auto synced = sync(folder_.get(), path_); !synced) return synced;
  }
  const auto names = copies_.complete();
  if (!names) return names.error();
  for (const std::string_view each : kMovedEntries) {
    const std::string name(each);
    if (!is_there(path_ + "/" + name)) continue;
    // publish() takes its files from a complete copy, whose directory stays. Without one, these
    // files are not from here.
    if (names->empty())
      return Error(Code::Exists, path_ + "/" + name + ": does not belong to this migration");
    // Back into the copy they came from, where the next pass links them instead of copying
    // everything again. Older copies are removed after each pass, so the last one is the only one.
    const std::string to = path_of(names->back()) + "/" + name;
    if (!rename_new(folder_.get(), name, AT_FDCWD, to)) return Error::from_errno(to);
  }
  return {};
}

Result<void> MigrationTarget::add(const std::string& copy, const std::string& name,
                                  const Secret& content) const {
  auto tree = copies_.open_snapshot(copy);
  if (!tree) return tree.error();
  // An interrupted run may have added it already; the secret may have changed since.
  tree->remove(name);
  auto written = tree->write(name, content.view());
  if (!written) return written.error();
  return tree->sync();
}

Result<void> MigrationTarget::publish(const std::string& copy, const VaultId& vault,
                                      const store::Move& from) const {
  // Before the first file is in it: the history key must not be readable by others for a moment.
  if (::fchmod(folder_.get(), 0700) != 0) return Error::from_errno(path_);
  const std::string copied = path_of(copy);
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(copied, error), end; !error && at != end; at.increment(error))
    names.push_back(at->path().filename().string());
  if (error) return Error::from_errno(copied, error.value());
  // Renames cost nothing even for a large vault, which matters because the old vault is suspended
  // meanwhile. They need one file system, and .migrate is in the directory itself for that reason.
  // rename_new(): nothing of the user's is overwritten.
  for (const std::string& name : names) {
    if (std::ranges::find(kOfTheCopy, name) != kOfTheCopy.end()) continue;
    if (std::ranges::find(kMovedEntries, name) == kMovedEntries.end())
      return Error(Code::BadInput, copied + "/" + name + ": does not belong to a vault");
    if (!rename_new(AT_FDCWD, copied + "/" + name, folder_.get(), name))
      return transfer::create_error(path_ + "/" + name);
  }
  // All names must be on the disk before a format file says that the vault is complete here.
  if (auto synced = sync(folder_.get(), path_); !synced) return synced;
  if (auto said = store::replace_format(path_, {vault, {}, from}); !said) return said;
  // The directory itself may be new, so its name in the parent has to survive a power failure too.
  // Best effort: the parent may not be readable for this user.
  const Fd parent(::openat(folder_.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent) static_cast<void>(::fsync(parent.get()));
  return {};
}

Result<void> MigrationTarget::complete(const std::string& path) {
  // Compares the tokens in both format files, and then writes an ordinary format here. Only after
  // that are the copies superfluous: until then a further run may need them.
  if (auto arrived = store::confirm_arrival(path); !arrived) return arrived.error();
  return remove_tree(path + "/" + kMigrationWork);
}

Result<void> MigrationTarget::abandon(const std::string& path, const VaultId& vault, const std::string& from,
                                      const NotMoved& not_moved) {
  if (!is_there(path + "/" + kMigrationWork))
    return Error(Code::NotFound, path + ": contains no interrupted migration");
  // open() takes back what was published, so everything is in .migrate, and one removal is enough.
  auto arrival = open(path, vault, from, true, not_moved);
  if (!arrival) return arrival.error();
  return remove_tree(path + "/" + kMigrationWork);
}

}  // namespace gw::backup
