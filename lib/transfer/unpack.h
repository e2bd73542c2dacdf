// Extracts files from archives (tar, zip) and from compressed files (gzip, zstd, bzip2, xz), one
// after another, with libarchive. Nothing is written under a name from the archive.
//
// The work for a malicious archive is bounded: by the limits below, and because archives within
// archives are files like any other.
#pragma once

#include <cstdint>
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

// Items of an archive, directories included, and bytes of a name. A longer name is not read.
inline constexpr std::uint64_t kMaxUnpackedItems = 10'000'000;
inline constexpr std::size_t kMaxUnpackedName = 4096;
// All content of an archive may have this many bytes, and in addition this many times the size of
// the archive. Mail compresses to a third, and attachments full of zeros to a hundredth.
inline constexpr std::uint64_t kUnpackedStart = 64 << 20;
inline constexpr std::uint64_t kMaxUnpackedRatio = 200;

// Called with the name of a file in the archive, empty for a compressed file, and its content.
using UnpackedEach =
    std::function<Result<void>(const std::string& name, std::unique_ptr<SealedSpill> content)>;
// Called for an item that is skipped, with the reason: a link or device, an encrypted file, or a name
// that is absolute, contains `..`, or is too long.
using UnpackFailed = std::function<void(const std::string& name, const std::string& reason)>;
// Calls `each` for every plain file; directories are skipped, and other items go to `failed`. Returns
// how many plain files there were. An Error of `each` ends the extraction and is returned. Fails with
// BadInput if the archive is damaged, cut, or beyond a limit; the files before that have been passed
// to `each`.
Result<std::uint64_t> unpack(mime::Source& source, const UnpackedEach& each, const UnpackFailed& failed);

// Counts the plain files in the archive by its bytes alone, without its directory and the code that
// reads it: an archive may only be removed if this is what unpack() returned. It counts too many
// rather than too few. Fails with BadInput if the source has bytes after its compressed data, or after
// the directory of a zip file.
Result<std::uint64_t> count_packed(mime::Source& source);

}  // namespace gw::transfer
