// Files, with the syncs that make a change survive a power cut. Every descriptor is CLOEXEC.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"
#include "base/secret.h"

namespace gw {

Result<Fd> open_for_reading(const std::string& path);

// All of a file of at most `limit` octets; a longer one is BadInput.
Result<std::string> read_file(const std::string& path, std::size_t limit = 1 << 20);

// A secret from a file: its first line without the line end, or all of it with `whole`. BadInput if it is
// empty or longer than `limit`. No copy stays behind.
Result<Secret> read_secret(int fd, std::string_view what, std::size_t limit = 4096, bool whole = false);

// Makes `path` new with these octets and mode and syncs it and its folder. Exists if it is there.
Result<void> create_file(const std::string& path, ByteView octets, unsigned mode);

// Replaces `path` as a whole: readers see the old octets or the new, also after a power cut.
Result<void> replace_file(const std::string& path, ByteView octets, unsigned mode);

Result<void> sync_folder(const std::string& path);

// Every octet, over short writes and EINTR.
Result<void> write_all(int fd, ByteView octets, std::string_view what);
// Up to `to.size()` octets; fewer only at the end.
Result<std::size_t> read_some(int fd, std::span<std::byte> to, std::string_view what);

}  // namespace gw
