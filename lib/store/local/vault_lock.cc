#include "store/local/vault_lock.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/file.h"
#include "base/text.h"
#include "store/local/local_store.h"

namespace gw::store {
namespace {

// Returns true if the path names this open file.
bool is_named(const Fd& fd, const std::string& path) {
  struct stat open {};
  struct stat named {};
  return ::fstat(fd.get(), &open) == 0 && ::lstat(path.c_str(), &named) == 0 && open.st_dev == named.st_dev &&
         open.st_ino == named.st_ino;
}

}  // namespace

Result<VaultLock> VaultLock::take(const std::string& vault) {
  const std::string path = vault + "/lock";
  bool folder = false;
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  // A vault on a read-only file system is still read by one process at a time: flock(2) works on a
  // read-only descriptor. Without a lock file there, the directory itself is locked.
  if (!fd && errno == EROFS) fd = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd && errno == ENOENT) {
    fd = Fd(::open(vault.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    folder = true;
  }
  if (!fd) return Error::from_errno(path);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Error::from_errno(path);
    const auto holder = read_file(path, 64);
    std::string text = "another process has the vault open";
    if (holder && !holder->empty()) text += ": pid " + printable(trim(*holder));
    return Error(Code::Busy, text);
  }
  // A `gw-store init` that fails removes the lock file that it holds. A process that had opened the
  // file before that now holds a lock which the next process does not see.
  if (!folder && !is_named(fd, path)) return Error(Code::Busy, "the vault's lock file has just been removed");
  // The pid only helps people. A full disk must not keep the holder out, so errors are ignored.
  const pid_t pid = ::getpid();
  const std::string text = std::to_string(pid) + "\n";
  if (::ftruncate(fd.get(), 0) == 0) {
    [[maybe_unused]] const auto written = ::pwrite(fd.get(), text.data(), text.size(), 0);
  }
  return VaultLock(std::move(fd), pid);
}

bool VaultLock::mine() const {
  return ::getpid() == pid_;
}

Result<VaultLock> VaultLock::shared() const {
  // A duplicate shares the lock: flock(2) belongs to the open file description, and is released
  // when its last descriptor is closed.
  Fd fd(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0));
  if (!fd) return Error::from_errno("cannot duplicate the vault lock");
  return VaultLock(std::move(fd), pid_);
}

Result<void> refuse_network(const std::string& path) {
  // Some of these numbers are not in linux/magic.h. A network file system may lose the lock or
  // acknowledge a sync before data is stable; a FUSE file system may keep its data anywhere.
  constexpr std::array<std::uint32_t, 12> kNetwork{
      // CIFS.
      NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, AFS_SUPER_MAGIC, CODA_SUPER_MAGIC, V9FS_MAGIC, 0xff534d42,
      0xfe534d42,  // SMB2
      0x00c36400,  // Ceph
      0x65735546,  // FUSE
      0x0bd00bd0,  // Lustre
      0x01161970,  // GFS2
      0x7461636f,  // OCFS2
  };
  struct statfs found {};
  if (::statfs(path.c_str(), &found) != 0) return Error::from_errno(path);
  const auto type = static_cast<std::uint32_t>(found.f_type);
  if (std::find(kNetwork.begin(), kNetwork.end(), type) == kNetwork.end()) return {};
  return Error(Code::Config, path + ": locks and syncs are not reliable on a network or FUSE file system")
      .with_hint("keep the vault on a local file system");
}

}  // namespace gw::store
