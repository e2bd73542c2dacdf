// lib/store/local/crc32c.cc: RocksDB's checksum with the processor's instructions.
#include <dlfcn.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <random>
#include <string>

namespace rocksdb::crc32c {
std::uint32_t Extend(std::uint32_t crc, const char* data, std::size_t size);
}

namespace {

using Crc = std::uint32_t(std::uint32_t, const char*, std::size_t);
constexpr const char* kSymbol = "_ZN7rocksdb6crc32c6ExtendEjPKcm";

// The function that RocksDB would use otherwise.
Crc* own_of_rocksdb() {
  Dl_info about{};
  REQUIRE(::dladdr(::dlsym(RTLD_NEXT, "_ZN7rocksdb2DBD2Ev"), &about) != 0);
  void* const library = ::dlopen(about.dli_fname, RTLD_NOW | RTLD_NOLOAD);
  REQUIRE(library != nullptr);
  return reinterpret_cast<Crc*>(::dlsym(library, kSymbol));
}

}  // namespace

TEST_CASE("CRC-32C: the published values") {
  CHECK(rocksdb::crc32c::Extend(0, "", 0) == 0);
  CHECK(rocksdb::crc32c::Extend(0, "123456789", 9) == 0xe3069283);
  // RFC 3720 appendix B.4
  CHECK(rocksdb::crc32c::Extend(0, std::string(32, '\0').data(), 32) == 0x8a9136aa);
  CHECK(rocksdb::crc32c::Extend(0, std::string(32, '\xff').data(), 32) == 0x62a8ab43);
}

TEST_CASE("CRC-32C: equals RocksDB's function at every start and length") {
  Crc* const own = own_of_rocksdb();
  REQUIRE(own != nullptr);
  REQUIRE(own != &rocksdb::crc32c::Extend);
  std::mt19937 random(7);
  std::string data(70'000, '\0');
  for (char& byte : data) byte = static_cast<char>(random());
  for (std::size_t start = 0; start < 17; ++start) {
    for (std::size_t length = 0; length < 600; ++length) {
      if (rocksdb::crc32c::Extend(start, &data[start], length) != own(start, &data[start], length))
        FAIL("start " << start << ", length " << length);
    }
  }
  CHECK(rocksdb::crc32c::Extend(1, data.data(), data.size()) == own(1, data.data(), data.size()));
  const std::uint32_t part = rocksdb::crc32c::Extend(0, data.data(), 33'333);
  CHECK(rocksdb::crc32c::Extend(part, &data[33'333], data.size() - 33'333) ==
        own(0, data.data(), data.size()));
}

TEST_CASE("CRC-32C: RocksDB calls the function of crc32c.cc") {
  // The symbol as the dynamic linker resolves it for RocksDB.
  CHECK(::dlsym(RTLD_DEFAULT, kSymbol) == reinterpret_cast<void*>(&rocksdb::crc32c::Extend));
}
