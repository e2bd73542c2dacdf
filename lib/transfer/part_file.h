// A file that comes to its name only when it is whole: `.NAME.part` until then, synced, renamed without
// overwriting. Interrupted, the part stays and is the next run's.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/result.h"

namespace gw::transfer {

// What a write of ours ended with. A full disk of the destination is exit status 74, not `try again`.
Error write_error(const std::string& shown);
Result<void> write_target(int fd, ByteView octets, const std::string& shown);
// What making a file or folder ended with: exit status 73 but for a name that is taken.
Error create_error(const std::string& shown);

class PartFile {
 public:
  PartFile() = default;
  PartFile(PartFile&&) noexcept;
  PartFile& operator=(PartFile&&) noexcept;
  ~PartFile() { discard(); }

  // Makes `name` in `folder` for writing, 0600, locked while it is open. One that an interrupted run left is
  // removed, or kept with `go_on`. Busy: another process is writing it. `shown` names it in errors; both
  // folders must stay open as long as this.
  Result<void> open(int folder, std::string name, std::string shown, bool go_on = false);
  bool is_open() const { return static_cast<bool>(fd_); }
  int fd() const { return fd_.get(); }

  Result<void> write(ByteView octets) { return write_target(fd_.get(), octets, shown_); }
  // Synced, and then under `name` in `folder`, which must be free (Exists). Its time becomes `time` unless 0.
  // Where the file system cannot rename without overwriting (NFS), a second link does the same.
  Result<void> publish(int folder, const std::string& name, Micros time);
  void discard();  // nothing stays
  void leave();    // it stays, for who goes on with it

 private:
  int folder_ = -1;
  std::string name_;
  std::string shown_;
  Fd fd_;
};

// A folder below another one, opened, made with mode 0700 if it is not there and `make`. Links are refused.
Result<Fd> enter_folder(int parent, const std::string& name, bool make, const std::string& shown);
// The folder an export goes to, made if it is not there. Exit status 73.
Result<Fd> open_root(const std::string& folder);

Result<Digest> digest_of_file(int folder, const std::string& name, const std::string& shown);

}  // namespace gw::transfer
