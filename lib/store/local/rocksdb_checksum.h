// The numbers and checksums in the files of RocksDB, for code that reads them without RocksDB. It is
// used for damaged files only, and not optimised.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace gw::store {

// Returns a little-endian number of at most 8 bytes.
std::uint64_t little(ByteView data);

// Returns the CRC-32C of the data that `before` covers, followed by these bytes. `before` is 0 at the
// start.
std::uint32_t crc32c(std::uint32_t before, ByteView data);

// Returns the form in which RocksDB stores a checksum, so that a checksum over data that contains
// checksums is not weak.
std::uint32_t masked(std::uint32_t crc);

}  // namespace gw::store
