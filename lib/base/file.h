// Whole files, written with the syncs that make a change survive a power failure.
//
// Errors are those of Error::from_errno() and name the path or `what`. Every descriptor that these
// functions open has O_CLOEXEC. All functions may be called by any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"
#include "base/secret.h"

namespace gw {

// Opens an existing file read-only.
Result<Fd> open_for_reading(const std::string& path);

// Returns the content of a file. Fails with BadInput if it has more than `limit` bytes.
Result<std::string> read_file(const std::string& path, std::size_t limit = 1 << 20);

// Reads a secret: the first line without its line ending (LF or CRLF), or the whole file with
// `whole`. The bytes are only ever in the Secret. Does not close `fd`; `what` names it in errors.
// Fails with BadInput if the secret is empty or has more than `limit` bytes.
Result<Secret> read_secret(int fd, std::string_view what, std::size_t limit = 4096, bool whole = false);

// Creates `path` with this content and mode (reduced by the umask), then syncs the file and its
// directory. Fails with Exists if anything of this name exists, also a symbolic link. If it fails,
// removes what it created, and never a file that existed before.
Result<void> create_file(const std::string& path, ByteView data, unsigned mode);

// Creates or replaces `path` atomically: a reader sees either the old content or the new, also
// after a power failure. Writes a new file `PATH.<16 hex digits>.new` in the same directory and
// renames it, so the directory must be writable, a symbolic link at `path` is replaced, and owner
// and mode are the new file's.
Result<void> replace_file(const std::string& path, ByteView data, unsigned mode);

// Syncs a directory, so that files created, renamed or removed in it stay so after a power failure.
Result<void> sync_folder(const std::string& path);
// Syncs the directory that contains this directory, so that a power cut does not take back a new one as
// a whole. Does nothing if the process may not read the parent directory: another user is responsible
// for it.
Result<void> sync_parent_of(const std::string& folder);

// Writes all of `data`. Continues after short writes and EINTR. Fails with Closed for a broken
// pipe.
Result<void> write_all(int fd, ByteView data, std::string_view what);
// Reads until `to` is full or the end is reached, and returns the number of bytes: fewer than
// `to.size()` only at the end. Continues after short reads and EINTR.
Result<std::size_t> read_some(int fd, std::span<std::byte> to, std::string_view what);

}  // namespace gw
