// RocksDB's blob files read by themselves, for a database that has forgotten them.
//
//   header of 30 octets; records of { u64 key length, u64 value length, u64 expiration, u32 checksum of these
//   three, u32 checksum of key and value, key, value }; a footer. Little-endian, CRC-32C masked as in
//   RocksDB.
#pragma once

#include <functional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace gw::store {

struct BlobPlace {
  std::string file;
  std::uint64_t offset = 0;  // of the value
  std::uint64_t octets = 0;
  std::uint32_t checksum = 0;
};

// Every record whose header is whole, also behind damaged ones. Values are not read.
Result<void> scan_blobs(const std::string& file,
                        const std::function<void(ByteView key, const BlobPlace&)>& visit);
struct Blob {
  Bytes value;
  bool whole = false;  // by its checksum
};
Result<Blob> read_blob(ByteView key, const BlobPlace& place);

}  // namespace gw::store
