#include "store/local/torn_tail.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "base/fd.h"
#include "base/file.h"
#include "store/local/directory_list.h"
#include "store/local/rocksdb_checksum.h"

namespace gw::store {
namespace {

// The format of RocksDB's logs: blocks of records, or of fragments of records, each with a header of
// checksum (4 bytes, of type and data), length (2) and type (1).
constexpr std::size_t kLogBlock = 32 << 10;
constexpr std::size_t kFragmentHeader = 7;
constexpr unsigned kLastFragment = 4;  // full, first, middle, last

constexpr std::size_t kSectorSize = 512;
// Bytes that are examined of the last sector, of which the file may have only a part.
constexpr std::size_t kExaminedEnd = 64;

bool all_zero(ByteView data) {
  return std::ranges::all_of(data, [](std::byte byte) { return byte == std::byte{0}; });
}

// Returns the end of the first unwritten sector of a block; 0 if it has none. `last` says that the
// block is the last one of its file.
std::size_t end_of_unwritten(ByteView block, bool last) {
  for (std::size_t at = 0; at < block.size(); at += kSectorSize) {
    const ByteView sector = block.subspan(at, std::min(kSectorSize, block.size() - at));
    const bool at_end = last && at + sector.size() == block.size();
    if (all_zero(at_end ? sector.last(std::min(kExaminedEnd, sector.size())) : sector))
      return at + sector.size();
  }
  return 0;
}

bool has_record(ByteView data) {
  for (std::size_t at = 0; at + kFragmentHeader <= data.size(); ++at) {
    const auto type = std::to_integer<unsigned>(data[at + kFragmentHeader - 1]);
    const auto length = static_cast<std::size_t>(little(data.subspan(at + 4, 2)));
    if (type == 0 || type > kLastFragment || length > data.size() - at - kFragmentHeader) continue;
    if (little(data.subspan(at, 4)) == masked(crc32c(0, data.subspan(at + kFragmentHeader - 1, 1 + length))))
      return true;
  }
  return false;
}

enum class Tail { Whole, Torn, Damaged };

Tail tail_of(const std::string& path) {
  const auto fd = open_for_reading(path);
  if (!fd) return Tail::Damaged;
  Tail found = Tail::Whole;
  std::vector<std::byte> both(2 * kLogBlock);
  std::size_t size = 0;
  for (bool ended = false; !ended || size > 0;) {
    // Two blocks are read, because whether a block is the last one is known by what follows it.
    while (!ended && size < both.size()) {
      const auto got = read_some(fd->get(), std::span(both).subspan(size), path);
      if (!got) return Tail::Damaged;
      ended = *got == 0;
      size += *got;
    }
    const ByteView block = std::span(both).first(std::min(size, kLogBlock));
    if (const std::size_t end = end_of_unwritten(block, size <= kLogBlock); end > 0) {
      if (has_record(block.subspan(end))) return Tail::Damaged;
      found = Tail::Torn;
    }
    std::copy(both.begin() + static_cast<std::ptrdiff_t>(block.size()),
              both.begin() + static_cast<std::ptrdiff_t>(size), both.begin());
    size -= block.size();
  }
  return found;
}

}  // namespace

bool may_be_torn(const std::string& database) {
  const auto names = names_in(database);
  if (!names) return false;
  bool torn = false;
  for (const std::string& name : *names) {
    if (!name.ends_with(".log")) continue;
    // The torn log need not be the newest one: if the power fails again during the next start,
    // there is already a new one.
    const Tail found = tail_of(database + "/" + name);
    if (found == Tail::Damaged) return false;
    torn = torn || found == Tail::Torn;
  }
  return torn;
}

}  // namespace gw::store
