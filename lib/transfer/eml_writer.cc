#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <set>

#include "base/fd.h"
#include "base/file.h"
#include "transfer/writer.h"

namespace gw::transfer {
namespace {

constexpr std::size_t kReadBack = 256 << 10;

// A folder below another one, made if it is not there. Links are refused.
Result<Fd> enter(int parent, const std::string& name, bool make, const std::string& shown) {
  if (make && ::mkdirat(parent, name.c_str(), 0700) == 0) {
    if (::fsync(parent) != 0) return Error::from_errno(shown);
  } else if (make && errno != EEXIST) {
    return Error::from_errno(shown);
  }
  Fd folder(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder) return Error::from_errno(shown);
  return folder;
}

class EmlWriter : public Writer {
 public:
  EmlWriter(std::string root_path, Fd root) : root_path_(std::move(root_path)), root_(std::move(root)) {}
  ~EmlWriter() override { EmlWriter::abandon(); }

  std::string name(const MessageId& id, Micros received, std::string_view suffix) const override {
    std::string day = rfc3339(received).substr(0, 10);
    for (char& c : day) c = c == '-' ? '/' : c;
    return day + "/" + id.hex() + std::string(suffix);
  }

  Result<void> begin(const Entry& entry) override {
    abandon();
    auto file = go_to(entry.name, true);
    if (!file) return file.error();
    if (::faccessat(folder_.get(), file->c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
      return Error(Code::Exists, shown(entry.name) + ": exists already");
    }
    entry_ = entry;
    final_ = *file;
    part_ = "." + final_ + ".part";
    return open_part();
  }

  Result<void> write(ByteView octets) override { return write_all(fd_.get(), octets, shown(entry_.name)); }

  Result<void> commit() override {
    const std::array<struct timespec, 2> times{
        {{0, UTIME_OMIT}, {entry_.time / 1'000'000, entry_.time % 1'000'000 * 1000}}};
    (void)::futimens(fd_.get(), times.data());  // a convenience: not every file system has it
    Result<void> done = publish();
    if (!done) {
      abandon();
      return done;
    }
    fd_.reset();
    part_.clear();
    dirty_ = true;
    return {};
  }

  void abandon() override {
    if (part_.empty()) return;
    ::unlinkat(folder_.get(), part_.c_str(), 0);
    fd_.reset();
    part_.clear();
  }

  Result<void> sync() override {
    if (dirty_ && ::fsync(folder_.get()) != 0) return Error::from_errno(shown(folder_name_));
    dirty_ = false;
    return {};
  }

  Result<Digest> digest(const std::string& name) override {
    auto file = go_to(name, false);
    if (!file) return file.error();
    const Fd fd(::openat(folder_.get(), file->c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return Error::from_errno(shown(name));
    (void)::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
    Sha256 sum;
    Bytes buffer(kReadBack);
    for (;;) {
      auto got = read_some(fd.get(), buffer, shown(name));
      if (!got) return got.error();
      if (*got == 0) return sum.finish();
      sum.update(ByteView(buffer).first(*got));
    }
  }

 private:
  std::string shown(const std::string& name) const { return root_path_ + "/" + name; }

  // Opens the name's folder, which stays open as long as the names stay in it, and gives the file's own name.
  Result<std::string> go_to(const std::string& name, bool make) {
    const std::size_t slash = name.find_last_of('/');
    const std::string folder_name = name.substr(0, slash);
    if (!folder_ || folder_name != folder_name_) {
      if (auto synced = sync(); !synced) return synced.error();
      auto year = enter(root_.get(), name.substr(0, 4), make, shown(name));
      if (!year) return year.error();
      auto month = enter(year->get(), name.substr(5, 2), make, shown(name));
      if (!month) return month.error();
      auto day = enter(month->get(), name.substr(8, 2), make, shown(name));
      if (!day) return day.error();
      folder_ = std::move(*day);
      folder_name_ = folder_name;
    }
    return name.substr(slash + 1);
  }

  // A .part that an interrupted run left is removed; one that a running export holds is locked by it.
  Result<void> open_part() {
    for (int attempt = 0; attempt < 2; ++attempt) {
      fd_ = Fd(
          ::openat(folder_.get(), part_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
      if (fd_) {
        (void)::flock(fd_.get(), LOCK_EX | LOCK_NB);
        return {};
      }
      const Error failed = Error::from_errno(shown(entry_.name));
      const Fd left(::openat(folder_.get(), part_.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
      if (failed.code() != Code::Exists || attempt > 0 || !left) {
        part_.clear();
        return failed;
      }
      if (::flock(left.get(), LOCK_EX | LOCK_NB) != 0) {
        part_.clear();
        return Error(Code::Busy, shown(entry_.name) + ": another export is writing it");
      }
      ::unlinkat(folder_.get(), part_.c_str(), 0);
    }
    return {};
  }

  // Synced, then under its name, which must be free. Where the file system cannot rename without
  // overwriting (NFS), a second link does the same.
  Result<void> publish() {
    if (::fsync(fd_.get()) != 0) return Error::from_errno(shown(entry_.name));
    if (::renameat2(folder_.get(), part_.c_str(), folder_.get(), final_.c_str(), RENAME_NOREPLACE) == 0)
      return {};
    if (errno != EINVAL && errno != ENOSYS) return Error::from_errno(shown(entry_.name));
    if (::linkat(folder_.get(), part_.c_str(), folder_.get(), final_.c_str(), 0) != 0) {
      return Error::from_errno(shown(entry_.name));
    }
    ::unlinkat(folder_.get(), part_.c_str(), 0);
    return {};
  }

  std::string root_path_;
  Fd root_;
  Fd folder_;  // of the day in hand
  std::string folder_name_;
  bool dirty_ = false;  // a file was published in folder_ since its last sync
  Entry entry_;
  std::string final_;
  std::string part_;  // empty: no entry in hand
  Fd fd_;
};

}  // namespace

Result<std::unique_ptr<Writer>> make_eml_writer(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    const Error failed = Error::from_errno(folder);
    return failed.code() == Code::NotFound ? failed.with_exit_status(73) : failed;
  }
  Fd root(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return Error::from_errno(folder).with_exit_status(73);
  return std::unique_ptr<Writer>(std::make_unique<EmlWriter>(folder, std::move(root)));
}

}  // namespace gw::transfer
