// Where exported mail goes: a folder of files, a Maildir, one file that holds all, or standard output.
//
//   if (writer.holds(entry, expected)) …            // there from an earlier run: nothing to do
//   writer.begin(entry); writer.write(octets)…; writer.commit();     // or abandon()
//   writer.finish();                                // once, at the end: whole, durable, under its name
//   writer.digest(entry)…                           // then, in the same order: what is there now
//
// A Writer never overwrites and never leaves half of anything under its name. Names are made of ids and
// times, never of anything in the mail.
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

// One mail, or what stands beside it.
struct Entry {
  MessageId id;
  Micros time = 0;              // of arrival
  std::string suffix = ".eml";  // `.1.eml` an inner mail, `.json` a sidecar
  std::uint64_t octets = 0;     // exactly what will be written
  std::string sender;           // for mbox's separator line
  std::string flags;            // for Maildir, as `RS`
};

class Writer {
 public:
  virtual ~Writer() = default;

  virtual std::string name(const Entry& entry) const = 0;  // relative to the destination
  virtual bool sidecars() const { return true; }           // can hold what is no mail
  // What was begun cannot be taken back: the caller makes sure before that it will be whole.
  virtual bool one_way() const { return false; }
  // Octets that do not end in LF get one, and read back so.
  virtual bool ends_lines() const { return false; }

  // Whether an earlier run that is gone on with left this very entry. `expected` gives the digest that it
  // must have. Exists: something else is in its place.
  using Expected = std::function<Result<Digest>()>;
  virtual Result<bool> holds(const Entry& entry, const Expected& expected) = 0;

  // Exists: something of that name is there.
  virtual Result<void> begin(const Entry& entry) = 0;
  virtual Result<void> write(ByteView octets) = 0;
  // The entry is whole. Gives the digest that reading back must find. Exists: the name was taken meanwhile.
  virtual Result<Digest> commit() = 0;
  // Forgets the entry in hand; nothing of it stays, unless this is one_way().
  virtual void abandon() = 0;
  // Everything is there under its name and survives a power cut. More may follow where there are many names.
  virtual Result<void> finish() = 0;

  // Reads back what is there, past the page cache where the system lets us; after finish(), and in the order
  // in which it was written. NotFound.
  virtual Result<Digest> digest(const Entry& entry) = 0;
};

using MadeWriter = Result<std::unique_ptr<Writer>>;

// Files `YYYY/MM/DD/<id>.eml` (day of arrival, UTC) below `folder`, mode 0600, folders 0700, both made as
// needed. Symbolic links below `folder` are not followed. With `resume` what is there may be there.
MadeWriter make_eml_writer(const std::string& folder, bool resume);

// A Maildir: through `tmp/`, to `new/`, or to `cur/` where there are flags.
MadeWriter make_maildir_writer(const std::string& folder, bool resume);

// One file, mode 0600, under its name once it is whole; `-` is standard output. Until then it is the hidden
// file `.NAME.part` beside it. With `resume` mbox and tar go on behind the last whole mail there, and zip,
// whose list stands at the end, begins anew.
MadeWriter make_mbox_writer(const std::string& path, bool resume);
enum class Archive : unsigned char { Tar, Zip };
MadeWriter make_archive_writer(const std::string& path, Archive format, bool resume);

// One message, as it is, to standard output. A second one is Usage: nobody could tell where the first ended.
MadeWriter make_stream_writer(int fd);

// The error for a name that is taken: exit status 73, and what to do.
Error in_the_way(const std::string& name, bool resume);

}  // namespace gw::transfer
