// Extracts files from archives (tar, zip) and from compressed files (gzip, zstd, bzip2, xz), one
// after another, with libarchive.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "transfer/sealed_spill.h"

namespace gw::transfer {

// Number of bytes that is_packed() needs.
inline constexpr std::size_t kPackedStart = 512;
// Checks whether a file that begins with these bytes is an archive or compressed.
bool is_packed(ByteView start);

// Called with the name of a file in the archive, empty for a compressed file, and its content.
using UnpackedEach =
    std::function<Result<void>(const std::string& name, std::unique_ptr<SealedSpill> content)>;
// Called for an item that cannot be read, such as an encrypted file or a link, with the reason.
using UnpackFailed = std::function<void(const std::string& name, const std::string& reason)>;
// Calls `each` for every plain file; directories are skipped, and other items go to `failed`. An
// Error of `each` ends the extraction and is returned. Fails with BadInput if the archive is
// damaged or cut; the files before the damage have been passed to `each`.
Result<void> unpack(mime::Source& source, const UnpackedEach& each, const UnpackFailed& failed);

}  // namespace gw::transfer
