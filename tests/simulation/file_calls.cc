// The functions of the C library that change files, as disk.h describes. Each one asks the Disk
// before the call, makes the real call, and reports it. Calls for files elsewhere pass unseen.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <string>

#include "disk.h"

using namespace gw::simulation;  // NOLINT: the functions below are not in a namespace

namespace {

// Returns the disk if the calling thread's calls concern it.
Disk* tracked() {
  Disk* disk = Disk::current();
  return disk != nullptr && simulated() && disk->tracking() ? disk : nullptr;
}

// Returns true, with errno, if the call fails as planned.
bool fails(Disk& disk, Call call) {
  const int error = disk.before(call);
  if (error == 0) return false;
  errno = error;
  return true;
}

struct Place {
  Disk::NodePtr folder;
  std::string name;
};

Place place(const Disk& disk, int at, const char* path) {
  Place found;
  found.folder = disk.folder(at, path, found.name);
  return found;
}

ino_t inode_of(int at, const char* path) {
  struct stat found {};
  return ::fstatat(at, path, &found, AT_SYMLINK_NOFOLLOW) == 0 ? found.st_ino : 0;
}

template <class Write>
ssize_t write_to(int fd, const void* data, std::size_t size, const Write& real, std::int64_t offset) {
  Disk* disk = tracked();
  const Disk::NodePtr file = disk != nullptr ? disk->file(fd) : nullptr;
  if (!file) return real(size);
  if (fails(*disk, Call::Write)) return -1;
  if (disk->short_write(size)) size /= 2;
  if (offset < 0) offset = ::lseek(fd, 0, SEEK_CUR);
  const ssize_t wrote = real(size);
  if (wrote > 0 && disk->tracking())
    disk->wrote(*file, static_cast<std::uint64_t>(offset),
                {static_cast<const std::byte*>(data), static_cast<std::size_t>(wrote)});
  return wrote;
}

template <class Read>
ssize_t read_from(int fd, const Read& real) {
  Disk* disk = tracked();
  if (disk != nullptr && disk->file(fd) && fails(*disk, Call::Read)) return -1;
  return real();
}

template <class Sync>
int sync(int fd, const Sync& real) {
  Disk* disk = tracked();
  const Disk::NodePtr file = disk != nullptr ? disk->file(fd) : nullptr;
  if (!file) return real();
  const std::uint64_t until = disk->changed();
  // Other threads may run, and write, before this returns.
  if (fails(*disk, Call::Sync)) {
    disk->sync_failed(*file, until);
    return -1;
  }
  if (disk->tracking() && !disk->drops_sync(fd, *file)) disk->synced(*file, until);
  return 0;
}

template <class Open>
int open_file(int at, const char* path, int flags, const Open& real) {
  Disk* disk = tracked();
  if (disk == nullptr) return real();
  const Place found = place(*disk, at, path);
  if (!found.folder) return real();
  const bool there = Disk::has(*found.folder, found.name);
  const bool creates = (flags & O_CREAT) != 0 && !there;
  if (fails(*disk, creates ? Call::Name : Call::Open)) return -1;
  const int fd = real();
  if (fd < 0 || !disk->tracking()) return fd;
  if (creates) {
    disk->added(found.folder, found.name, inode_of(at, path), false);
  } else if (there && (flags & O_TRUNC) != 0) {
    if (const Disk::NodePtr file = disk->file(fd)) disk->truncated(*file, 0);
  }
  return fd;
}

template <class Resize>
int resize(int fd, std::uint64_t size, bool shrinks, const Resize& real) {
  Disk* disk = tracked();
  const Disk::NodePtr file = disk != nullptr ? disk->file(fd) : nullptr;
  if (!file) return real();
  if (fails(*disk, Call::Write)) return -1;
  struct stat before {};
  if (::fstat(fd, &before) != 0) return -1;
  const int result = real();
  if (result == 0 && disk->tracking() && (shrinks || size > static_cast<std::uint64_t>(before.st_size)))
    disk->truncated(*file, size);
  return result;
}

template <class Remove>
int remove_name(int at, const char* path, const Remove& real) {
  Disk* disk = tracked();
  if (disk == nullptr) return real();
  const Place found = place(*disk, at, path);
  if (!found.folder) return real();
  if (fails(*disk, Call::Name)) return -1;
  const int result = real();
  if (result == 0 && disk->tracking()) disk->removed(found.folder, found.name);
  return result;
}

// Adds or changes a name of a file. `note` tells the disk, with the place of the old name and of the new one.
template <class Real, class Note>
int name_again(int from, const char* old, int to, const char* name, const Real& real, const Note& note) {
  Disk* disk = tracked();
  if (disk == nullptr) return real();
  const Place before = place(*disk, from, old);
  const Place after = place(*disk, to, name);
  if (!before.folder || !after.folder) return real();
  if (fails(*disk, Call::Name)) return -1;
  const int result = real();
  if (result == 0 && disk->tracking()) note(*disk, before, after);
  return result;
}

template <class Rename>
int rename_file(int from, const char* old, int to, const char* name, const Rename& real) {
  return name_again(from, old, to, name, real, [](Disk& disk, const Place& before, const Place& after) {
    disk.renamed(before.folder, before.name, after.folder, after.name);
  });
}

template <class Link>
int link_file(int from, const char* old, int to, const char* name, const Link& real) {
  return name_again(from, old, to, name, real, [](Disk& disk, const Place& before, const Place& after) {
    disk.linked(after.folder, after.name, before.folder, before.name);
  });
}

// Replaces what the real file system says about its space.
void tell_space(const Disk& disk, struct statvfs& about) {
  constexpr std::uint64_t kUnit = 4096;
  about.f_bsize = about.f_frsize = kUnit;
  about.f_blocks = (std::uint64_t{8} << 30) / kUnit;
  about.f_bfree = about.f_bavail = disk.space() / kUnit;
  about.f_files = 1U << 20;
  about.f_ffree = about.f_favail = 1U << 19;
}

}  // namespace

extern "C" {

int file_open(const char*, int, ...) __asm__("open");
int file_openat(int, const char*, int, ...) __asm__("openat");
ssize_t file_write(int, const void*, std::size_t) __asm__("write");
ssize_t file_pwrite(int, const void*, std::size_t, off_t) __asm__("pwrite");
ssize_t file_read(int, void*, std::size_t) __asm__("read");
ssize_t file_pread(int, void*, std::size_t, off_t) __asm__("pread");
int file_fsync(int) __asm__("fsync");
int file_fdatasync(int) __asm__("fdatasync");
int file_ftruncate(int, off_t) __asm__("ftruncate");
int file_fallocate(int, int, off_t, off_t) __asm__("fallocate");
int file_posix_fallocate(int, off_t, off_t) __asm__("posix_fallocate");
int file_unlink(const char*) __asm__("unlink");
int file_unlinkat(int, const char*, int) __asm__("unlinkat");
int file_remove(const char*) __asm__("remove");
int file_rmdir(const char*) __asm__("rmdir");
int file_rename(const char*, const char*) __asm__("rename");
int file_renameat(int, const char*, int, const char*) __asm__("renameat");
int file_renameat2(int, const char*, int, const char*, unsigned) __asm__("renameat2");
int file_link(const char*, const char*) __asm__("link");
int file_linkat(int, const char*, int, const char*, int) __asm__("linkat");
int file_mkdir(const char*, mode_t) __asm__("mkdir");
int file_statvfs(const char*, struct statvfs*) __asm__("statvfs");
int file_fstatvfs(int, struct statvfs*) __asm__("fstatvfs");

int file_open(const char* path, int flags, ...) {
  static const auto next = next_function<decltype(file_open)>("open");
  va_list list;
  va_start(list, flags);
  const auto mode = va_arg(list, mode_t);
  va_end(list);
  return open_file(AT_FDCWD, path, flags, [&] { return next(path, flags, mode); });
}

int file_openat(int at, const char* path, int flags, ...) {
  static const auto next = next_function<decltype(file_openat)>("openat");
  va_list list;
  va_start(list, flags);
  const auto mode = va_arg(list, mode_t);
  va_end(list);
  return open_file(at, path, flags, [&] { return next(at, path, flags, mode); });
}

ssize_t file_write(int fd, const void* data, std::size_t size) {
  static const auto next = next_function<decltype(file_write)>("write");
  return write_to(
      fd, data, size, [&](std::size_t most) { return next(fd, data, most); }, -1);
}

ssize_t file_pwrite(int fd, const void* data, std::size_t size, off_t offset) {
  static const auto next = next_function<decltype(file_pwrite)>("pwrite");
  return write_to(
      fd, data, size, [&](std::size_t most) { return next(fd, data, most, offset); }, offset);
}

ssize_t file_read(int fd, void* data, std::size_t size) {
  static const auto next = next_function<decltype(file_read)>("read");
  return read_from(fd, [&] { return next(fd, data, size); });
}

ssize_t file_pread(int fd, void* data, std::size_t size, off_t offset) {
  static const auto next = next_function<decltype(file_pread)>("pread");
  return read_from(fd, [&] { return next(fd, data, size, offset); });
}

int file_fsync(int fd) {
  static const auto next = next_function<decltype(file_fsync)>("fsync");
  return sync(fd, [&] { return next(fd); });
}

int file_fdatasync(int fd) {
  static const auto next = next_function<decltype(file_fdatasync)>("fdatasync");
  return sync(fd, [&] { return next(fd); });
}

int file_ftruncate(int fd, off_t size) {
  static const auto next = next_function<decltype(file_ftruncate)>("ftruncate");
  return resize(fd, static_cast<std::uint64_t>(size), true, [&] { return next(fd, size); });
}

int file_fallocate(int fd, int mode, off_t offset, off_t size) {
  static const auto next = next_function<decltype(file_fallocate)>("fallocate");
  return resize(fd, static_cast<std::uint64_t>(mode == 0 ? offset + size : 0), false,
                [&] { return next(fd, mode, offset, size); });
}

int file_posix_fallocate(int fd, off_t offset, off_t size) {
  static const auto next = next_function<decltype(file_posix_fallocate)>("posix_fallocate");
  const int result =
      resize(fd, static_cast<std::uint64_t>(offset + size), false, [&] { return next(fd, offset, size); });
  return result < 0 ? errno : result;
}

int file_unlink(const char* path) {
  static const auto next = next_function<decltype(file_unlink)>("unlink");
  return remove_name(AT_FDCWD, path, [&] { return next(path); });
}

int file_unlinkat(int at, const char* path, int flags) {
  static const auto next = next_function<decltype(file_unlinkat)>("unlinkat");
  return remove_name(at, path, [&] { return next(at, path, flags); });
}

int file_remove(const char* path) {
  static const auto next = next_function<decltype(file_remove)>("remove");
  return remove_name(AT_FDCWD, path, [&] { return next(path); });
}

int file_rmdir(const char* path) {
  static const auto next = next_function<decltype(file_rmdir)>("rmdir");
  return remove_name(AT_FDCWD, path, [&] { return next(path); });
}

int file_rename(const char* old, const char* name) {
  static const auto next = next_function<decltype(file_rename)>("rename");
  return rename_file(AT_FDCWD, old, AT_FDCWD, name, [&] { return next(old, name); });
}

int file_renameat(int from, const char* old, int to, const char* name) {
  static const auto next = next_function<decltype(file_renameat)>("renameat");
  return rename_file(from, old, to, name, [&] { return next(from, old, to, name); });
}

int file_renameat2(int from, const char* old, int to, const char* name, unsigned flags) {
  static const auto next = next_function<decltype(file_renameat2)>("renameat2");
  return rename_file(from, old, to, name, [&] { return next(from, old, to, name, flags); });
}

int file_link(const char* old, const char* name) {
  static const auto next = next_function<decltype(file_link)>("link");
  return link_file(AT_FDCWD, old, AT_FDCWD, name, [&] { return next(old, name); });
}

int file_linkat(int from, const char* old, int to, const char* name, int flags) {
  static const auto next = next_function<decltype(file_linkat)>("linkat");
  return link_file(from, old, to, name, [&] { return next(from, old, to, name, flags); });
}

int file_mkdir(const char* path, mode_t mode) {
  static const auto next = next_function<decltype(file_mkdir)>("mkdir");
  Disk* disk = tracked();
  if (disk == nullptr) return next(path, mode);
  const Place found = place(*disk, AT_FDCWD, path);
  if (!found.folder) return next(path, mode);
  if (fails(*disk, Call::Name)) return -1;
  const int result = next(path, mode);
  if (result == 0 && disk->tracking()) disk->added(found.folder, found.name, inode_of(AT_FDCWD, path), true);
  return result;
}

int file_statvfs(const char* path, struct statvfs* about) {
  static const auto next = next_function<decltype(file_statvfs)>("statvfs");
  const int result = next(path, about);
  if (const Disk* disk = tracked(); result == 0 && disk != nullptr && disk->holds(inode_of(AT_FDCWD, path)))
    tell_space(*disk, *about);
  return result;
}

int file_fstatvfs(int fd, struct statvfs* about) {
  static const auto next = next_function<decltype(file_fstatvfs)>("fstatvfs");
  const int result = next(fd, about);
  if (const Disk* disk = tracked(); result == 0 && disk != nullptr && disk->file(fd))
    tell_space(*disk, *about);
  return result;
}

}  // extern "C"
