// Takes files out of archives (tar, zip) and out of compressed files (gzip, zstd, bzip2, xz), one after
// another, by libarchive.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "transfer/sealed_spill.h"

namespace gw::transfer {

inline constexpr std::size_t kPackedStart = 512;  // bytes that is_packed() looks at
// Whether a file that begins so is an archive or compressed.
bool is_packed(ByteView start);

// Calls `each` for every plain file, with the name that it has in the archive; without one for a compressed
// file. Directories are left out. `failed` hears of what cannot be read, such as an encrypted file, and of
// links. An Error of `each` ends it and is returned. BadInput: damaged or cut; what came before has been
// given.
using UnpackedEach =
    std::function<Result<void>(const std::string& name, std::unique_ptr<SealedSpill> content)>;
using UnpackFailed = std::function<void(const std::string& name, const std::string& reason)>;
Result<void> unpack(mime::Source& source, const UnpackedEach& each, const UnpackFailed& failed);

}  // namespace gw::transfer
