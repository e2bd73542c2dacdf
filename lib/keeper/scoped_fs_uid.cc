#include "keeper/scoped_fs_uid.h"

#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "keeper/sockets.h"

namespace gw::keeper {

ScopedFsUid::ScopedFsUid(const Owner& owner) : changed_(::geteuid() == 0 && owner.uid != 0) {
  if (!changed_) return;
  ::setfsgid(owner.gid);
  // While the file system user is not root, the kernel also ignores CAP_DAC_OVERRIDE and the like,
  // so that every access is checked exactly as if the owner made it.
  ::setfsuid(owner.uid);
}

ScopedFsUid::~ScopedFsUid() {
  if (!changed_) return;
  ::setfsuid(::geteuid());
  ::setfsgid(::getegid());
}

namespace {

// The name is derived from the directory's device and inode, because several paths may lead to one
// vault. /tmp is writable for every user, its sticky bit protects the entries of their owners, and
// it is empty after a boot, as sockets should be.
std::string stand_in_of(const struct stat& vault) {
  return "/tmp/gw-" + std::to_string(vault.st_uid) + "-" + std::to_string(vault.st_dev) + "-" +
         std::to_string(vault.st_ino);
}

// Any user may create a name in /tmp first. lstat(2) rejects a symbolic link, and owner and mode
// reject a directory in which another user could replace the sockets and so receive what clients
// send to the keeper.
bool owned_alone(const std::string& path, uid_t owner) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode) && found.st_uid == owner &&
         (found.st_mode & 077) == 0;
}

}  // namespace

bool is_private(const Place& place) {
  struct stat vault {};
  return place.run.starts_with(place.vault + "/") ||
         (::stat(place.vault.c_str(), &vault) == 0 && place.run == stand_in_of(vault));
}

std::optional<std::string> stand_in(const std::string& vault) {
  struct statvfs disk {};
  struct stat found {};
  if (::statvfs(vault.c_str(), &disk) != 0 || (disk.f_flag & ST_RDONLY) == 0) return std::nullopt;
  if (::stat(vault.c_str(), &found) != 0) return std::nullopt;
  // A keeper that was started before the file system became read-only still listens in VAULT/run
  // and has the vault open. A second one could not open it.
  if (connect_to(vault + "/run", std::string(name(Role::Append)))) return std::nullopt;
  const std::string path = stand_in_of(found);
  {
    const ScopedFsUid as_owner({found.st_uid, found.st_gid});
    (void)::mkdir(path.c_str(), 0700);
  }
  if (!owned_alone(path, found.st_uid)) return std::nullopt;
  return path;
}

Result<void> make_run_folder(const Place& place, const Owner& owner) {
  const mode_t mode = is_private(place) ? 0700 : 0755;
  {
    const ScopedFsUid as_owner(owner);
    if (::mkdir(place.run.c_str(), mode) == 0) {
      if (::chmod(place.run.c_str(), mode) != 0) return Error::from_errno(place.run);
      return {};
    }
  }
  // The destructor of ScopedFsUid ran in between; setfsuid(2) and setfsgid(2) do not set errno.
  if (errno == EEXIST) return {};
  // /run belongs to root, so the owner cannot create a directory there. Root creates it and gives
  // it to the owner. Not in the vault itself: a path below another user's directory may contain
  // symbolic links of that user.
  if (errno != EACCES || ::geteuid() != 0 || is_private(place)) return Error::from_errno(place.run);
  if (::mkdir(place.run.c_str(), mode) != 0) return Error::from_errno(place.run);
  if (::chmod(place.run.c_str(), mode) != 0 || ::lchown(place.run.c_str(), owner.uid, owner.gid) != 0) {
    return Error::from_errno(place.run);
  }
  return {};
}

}  // namespace gw::keeper
