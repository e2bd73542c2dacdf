// Replaces RocksDB's CRC-32C (RFC 3720, section 12.1), which it computes over every byte that is
// logged, flushed or read.
//
// Debian builds RocksDB for any x86-64, so its own function uses no CRC instruction: it took a
// seventh of the processor time when mails of 64 KiB arrived. RocksDB calls it as a symbol that a
// program can define itself (crc32c_test.cc checks that it does). This definition calls ISA-L,
// which selects the code for the processor at run time. A RocksDB build that does not import the
// symbol uses its own function, and only speed is lost. Configuring with -D GW_ISAL_CRC32C=OFF
// leaves it out.
#include <isa-l/crc.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace rocksdb::crc32c {

// Returns the CRC of the data that `crc` covers followed by these bytes. The name and types are
// RocksDB's.
std::uint32_t Extend(std::uint32_t crc, const char* data, std::size_t size);

std::uint32_t Extend(std::uint32_t crc, const char* data, std::size_t size) {
  // ISA-L takes the length as int.
  constexpr std::size_t kMaxCount = 1 << 30;
  auto* at = reinterpret_cast<unsigned char*>(const_cast<char*>(data));  // ISA-L only reads it
  std::uint32_t inverted = ~crc;
  while (size > 0) {
    const std::size_t now = std::min(size, kMaxCount);
    // ISA-L works on the inverted value, RocksDB passes the final one.
    inverted = crc32_iscsi(at, static_cast<int>(now), inverted);
    at += now;
    size -= now;
  }
  return ~inverted;
}

}  // namespace rocksdb::crc32c
