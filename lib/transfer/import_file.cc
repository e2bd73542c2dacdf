#include "transfer/import_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "base/clock.h"
#include "base/rename.h"

namespace gw::transfer {
namespace {

// Longer than an SMTP server waits for more of a mail (RFC 5321, section 4.5.3.2, asks for 10
// minutes at most).
constexpr Micros kQuiet = 15 * 60 * Micros{1'000'000};

// Size and time together with the inode tell a modified file, since writers append.
bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
         a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

// Holds a read lease on the file. The kernel refuses one while any process has the file open for
// writing (fcntl(2), F_SETLEASE).
class ReadLease {
 public:
  explicit ReadLease(int fd) : fd_(fd) {
    // A process that opens the file for writing is blocked until the lease is returned, and this
    // process is sent a signal. SIGIO would end it by default; SIGURG is ignored by default.
    (void)::fcntl(fd_, F_SETSIG, SIGURG);
    held_ = ::fcntl(fd_, F_SETLEASE, F_RDLCK) == 0;
    refused_ = !held_ && errno == EAGAIN;
  }
  ~ReadLease() {
    if (held_) (void)::fcntl(fd_, F_SETLEASE, F_UNLCK);
  }
  ReadLease(const ReadLease&) = delete;
  ReadLease& operator=(const ReadLease&) = delete;

  bool held() const { return held_; }
  // A process writes. If neither held() nor refused() is true, it is unknown.
  bool refused() const { return refused_; }
  // A process waits to open the file for writing.
  bool wanted_back() const { return held_ && ::fcntl(fd_, F_GETLEASE) != F_RDLCK; }

 private:
  int fd_;
  bool held_ = false;
  bool refused_ = false;
};

Error being_written(const std::string& path) {
  return Error(Code::Busy, path + ": another program has it open for writing");
}

}  // namespace

// O_NONBLOCK keeps a FIFO that took the name from blocking the import.
Result<void> ImportFile::open(const std::string& path) {
  path_ = path;
  Fd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return Error::from_errno(path_);
  number_ = fd.get();
  {
    // The lease is held only for the check, because a writer should not be blocked while the file
    // is read. Changes in the meantime are noticed by unchanged().
    const ReadLease lease(number_);
    if (lease.refused()) return being_written(path_);
    known_ = lease.held();
    if (::fstat(number_, &facts_) != 0) return Error::from_errno(path_);
  }
  return read_from(std::move(fd));
}

Result<void> ImportFile::require_whole() const {
  const Micros changed = facts_.st_ctim.tv_sec * Micros{1'000'000} + facts_.st_ctim.tv_nsec / 1000;
  const Micros age = now() - changed;
  if (known_ || age >= kQuiet) return {};
  return Error(Code::Busy, path_ +
                               ": may still be written to: changed in the last 15 minutes, and "
                               "the file system has no leases or another user owns it");
}

// Open file description locks conflict with the locks of other processes, but unlike these they
// survive that some other code of this process closes the same file (fcntl(2)).
Result<void> ImportFile::lock(bool to_empty) {
  if (to_empty) {
    writable_ = Fd(::open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!writable_) return Error::from_errno(path_);
  }
  struct flock range {};
  range.l_type = to_empty ? F_WRLCK : F_RDLCK;
  range.l_whence = SEEK_SET;
  const int fd = to_empty ? writable_.get() : number_;
  const bool locked = ::fcntl(fd, F_OFD_SETLK, &range) == 0;
  if (!locked && (errno == EAGAIN || errno == EACCES))
    return Error(Code::Busy, path_ + ": is locked by another program");
  // On a file system without locks an mbox is read unlocked, but an import that shall empty it
  // fails.
  if (!locked && to_empty) return Error::from_errno(path_);
  struct stat facts {};
  if (::fstat(fd, &facts) != 0) return Error::from_errno(path_);
  // The path may lead to another file since open().
  if (facts.st_dev != facts_.st_dev || facts.st_ino != facts_.st_ino)
    return Error(Code::Busy, path_ + ": was replaced while it was opened");
  // Mail may have been appended before the lock was obtained; it is imported as well. The source
  // must be reopened for the new size, on a descriptor of the same open file that holds the lock.
  facts_ = facts;
  Fd again(::fcntl(number_, F_DUPFD_CLOEXEC, 0));
  if (!again) return Error::from_errno(path_);
  number_ = again.get();
  return read_from(std::move(again));
}

bool ImportFile::unchanged() const {
  struct stat now {};
  return ::fstat(number_, &now) == 0 && same_file(now, facts_);
}

Result<void> ImportFile::empty() const {
  if (!unchanged()) return changed();
  if (::ftruncate(writable_.get(), 0) != 0 || ::fsync(writable_.get()) != 0) return Error::from_errno(path_);
  return {};
}

// The file is first renamed, so a file that took its name at the last moment, or a writer that opened
// it at the last moment, is noticed before anything is deleted.
Result<void> ImportFile::remove() const {
  const ReadLease lease(number_);
  if (lease.refused()) return being_written(path_);
  if (!unchanged()) return changed();
  const std::string aside = path_.substr(0, path_.rfind('/') + 1) + ".gw-import." +
                            std::to_string(::getpid()) + "." + std::to_string(facts_.st_ino);
  if (!rename_new(AT_FDCWD, path_, AT_FDCWD, aside)) return Error::from_errno(path_);
  struct stat there {};
  const bool same = ::lstat(aside.c_str(), &there) == 0 && same_file(there, facts_);
  // Under the temporary name no new writer finds it, and the lease shows whether one came before.
  if (same && !lease.wanted_back()) {
    if (::unlink(aside.c_str()) != 0) return Error::from_errno(aside);
    return {};
  }
  // Put it back. If the name was taken meanwhile, it stays under the temporary name, and the
  // error names that.
  if (rename_new(AT_FDCWD, aside, AT_FDCWD, path_)) return changed();
  return Error(Code::Conflict, path_ + ": has changed and is kept as " + aside);
}

Result<void> ImportFile::read_from(Fd fd) {
  auto source = mime::FileSource::of(std::move(fd), path_);
  if (!source) return source.error();
  source_.emplace(std::move(*source));
  return {};
}

}  // namespace gw::transfer
