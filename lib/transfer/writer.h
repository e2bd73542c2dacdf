// The destination of exported mail: a directory of files, a Maildir, one file for all mails, or
// standard output.
//
//   if (writer.holds(entry, expected)) …         // an earlier run wrote it
//   writer.begin(entry); writer.write(bytes)…; writer.commit();   // or abandon()
//   writer.finish();                             // once, at the end: makes all durable
//   writer.digest(entry)…                        // then, in the same order: reads back
//
// A Writer never overwrites a file and never leaves an incomplete one under its final name. Names
// consist of ids and times and never of anything from the mail, so that mail cannot choose a path.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/id.h"
#include "base/result.h"

namespace gw::transfer {

// One mail, or a file that belongs to it.
struct Entry {
  MessageId id;
  Micros time = 0;              // of receipt, in microseconds since the epoch
  std::string suffix = ".eml";  // `.1.eml` for an inner mail, `.json` for a sidecar
  std::uint64_t size = 0;       // exactly the number of bytes that will be written
  std::string sender;           // for the separator line of an mbox
  std::string flags;            // for a Maildir, as `RS`
};

// Not thread safe. Errors are those of the destination; names that are taken fail with Exists.
class Writer {
 public:
  virtual ~Writer() = default;

  // Returns the name of the entry, relative to the destination.
  virtual std::string name(const Entry& entry) const = 0;
  // Checks whether the destination can hold files that are not mail.
  virtual bool sidecars() const { return true; }
  // Checks whether an entry that was begun cannot be taken back. The caller then ensures, before
  // begin(), that it will be complete.
  virtual bool one_way() const { return false; }
  // Checks whether the writer appends an LF to content that does not end in one. The content reads
  // back with it.
  virtual bool ends_lines() const { return false; }

  // Returns the digest that an existing entry must have.
  using Expected = std::function<Result<Digest>()>;
  // Checks whether the earlier run that this one resumes has already written this entry. Fails with
  // Exists if something else is in its place.
  virtual Result<bool> holds(const Entry& entry, const Expected& expected) = 0;

  // Begins an entry. Fails with Exists if its name is taken.
  virtual Result<void> begin(const Entry& entry) = 0;
  virtual Result<void> write(ByteView data) = 0;
  // Completes the entry and returns the digest that reading it back must give. Fails with Exists if
  // the name was taken meanwhile.
  virtual Result<Digest> commit() = 0;
  // Drops the current entry and leaves nothing of it, unless one_way().
  virtual void abandon() = 0;
  // Makes everything durable under its name. More entries may follow if each has a name of its own.
  virtual Result<void> finish() = 0;

  // Reads an entry back, past the page cache if the system allows. Call it after finish(), in the
  // order in which the entries were written. Fails with NotFound.
  virtual Result<Digest> digest(const Entry& entry) = 0;
};

using MadeWriter = Result<std::unique_ptr<Writer>>;

// Creates a writer of files `YYYY/MM/DD/<id>.eml` (day of receipt, UTC) below `folder`, files with
// mode 0600 and directories with 0700, created as needed. Symbolic links below `folder` are not
// followed. With `resume` files of an earlier run may exist.
MadeWriter make_eml_writer(const std::string& folder, bool resume);

// Creates a writer for a Maildir: through `tmp/` to `new/`, or to `cur/` for an entry with flags.
MadeWriter make_maildir_writer(const std::string& folder, bool resume);

// Create writers of one file with mode 0600, which is the hidden `.NAME.part` until it is complete;
// `-` is standard output. With `resume` mbox and tar continue after the last complete mail, and
// zip, whose directory is at its end, starts over.
MadeWriter make_mbox_writer(const std::string& path, bool resume);
enum class Archive : unsigned char { Tar, Zip };
MadeWriter make_archive_writer(const std::string& path, Archive format, bool resume);

// Creates a writer of one message, unchanged, to `fd`. A second message fails with Usage, because a
// reader could not tell where the first one ends. `fd` stays the caller's.
MadeWriter make_stream_writer(int fd);

// Returns the error for a name that is taken: Exists, exit status 73, with a hint.
Error in_the_way(const std::string& name, bool resume);

}  // namespace gw::transfer
