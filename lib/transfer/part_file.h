// A file that gets its name only when it is complete: it is `.NAME.part` until then, and is synced
// and renamed without overwriting. An interrupted run leaves the part for the next one. Also the
// helpers with which the writers create directories and map errors to exit statuses.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/result.h"

namespace gw::transfer {

// Returns the error for a failed write, from errno. A full disk at the destination gets exit status
// 74 (EX_IOERR) instead of 75 (EX_TEMPFAIL), because repeating the export does not help.
Error write_error(const std::string& shown);
// Writes all bytes, with errors as write_error().
Result<void> write_target(int fd, ByteView data, const std::string& shown);
// Returns the error for a file or directory that could not be created, from errno: exit status 73
// (EX_CANTCREAT) unless the name is taken (Exists).
Error create_error(const std::string& shown);

// Not thread safe. The destructor discards the file unless publish() or leave() was called.
class PartFile {
 public:
  PartFile() = default;
  PartFile(PartFile&&) noexcept;
  PartFile& operator=(PartFile&&) noexcept;
  ~PartFile() { discard(); }

  // Creates `name` in the directory `folder` for writing, with mode 0600, and locks it while it is
  // open. A file that an interrupted run left is removed, or kept with `go_on`. `shown` is the name
  // in error messages. The descriptor `folder` must stay open as long as this object uses it. Fails
  // with Busy if another process is writing the file.
  Result<void> open(int folder, std::string name, std::string shown, bool go_on = false);
  bool is_open() const { return static_cast<bool>(fd_); }
  int fd() const { return fd_.get(); }

  // Appends bytes at the file's position.
  Result<void> write(ByteView data) { return write_target(fd_.get(), data, shown_); }
  // Syncs the file and renames it to `name` in the directory `folder`. Sets its modification time
  // to `time` unless that is 0. Does not sync the directory. Fails with Exists if the name is
  // taken. On file systems that cannot rename without overwriting (NFS) it uses link and unlink.
  Result<void> publish(int folder, const std::string& name, Micros time);
  // Closes and removes the file.
  void discard();
  // Closes the file and leaves it for a run that continues it.
  void leave();

 private:
  int folder_ = -1;
  std::string name_;
  std::string shown_;
  Fd fd_;
};

// Opens the subdirectory `name` of `parent`; with `make` it is created with mode 0700 if it does
// not exist. Symbolic links are refused.
Result<Fd> enter_folder(int parent, const std::string& name, bool make, const std::string& shown);
// Opens the directory that an export goes to, and creates it if it does not exist. Fails with exit
// status 73.
Result<Fd> open_root(const std::string& folder);

// Returns the SHA-256 of the file as read back, past the page cache if the system allows. Fails
// with NotFound.
Result<Digest> digest_of_file(int folder, const std::string& name, const std::string& shown);

}  // namespace gw::transfer
