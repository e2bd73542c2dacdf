#include "keeper/as_owner.h"

#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace gw::keeper {

AsOwner::AsOwner(const Owner& owner) : changed_(::geteuid() == 0 && owner.uid != 0) {
  if (!changed_) return;
  ::setfsgid(owner.gid);
  ::setfsuid(owner.uid);
}

AsOwner::~AsOwner() {
  if (!changed_) return;
  ::setfsuid(::geteuid());
  ::setfsgid(::getegid());
}

bool within_vault(const Place& place) {
  return place.run.starts_with(place.vault + "/");
}

Result<void> make_run_folder(const Place& place, const Owner& owner) {
  const mode_t mode = within_vault(place) ? 0700 : 0755;
  {
    const AsOwner as_owner(owner);
    if (::mkdir(place.run.c_str(), mode) == 0) {
      if (::chmod(place.run.c_str(), mode) != 0) return Error::from_errno(place.run);
      return {};
    }
  }
  if (errno == EEXIST) return {};
  // /run is root's, and the owner cannot make a folder there.
  if (errno != EACCES || ::geteuid() != 0 || within_vault(place)) return Error::from_errno(place.run);
  if (::mkdir(place.run.c_str(), mode) != 0) return Error::from_errno(place.run);
  if (::chmod(place.run.c_str(), mode) != 0 || ::lchown(place.run.c_str(), owner.uid, owner.gid) != 0) {
    return Error::from_errno(place.run);
  }
  return {};
}

}  // namespace gw::keeper
