#include "store/local/disk_space.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>

namespace gw::store {
namespace {

constexpr std::uint64_t kLowInodes = 256;

// Returns a - b, or 0 if that would be negative.
std::uint64_t minus(std::uint64_t a, std::uint64_t b) {
  return a - std::min(a, b);
}

Error no_room() {
  return Error(Code::Full, "not enough disk space");
}

}  // namespace

Result<DiskSpace> DiskSpace::open(const std::string& vault, std::uint64_t low, std::uint64_t high,
                                  std::uint64_t ballast) {
  DiskSpace space;
  space.folder_ = Fd(::open(vault.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct statvfs found {};
  if (!space.folder_ || ::fstatvfs(space.folder_.get(), &found) != 0) return Error::from_errno(vault);
  const std::uint64_t size = static_cast<std::uint64_t>(found.f_blocks) * found.f_frsize;
  Marks& marks = space.marks_;
  // On a small file system the marks shrink with it; fixed ones would make it full from the start.
  marks.low = std::min(low, size / 8);
  marks.ballast = std::min(ballast, size / 16);
  // The distance between the marks must be larger than the ballast. Otherwise releasing the ballast
  // would by itself end the full state, appends would use it up, and nothing would be left for
  // draining.
  marks.high = std::max(std::min(high, size / 4), marks.low + marks.ballast);
  marks.floor = std::min<std::uint64_t>(1 << 20, size / 64);
  marks.inodes = found.f_files == 0 ? 0 : std::min<std::uint64_t>(kLowInodes, found.f_files / 8);
  space.ballast_path_ = vault + "/ballast";
  return space;
}

DiskSpace::DiskSpace(DiskSpace&& other) noexcept
    : folder_(std::move(other.folder_)),
      ballast_path_(std::move(other.ballast_path_)),
      marks_(other.marks_),
      disk_(other.disk_.load()),
      size_(other.size_.load()),
      inodes_(other.inodes_.load()),
      promised_(other.promised_.load()),
      full_(other.full_.load()),
      read_only_(other.read_only_.load()) {}

void DiskSpace::look(const std::function<std::uint64_t()>& promised) {
  struct statvfs found {};
  if (::fstatvfs(folder_.get(), &found) != 0) return;
  // f_bavail, not f_bfree: the reserve for root does not count, even if this process runs as root,
  // because the next keeper may not.
  size_ = static_cast<std::uint64_t>(found.f_bavail) * found.f_frsize;
  disk_ = static_cast<std::uint64_t>(found.f_blocks) * found.f_frsize;
  inodes_ = found.f_favail;
  read_only_ = (found.f_flag & ST_RDONLY) != 0;
  // Data in memtables is in the write-ahead log now and will be written again by a flush, so that
  // much free space is already taken. RocksDB is asked only when this can matter.
  constexpr std::uint64_t kPlenty = 1 << 30;
  promised_ = size_ < kPlenty ? promised() : 0;
  const std::uint64_t room = minus(size_, promised_);
  const bool inodes_low = marks_.inodes != 0 && inodes_ < marks_.inodes;
  const bool inodes_high = marks_.inodes == 0 || inodes_ >= 2 * marks_.inodes;
  // Two marks, so that the store does not switch between full and not full with each mail. Between
  // them the state stays as it is.
  if (room < marks_.low || inodes_low) {
    full_ = true;
  } else if (room >= marks_.high && inodes_high) {
    full_ = false;
  }
}

Room DiskSpace::missing() const {
  const std::uint64_t inodes = marks_.inodes == 0 ? 0 : minus(2 * marks_.inodes, inodes_);
  return {minus(marks_.high, minus(size_, promised_)), inodes};
}

Result<void> DiskSpace::room_for_append(std::uint64_t size) {
  // Twice the size: once for the write-ahead log, once for the table or blob file it is flushed to.
  if (minus(size_, promised_) < marks_.low + 2 * size) full_ = true;
  if (full_) return no_room();
  return {};
}

Result<void> DiskSpace::room_for_change(std::uint64_t size) const {
  // Draining and removing may use the space below the low mark and the ballast's, but never the
  // last bytes: RocksDB still needs them for its own files and aborts without them.
  if (size_ < marks_.floor + 2 * size + promised_) return no_room();
  return {};
}

// Returns the size of the ballast file, 0 if there is none.
std::uint64_t DiskSpace::ballast_now() const {
  struct stat found {};
  if (::stat(ballast_path_.c_str(), &found) != 0) return 0;
  return static_cast<std::uint64_t>(found.st_size);
}

void DiskSpace::ran_out() {
  full_ = true;
  release_ballast();
}

void DiskSpace::release_ballast() {
  if (ballast_now() != 0) ::unlink(ballast_path_.c_str());
}

void DiskSpace::restore_ballast() {
  if (marks_.ballast == 0 || ballast_now() >= marks_.ballast) return;
  // Only if the disk is not full afterwards: the ballast must not cause what it exists for.
  if (full_ || minus(size_, promised_) < marks_.high + marks_.ballast) return;
  const Fd fd(::open(ballast_path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return;
  // A sparse file would release nothing when it is removed, so the blocks are allocated. A partial
  // ballast is removed, because a later call would otherwise take it for complete.
  if (::posix_fallocate(fd.get(), 0, static_cast<off_t>(marks_.ballast)) != 0)
    ::unlink(ballast_path_.c_str());
}

}  // namespace gw::store
