#include "store/local/rocksdb_checksum.h"

#include <array>
#include <cstddef>

namespace gw::store {
namespace {

constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? value >> 1 ^ 0x82f63b78U : value >> 1;
    table[i] = value;
  }
  return table;
}

}  // namespace

std::uint64_t little(ByteView data) {
  std::uint64_t value = 0;
  for (std::size_t i = data.size(); i > 0; --i)
    value = value << 8 | std::to_integer<std::uint64_t>(data[i - 1]);
  return value;
}

std::uint32_t crc32c(std::uint32_t before, ByteView data) {
  static constexpr std::array<std::uint32_t, 256> kTable = crc_table();
  std::uint32_t crc = ~before;
  for (const std::byte byte : data)
    crc = kTable[(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xff] ^ crc >> 8;
  return ~crc;
}

std::uint32_t masked(std::uint32_t crc) {
  return (crc >> 15 | crc << 17) + 0xa282ead8U;
}

}  // namespace gw::store
