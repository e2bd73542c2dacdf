// Which files below a path hold mail, and in what form: for the import.
//
// A folder with `cur` and `new` is a Maildir, unless another format is named: the mails are in these two, and
// its subfolders are looked at as well. Any other folder is gone through with all that is below it. Hidden
// files are left out, and so are links, what is no plain file, and the sidecars that an export put beside its
// mails.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace gw::transfer {

enum class SourceFormat : unsigned char {
  Auto,  // a file is an mbox if it begins with `From ` and is not called `.eml`
  Eml,   // one mail each
  Mbox,
  Maildir,
  Spool,  // one mail each, in one folder; files that are being written are called `.tmp` or the like
};

struct SourceFile {
  std::string path;
  bool mbox = false;
};

// Each file, by name within its folder. An Error of `visit` ends the walk and is given back; a folder or file
// that cannot be read goes to `trouble`. NotFound: there is no such path. Usage: it cannot be of that format.
using SourceVisit = std::function<Result<void>(const SourceFile&)>;
using SourceTrouble = std::function<void(const std::string& path, const Error&)>;
Result<void> walk_sources(const std::string& path, SourceFormat format, const SourceVisit& visit,
                          const SourceTrouble& trouble);

}  // namespace gw::transfer
