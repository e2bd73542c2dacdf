// Lists the files below a path that may hold mail, for the import.
//
// A directory with `cur` or `new` is a Maildir if `--format maildir` says so, or if it also has another of
// `cur`, `new` and `tmp`: empty directories get lost in copies. Its mails are in `cur` and `new`; what lies
// beside these is looked at as in any other directory, `tmp` is not. Any other directory is searched with all
// below it. Nothing is left out silently: each item that is not visited goes to `passed`.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "mime/source.h"

namespace gw::transfer {

enum class SourceFormat : unsigned char {
  Auto,  // each file as it looks: see look_at()
  Eml,   // one mail each, whatever it holds
  Mbox,
  Maildir,
  Spool,  // one mail each, in one directory; files that are being written are called `.tmp` or the like
};

struct SourceFile {
  std::string path;
  SourceFormat format = SourceFormat::Auto;  // how to read it; Maildir: it lies in `cur` or `new`
  bool beside_maildir = false;               // indexes of mail programs are expected here
};

// Why an item is not visited.
enum class PassedOver : unsigned char {
  Hidden,        // its name begins with a dot
  Link,          // a symbolic link
  Special,       // neither a plain file nor a directory
  Sidecar,       // the manifest line that gw-export put beside a mail
  Unfinished,    // a name that writers use until a file is whole
  Temporary,     // below `tmp` of a Maildir
  OutOfMaildir,  // with format Maildir: not in `cur` or `new`
  Below,         // a directory in a spool
};

struct SourceVisitor {
  // Each file, sorted by name within its directory. An Error ends the walk and is returned.
  std::function<Result<void>(const SourceFile&)> visit;
  std::function<void(const std::string& path, PassedOver)> passed;
  // A directory that cannot be read, or in which no Maildir was found although the format asks for one.
  std::function<void(const std::string& path, const Error&)> trouble;
};

// NotFound: there is no such path. Usage: it cannot be of that format.
Result<void> walk_sources(const std::string& path, SourceFormat format, const SourceVisitor& visitor);

// What the beginning of a file looks like, after a byte order mark and empty lines.
enum class Looks : unsigned char {
  Mbox,   // a dated separator line, or a line that begins with `From ` and that a header follows
  Mail,   // a header: its first line is a field, and one of its fields is usual in mail
  Other,  // neither: a list, an index, a database, an archive, an empty file
};
// With `single` a separator line in front is part of the mail, so that Mbox is never returned.
Result<Looks> look_at(mime::Source& source, bool single);

}  // namespace gw::transfer
