#include "transfer/one_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/exit_status.h"
#include "base/file.h"
#include "transfer/writer.h"

namespace gw::transfer {
namespace {

constexpr std::size_t kWriteBuffer = 256 << 10;

}  // namespace

Result<OneFile> OneFile::open(const std::string& path, bool resume, bool go_on) {
  OneFile file;
  file.waiting_.reserve(kWriteBuffer);
  if (path == "-") {
    file.name_ = path;
    file.shown_ = "standard output";
    return file;
  }
  const std::size_t slash = path.find_last_of('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  file.name_ = path.substr(slash + 1);  // npos + 1 is 0
  file.shown_ = path;
  if (file.name_.empty() || file.name_ == "." || file.name_ == "..")
    return Error(Code::Usage, path + ": not the name of a file");
  file.folder_ = Fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file.folder_) return Error::from_errno(folder).with_exit_status(kExitCannotCreate);
  struct stat facts {};
  // O_NOFOLLOW and AT_SYMLINK_NOFOLLOW: a link that another user placed at its name must not redirect
  // the export.
  if (::fstatat(file.folder_.get(), file.name_.c_str(), &facts, AT_SYMLINK_NOFOLLOW) == 0) {
    if (!resume || !S_ISREG(facts.st_mode)) return in_the_way(path, resume);
    file.complete_ = Fd(::openat(file.folder_.get(), file.name_.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file.complete_) return Error::from_errno(path);
    file.size_ = static_cast<std::uint64_t>(facts.st_size);
    return file;
  }
  const std::string part = "." + file.name_ + ".part";
  if (auto opened = file.part_.open(file.folder_.get(), part, path, resume && go_on); !opened)
    return opened.error();
  // A kept part has a size; the writer decides how much of it is intact.
  if (::fstat(file.part_.fd(), &facts) != 0) return Error::from_errno(path);
  file.size_ = static_cast<std::uint64_t>(facts.st_size);
  return file;
}

// Leaves a part with content for --resume. An empty one is removed with part_.
OneFile::~OneFile() {
  if (part_.is_open() && size_ > 0) part_.leave();
}

Result<void> OneFile::flush() {
  if (waiting_.empty()) return {};
  Result<void> done;
  if (part_.is_open()) {
    done = part_.write(waiting_);
  } else {
    done = write_all(STDOUT_FILENO, waiting_, shown_);
    if (!done) done = done.error().with_exit_status(kExitInputOutput);
  }
  // After a failed write the file may contain a part of the buffer. --resume finds the last intact
  // entry.
  if (done) size_ += waiting_.size();
  waiting_.clear();
  return done;
}

Result<void> OneFile::write(ByteView data) {
  if (waiting_.size() + data.size() > kWriteBuffer) {
    if (auto flushed = flush(); !flushed) return flushed;
  }
  append(waiting_, data);
  return waiting_.size() >= kWriteBuffer ? flush() : Result<void>();
}

Result<void> OneFile::cut(std::uint64_t size) {
  waiting_.clear();
  const auto end = static_cast<off_t>(size);
  if (::ftruncate(part_.fd(), end) != 0 || ::lseek(part_.fd(), end, SEEK_SET) != end)
    return write_error(shown_);
  size_ = size;
  return {};
}

Result<void> OneFile::publish() {
  if (complete_ || published_) return {};
  if (auto flushed = flush(); !flushed) return flushed;
  published_ = true;
  if (!part_.is_open()) return {};
  if (auto published = part_.publish(folder_.get(), name_, 0); !published) {
    return published.error().code() == Code::Exists ? in_the_way(shown_, false) : published.error();
  }
  // The new name is durable only after the directory is synced.
  if (::fsync(folder_.get()) != 0) return write_error(shown_);
  return {};
}

Result<Fd> OneFile::reopen() const {
  if (name_ == "-") return Error(Code::NotFound, shown_);
  const std::string part = "." + name_ + ".part";
  const bool whole = complete_ || published_;
  Fd fd(::openat(folder_.get(), whole ? name_.c_str() : part.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return Error::from_errno(shown_);
  // Reading back should reach the disk and not the page cache; the kernel treats this as a hint.
  (void)::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
  return fd;
}

}  // namespace gw::transfer
