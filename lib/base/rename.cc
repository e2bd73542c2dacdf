#include "base/rename.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace gw {

bool rename_new(int from_folder, const std::string& from, int to_folder, const std::string& to) {
  if (::renameat2(from_folder, from.c_str(), to_folder, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS) return false;
  return detail::rename_new_by_link(from_folder, from, to_folder, to);
}

namespace detail {

bool rename_new_by_link(int from_folder, const std::string& from, int to_folder, const std::string& to) {
  if (::linkat(from_folder, from.c_str(), to_folder, to.c_str(), 0) == 0) {
    if (::unlinkat(from_folder, from.c_str(), 0) == 0) return true;
    const int error = errno;
    ::unlinkat(to_folder, to.c_str(), 0);
    errno = error;
    return false;
  }
  // The system refuses links to directories, and some file systems have none at all.
  if (errno != EPERM && errno != EOPNOTSUPP) return false;
  struct stat found {};
  if (::fstatat(to_folder, to.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0) {
    errno = EEXIST;
    return false;
  }
  return errno == ENOENT && ::renameat(from_folder, from.c_str(), to_folder, to.c_str()) == 0;
}

}  // namespace detail

}  // namespace gw
