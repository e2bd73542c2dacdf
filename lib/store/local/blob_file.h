// Reads RocksDB's blob files without RocksDB, for gw-store salvage: RepairDB forgets blob files,
// and most small mail is in them. Files are only read, never changed.
//
//   header of 30 bytes
//   records of { u64 key length, u64 value length, u64 expiration, u32 checksum of these three,
//                u32 checksum of key and value, key, value }
//   footer
//
// Numbers are little-endian; checksums are CRC-32C, masked as in RocksDB.
#pragma once

#include <functional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace gw::store {

// Where one value is.
struct BlobPlace {
  std::string file;            // path of the blob file
  std::uint64_t offset = 0;    // of the value in the file
  std::uint64_t size = 0;      // size of the value
  std::uint32_t checksum = 0;  // masked CRC-32C of key and value, as stored
};

// Calls `visit` for every record with an intact header, including those after a damaged part of the
// file. Values are not read or checked. The key view is valid only during the call. Fails if the
// file cannot be read.
Result<void> scan_blobs(const std::string& file,
                        const std::function<void(ByteView key, const BlobPlace&)>& visit);
struct Blob {
  Bytes value;         // shorter than recorded if the file ends early
  bool whole = false;  // true if its checksum matches
};
// Reads a value and checks it. A damaged value is returned with `whole` false; fails only if the
// file cannot be read.
Result<Blob> read_blob(ByteView key, const BlobPlace& place);

}  // namespace gw::store
