// One file that holds every exported mail, or standard output: what the mbox, tar and zip writers
// write to.
//
// Until it is complete, the file is the hidden `.NAME.part` in the same directory. The writer
// appends, may truncate it to where an earlier run was intact, and finally gives it its name. A
// part with content survives destruction, so that a later run can continue it.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "transfer/part_file.h"

namespace gw::transfer {

// Not thread safe.
class OneFile {
 public:
  // Opens the file for a new or resumed export. `-` is standard output. With `resume` an existing
  // complete file is opened for reading only, and the part of an interrupted run is kept if `go_on`
  // (otherwise it is replaced). Fails with Exists (exit status 73) if the file is there and
  // `resume` is false, with Busy if another process is writing the part.
  static Result<OneFile> open(const std::string& path, bool resume, bool go_on);
  OneFile(OneFile&&) noexcept = default;
  OneFile& operator=(OneFile&&) noexcept = default;
  ~OneFile();

  const std::string& name() const { return name_; }    // without directory; `-` for stdout
  const std::string& shown() const { return shown_; }  // the path for error messages
  bool complete() const {
    return static_cast<bool>(complete_);
  }  // an earlier run completed it: it is read-only
  // Returns the size in bytes, including what an earlier run left and what is still buffered.
  std::uint64_t size() const { return size_ + waiting_.size(); }

  // Appends bytes; they are buffered. Fails with exit status 74 if the destination cannot be
  // written.
  Result<void> write(ByteView data);
  // Truncates the part to `size` bytes and continues there.
  Result<void> cut(std::uint64_t size);
  // Writes the buffer, syncs the file and gives it its name. Fails with Exists if the name was
  // taken meanwhile.
  Result<void> publish();

  // Returns a separate descriptor for reading what is on disk, without the bytes that are still
  // buffered. Fails with NotFound for standard output.
  Result<Fd> reopen() const;

 private:
  OneFile() = default;
  Result<void> flush();

  std::string name_;
  std::string shown_;
  Fd folder_;
  PartFile part_;
  Fd complete_;
  bool published_ = false;
  std::uint64_t size_ = 0;
  Bytes waiting_;
};

}  // namespace gw::transfer
