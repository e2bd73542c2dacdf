// RocksDB's CRC-32C (RFC 3720 section 12.1), which it takes of every octet that is logged, flushed, or read.
//
// Debian builds RocksDB for any x86-64, so its own uses no instruction of the processor for it: that took a
// seventh of all time when mails of 64 KiB came in. RocksDB calls it as a symbol that a program may define in
// its stead (crc32c_test.cc shows that it does), so this one asks ISA-L, which chooses by the processor it
// finds itself on. Where a RocksDB does not ask for this symbol, its own is used, and only time is lost.
#include <isa-l/crc.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace rocksdb::crc32c {

// The CRC of octets that had `crc`, and of these behind them. RocksDB's name and types.
std::uint32_t Extend(std::uint32_t crc, const char* data, std::size_t octets);

std::uint32_t Extend(std::uint32_t crc, const char* data, std::size_t octets) {
  constexpr std::size_t kMost = 1 << 30;                                 // ISA-L counts in int
  auto* at = reinterpret_cast<unsigned char*>(const_cast<char*>(data));  // which it only reads
  std::uint32_t inverted = ~crc;
  while (octets > 0) {
    const std::size_t now = std::min(octets, kMost);
    inverted = crc32_iscsi(at, static_cast<int>(now), inverted);
    at += now;
    octets -= now;
  }
  return ~inverted;
}

}  // namespace rocksdb::crc32c
