// Lists the files below a path that may hold mail, for the import.
//
// A directory with `cur` or `new` is a Maildir if `--format maildir` says so, or if it also has
// another of `cur`, `new` and `tmp`; copies of Maildirs often lack the empty directories. Its mails
// are in `cur` and `new`. Other items beside these are treated as in any directory, except that
// `tmp` is skipped. Directories are searched recursively. No item is skipped silently: each one
// that is not visited is reported to `passed`.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "mime/source.h"

namespace gw::transfer {

// How to read the files.
enum class SourceFormat : unsigned char {
  Auto,  // each file as it looks, see look_at()
  Eml,   // each file is one mail, whatever it contains
  Mbox,
  Maildir,
  // Each file is one mail, all in one directory. Files that are still being written have names like
  // `*.tmp`.
  Spool,
};

// A file to import.
struct SourceFile {
  std::string path;
  // How to read this file. Maildir means that it lies in `cur` or `new`.
  SourceFormat format = SourceFormat::Auto;
  bool beside_maildir = false;  // in a Maildir's directory, where mail programs keep their indexes
};

// Why an item is not visited.
enum class PassedOver : unsigned char {
  Hidden,        // its name begins with a dot
  Link,          // a symbolic link
  Special,       // neither a plain file nor a directory
  Sidecar,       // the manifest line that gw-export writes beside a mail
  Unfinished,    // a name that programs use until a file is complete
  Temporary,     // below `tmp` of a Maildir
  OutOfMaildir,  // format Maildir: not in `cur` or `new`
  Below,         // a directory in a spool
};

// Callbacks of the walk. All three must be set.
struct SourceVisitor {
  // Called for each file, sorted by name within its directory. An Error ends the walk and is
  // returned.
  std::function<Result<void>(const SourceFile&)> visit;
  std::function<void(const std::string& path, PassedOver)> passed;
  // Called for a directory that cannot be read, and for a path in which no Maildir was found
  // although the format demands one.
  std::function<void(const std::string& path, const Error&)> trouble;
};

// Walks over the files at and below `path`. Fails with NotFound if the path does not exist, with
// Usage if it cannot have that format.
Result<void> walk_sources(const std::string& path, SourceFormat format, const SourceVisitor& visitor);

// What the beginning of a file looks like, after a byte order mark and empty lines.
enum class Looks : unsigned char {
  Mbox,   // a dated separator line, or a `From ` line that a header follows
  Mail,   // a header: its first line is a field, and one field is usual in mail
  Other,  // neither: a list, an index, a database, an archive, an empty file
};
// Looks at the first 64 KiB of the source. With `single` a leading separator line is part of the
// mail, so that Mbox is never returned.
Result<Looks> look_at(mime::Source& source, bool single);

}  // namespace gw::transfer
