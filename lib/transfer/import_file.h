// A file that is imported: opened, locked, read, and emptied or removed when its mail is safe.
//
//   ImportFile file;
//   file.open(path);        // fails with Busy if another process has it open for writing
//   file.require_whole();   // fails with Busy if it may still be being written
//   file.lock(to_empty);    // an mbox only
//   ...                     // read file.source()
//   file.remove();          // or file.empty(); fails if the file has changed meanwhile
//
// Exactly the file that was read is removed, and only if it is unchanged: a writer that appends to it
// or replaces it keeps its mail. Errors name the path.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "mime/source.h"

namespace gw::transfer {

class ImportFile {
 public:
  // Opens the file. Fails with Busy if another process has it open for writing.
  Result<void> open(const std::string& path);
  // Fails with Busy if it is unknown whether another process writes to the file and it changed
  // recently.
  Result<void> require_whole() const;
  // Locks an mbox as delivering programs do, for reading or for emptying it. Mail that was appended
  // before the lock was obtained becomes part of source(). Fails with Busy if another program holds
  // the lock or has replaced the file.
  Result<void> lock(bool to_empty);

  // Returns the content; call it after open() has succeeded. The reference is valid until lock().
  mime::FileSource& source() { return *source_; }
  const std::string& path() const { return path_; }
  // Returns whether size, time and inode are those of open() or lock().
  bool unchanged() const;

  // Empties the mbox that lock() has locked, and syncs it. Fails with Conflict if it has changed.
  Result<void> empty() const;
  // Removes exactly the file that was read. Fails with Busy if another process has it open for
  // writing, and with Conflict if it has changed; it then stays under its name, or, if that was taken
  // meanwhile, under the name that the error states.
  Result<void> remove() const;

 private:
  Result<void> read_from(Fd fd);
  Error changed() const { return Error(Code::Conflict, path_ + ": has changed and is kept"); }

  std::string path_;
  std::optional<mime::FileSource> source_;
  int number_ = -1;     // descriptor of source_
  Fd writable_;         // holds the lock of an mbox that is to be emptied
  bool known_ = false;  // a lease has shown that no process had it open for writing
  struct stat facts_ {};
};

}  // namespace gw::transfer
