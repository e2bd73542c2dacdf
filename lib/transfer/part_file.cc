#include "transfer/part_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "base/exit_status.h"
#include "base/file.h"
#include "base/rename.h"

namespace gw::transfer {
namespace {

constexpr std::size_t kReadBack = 256 << 10;

Error no_room_is(Error error, int status) {
  return error.code() == Code::Full ? error.with_exit_status(status) : error;
}

// Returns whether the name in the directory leads to the open file.
bool is_at(int folder, const std::string& name, int fd) {
  struct stat open {};
  struct stat named {};
  return ::fstat(fd, &open) == 0 && ::fstatat(folder, name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

}  // namespace

Error write_error(const std::string& shown) {
  return no_room_is(Error::from_errno(shown), kExitInputOutput);
}

Result<void> write_target(int fd, ByteView data, const std::string& shown) {
  auto done = write_all(fd, data, shown);
  if (!done) return no_room_is(done.error(), kExitInputOutput);
  return done;
}

Error create_error(const std::string& shown) {
  const Error failed = Error::from_errno(shown);
  const bool refused =
      failed.code() == Code::Full || failed.code() == Code::NotFound || failed.code() == Code::Io;
  return refused ? failed.with_exit_status(kExitCannotCreate) : failed;
}

PartFile::PartFile(PartFile&& other) noexcept
    : folder_(other.folder_),
      name_(std::move(other.name_)),
      shown_(std::move(other.shown_)),
      fd_(std::move(other.fd_)) {}

PartFile& PartFile::operator=(PartFile&& other) noexcept {
  discard();
  folder_ = other.folder_;
  name_ = std::move(other.name_);
  shown_ = std::move(other.shown_);
  fd_ = std::move(other.fd_);
  return *this;
}

Result<void> PartFile::open(int folder, std::string name, std::string shown, bool go_on) {
  discard();
  folder_ = folder;
  name_ = std::move(name);
  shown_ = std::move(shown);
  constexpr int kHow = O_RDWR | O_NOFOLLOW | O_CLOEXEC;
  // Creating and opening are separate steps, because O_EXCL tells a new file from one that was
  // left. Between any two steps another process may remove or create the file, so a few attempts
  // are made.
  for (int attempt = 0; attempt < 3; ++attempt) {
    bool left = false;
    Fd file(::openat(folder_, name_.c_str(), kHow | O_CREAT | O_EXCL, 0600));
    if (!file) {
      const Error failed = create_error(shown_);
      if (failed.code() != Code::Exists) return failed;
      left = true;
      file = Fd(::openat(folder_, name_.c_str(), kHow));
      if (!file && errno == ENOENT) continue;
      if (!file) return create_error(shown_);
    }
    // The lock tells a part that is being written from one that an interrupted run left: the kernel
    // releases it with the process. A new file is no exception: another process that found it
    // before it was locked may have taken it for one that was left. Only a file system without
    // locks is forgiven for a new file.
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0 && (left || errno == EWOULDBLOCK))
      return errno == EWOULDBLOCK ? Error(Code::Busy, shown_ + ": another export is writing to it")
                                  : write_error(shown_);
    // Before the lock, its last holder may have removed or published the file.
    if (!is_at(folder_, name_, file.get())) continue;
    if (!left || go_on) {
      fd_ = std::move(file);
      return {};
    }
    // Remove and create again instead of truncating: a new file has the right mode and owner.
    ::unlinkat(folder_, name_.c_str(), 0);
  }
  return Error(Code::Busy, shown_ + ": another export is writing to it");
}

Result<void> PartFile::publish(int folder, const std::string& name, Micros time) {
  if (time != 0) {
    // The time is a convenience, and not every file system can store it.
    const std::array<struct timespec, 2> times{
        {{0, UTIME_OMIT}, {time / 1'000'000, time % 1'000'000 * 1000}}};
    (void)::futimens(fd_.get(), times.data());
  }
  // Sync before renaming: after a power failure the name must not lead to an incomplete file.
  if (::fsync(fd_.get()) != 0) return write_error(shown_);
  if (!rename_new(folder_, name_, folder, name)) return create_error(shown_);
  fd_.reset();
  return {};
}

void PartFile::discard() {
  if (fd_) ::unlinkat(folder_, name_.c_str(), 0);
  fd_.reset();
}

void PartFile::leave() {
  fd_.reset();
}

Result<Fd> enter_folder(int parent, const std::string& name, bool make, const std::string& shown) {
  if (make && ::mkdirat(parent, name.c_str(), 0700) == 0) {
    // A new directory must survive a power failure, or the files in it are lost with it.
    if (::fsync(parent) != 0) return write_error(shown);
  } else if (make && errno != EEXIST) {
    return create_error(shown);
  }
  Fd folder(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder) return make ? create_error(shown) : Error::from_errno(shown);
  return folder;
}

Result<Fd> open_root(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return create_error(folder);
  Fd root(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return Error::from_errno(folder).with_exit_status(kExitCannotCreate);
  return root;
}

Result<Digest> digest_of_file(int folder, const std::string& name, const std::string& shown) {
  const Fd fd(::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return Error::from_errno(shown);
  // Reading back should reach the disk and not the page cache; the kernel treats this as a hint.
  (void)::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
  Sha256 sum;
  Bytes buffer(kReadBack);
  for (;;) {
    auto got = read_some(fd.get(), buffer, shown);
    if (!got) return got.error();
    if (*got == 0) return sum.finish();
    sum.update(ByteView(buffer).first(*got));
  }
}

}  // namespace gw::transfer
