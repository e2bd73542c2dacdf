#include "backup/tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/file.h"
#include "transfer/part_file.h"

namespace gw::backup {
namespace {

using transfer::create_error;
using transfer::write_error;

constexpr std::size_t kPiece = 1 << 20;

bool valid_part(std::string_view part) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  // No leading dot: that excludes `.` and `..`, and the names that incomplete directories have.
  return !part.empty() && part.size() <= 128 && part.front() != '.' && std::ranges::all_of(part, good);
}

Error interrupted() {
  return Error(Code::Busy, "interrupted");
}

Result<void> give(int fd, const std::optional<Owner>& owner, const std::string& shown) {
  if (owner && ::fchown(fd, owner->uid, owner->gid) != 0) return Error::from_errno(shown);
  return {};
}

}  // namespace

bool valid_name(std::string_view name) {
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) return valid_part(name);
  return valid_part(name.substr(0, slash)) && valid_part(name.substr(slash + 1));
}

Result<Written> copy(int from, int to, const std::string& shown, const Pulse& pulse) {
  Written written;
  Sha256 sum;
  Bytes piece(kPiece);
  for (;;) {
    const auto got = read_some(from, piece, shown);
    if (!got) return got.error();
    if (*got == 0) break;
    const ByteView data = ByteView(piece).first(*got);
    sum.update(data);
    // Without a target, only the digest is computed.
    if (to >= 0) {
      if (auto put = transfer::write_target(to, data, shown); !put) return put.error();
    }
    written.size += *got;
    if (pulse && !pulse(*got)) return interrupted();
  }
  written.sha256 = sum.finish();
  return written;
}

Result<Tree> Tree::make(int parent, const std::string& name, std::string shown, std::optional<Owner> owner) {
  // mkdirat(2) fails if the name exists in any form, also as a symbolic link, and open() follows
  // none.
  if (::mkdirat(parent, name.c_str(), 0700) != 0) return create_error(shown);
  auto tree = open(parent, name, std::move(shown));
  if (!tree) return tree;
  tree->owner_ = owner;
  if (auto given = give(tree->root(), owner, tree->shown_); !given) return given.error();
  return tree;
}

Result<Tree> Tree::open(int parent, const std::string& name, std::string shown) {
  Fd root(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!root) return Error::from_errno(shown);
  return Tree(std::move(root), std::move(shown), std::nullopt);
}

Result<Tree::Place> Tree::place(const std::string& name) const {
  if (!valid_name(name)) return Error(Code::BadInput, shown_ + ": not a valid name of a vault file");
  const std::size_t slash = name.find('/');
  if (slash == std::string::npos) return Place{root(), name};
  const std::string folder = name.substr(0, slash);
  // Each directory is opened once and kept open: names are resolved relative to it, and sync()
  // knows which directories were used.
  Fd& held = folders_[folder];
  if (!held) held = Fd(::openat(root(), folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!held) return Error::from_errno(path(name));
  return Place{held.get(), name.substr(slash + 1)};
}

Result<Tree::Place> Tree::place(const std::string& name, bool make) {
  const std::size_t slash = name.find('/');
  if (make && slash != std::string::npos && valid_name(name)) {
    if (auto made = make_folder(name.substr(0, slash)); !made) return made.error();
  }
  return static_cast<const Tree*>(this)->place(name);
}

Result<void> Tree::make_folder(const std::string& name) {
  auto at = place(name, true);
  if (!at) return at.error();
  if (::mkdirat(at->folder, at->file.c_str(), 0700) != 0) {
    if (errno == EEXIST) return {};
    return create_error(path(name));
  }
  const Fd made(::openat(at->folder, at->file.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!made) return Error::from_errno(path(name));
  return give(made.get(), owner_, path(name));
}

Result<Fd> Tree::create(const std::string& name) {
  auto at = place(name, true);
  if (!at) return at.error();
  constexpr int kHow = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  Fd fd(::openat(at->folder, at->file.c_str(), kHow, 0600));
  if (!fd) return create_error(path(name));
  if (auto given = give(fd.get(), owner_, path(name)); !given) return given.error();
  return fd;
}

Result<Fd> Tree::read(const std::string& name) const {
  auto at = place(name);
  if (!at) return at.error();
  // O_NONBLOCK: opening a named pipe would wait for a writer. Another user may have put one there.
  // It has no effect on regular files.
  Fd fd(::openat(at->folder, at->file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat found {};
  const bool link = !fd && errno == ELOOP;
  if (!link && (!fd || ::fstat(fd.get(), &found) != 0)) return Error::from_errno(path(name));
  if (link || !S_ISREG(found.st_mode)) return Error(Code::BadInput, path(name) + ": not a regular file");
  return fd;
}

Result<Written> Tree::write(const std::string& name, int from, const Pulse& pulse) {
  auto fd = create(name);
  if (!fd) return fd.error();
  auto written = copy(from, fd->get(), path(name), pulse);
  if (!written) return written;
  // A manifest must not name a file that is not on the disk, so sync each file when it is written
  // and not all at the end. An error is reported for the file that caused it.
  if (::fsync(fd->get()) != 0) return write_error(path(name));
  return written;
}

Result<Written> Tree::write(const std::string& name, ByteView data) {
  auto fd = create(name);
  if (!fd) return fd.error();
  if (auto put = transfer::write_target(fd->get(), data, path(name)); !put) return put.error();
  if (::fsync(fd->get()) != 0) return write_error(path(name));
  return Written{data.size(), sha256(data)};
}

bool Tree::link(const Tree& from, const std::string& name) {
  auto there = from.place(name);
  auto here = place(name, true);
  if (!there || !here) return false;
  return ::linkat(there->folder, there->file.c_str(), here->folder, here->file.c_str(), 0) == 0;
}

void Tree::remove(const std::string& name) {
  if (auto at = place(name, false)) ::unlinkat(at->folder, at->file.c_str(), 0);
}

Result<Digest> Tree::digest(const std::string& name, const Pulse& pulse) const {
  auto fd = read(name);
  if (!fd) return fd.error();
  // Drops the pages that are clean, so that the following read comes from the disk. Only a hint: a
  // file system may ignore it.
  (void)::posix_fadvise(fd->get(), 0, 0, POSIX_FADV_DONTNEED);
  auto went = copy(fd->get(), -1, path(name), pulse);
  if (!went) return went.error();
  return went->sha256;
}

bool Tree::shared(const std::string& name) const {
  auto at = place(name);
  struct stat found {};
  return at && ::fstatat(at->folder, at->file.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 &&
         found.st_nlink > 1;
}

Result<void> Tree::sync() const {
  // A directory has to be synced for the names in it to survive a power failure (fsync(2)).
  for (const auto& [name, fd] : folders_) {
    if (fd && ::fsync(fd.get()) != 0) return write_error(path(name));
  }
  if (::fsync(root()) != 0) return write_error(shown_);
  return {};
}

Result<void> remove_tree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return Error::from_errno(path, error.value());
  return {};
}

}  // namespace gw::backup
