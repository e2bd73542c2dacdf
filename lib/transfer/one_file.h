// One file that holds every mail, or standard output: what mbox, tar and zip are written to.
//
// Until it is whole the file is the hidden `.NAME.part` beside its name. Whoever writes it appends, may cut
// it back to where an earlier run was whole, and in the end gives it its name.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "transfer/part_file.h"

namespace gw::transfer {

class OneFile {
 public:
  // `-` is standard output. With `resume` the part of an interrupted run is kept, if `go_on`, and a finished
  // file is only read. Exists (exit 73): the file is there and `resume` was not given.
  static Result<OneFile> open(const std::string& path, bool resume, bool go_on);
  OneFile(OneFile&&) noexcept = default;
  OneFile& operator=(OneFile&&) noexcept = default;
  ~OneFile();

  const std::string& name() const { return name_; }  // without its folder; `-`
  const std::string& shown() const { return shown_; }
  bool complete() const { return static_cast<bool>(complete_); }
  std::uint64_t size() const { return size_ + waiting_.size(); }  // what an earlier run left counts

  Result<void> write(ByteView octets);
  Result<void> cut(std::uint64_t size);
  Result<void> publish();  // all synced, and under its name

  // A descriptor of its own for reading what is there, without the octets that still wait here.
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
