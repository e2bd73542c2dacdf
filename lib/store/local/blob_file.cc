#include "store/local/blob_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <optional>

#include "base/file.h"
#include "store/local/rocksdb_checksum.h"

namespace gw::store {
namespace {

constexpr std::uint64_t kFileHeader = 30;  // bytes
constexpr std::size_t kRecordHeader = 32;
constexpr std::size_t kSummed = 24;            // bytes of a record header that its checksum covers
constexpr std::uint64_t kMaxKey = 256;         // gw's longest key has 145 bytes
constexpr std::uint64_t kMaxValue = 1U << 30;  // a larger length is damage
constexpr std::size_t kStep = 256 << 10;       // bytes read at a time

struct Header {
  std::uint64_t key = 0;
  std::uint64_t value = 0;
  std::uint32_t checksum = 0;
};

// Returns the record header at the start of `data` if it is intact and its key and value fit into
// the `rest` bytes after it; nullopt otherwise. The cheap checks come first, since this runs for
// every byte of a damaged area.
std::optional<Header> read_header(ByteView data, std::uint64_t rest) {
  const Header header{little(data.first(8)), little(data.subspan(8, 8)),
                      static_cast<std::uint32_t>(little(data.subspan(kSummed + 4, 4)))};
  if (header.key == 0 || header.key > kMaxKey || header.value > kMaxValue || header.key + header.value > rest)
    return std::nullopt;
  if (little(data.subspan(kSummed, 4)) != masked(crc32c(0, data.first(kSummed)))) return std::nullopt;
  return header;
}

// Reads as many bytes as there are.
Result<std::size_t> read_at(int fd, std::span<std::byte> to, std::uint64_t offset, const std::string& file) {
  std::size_t filled = 0;
  while (filled < to.size()) {
    const ssize_t got =
        ::pread(fd, to.data() + filled, to.size() - filled, static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::from_errno(file);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

}  // namespace

Result<void> scan_blobs(const std::string& file,
                        const std::function<void(ByteView, const BlobPlace&)>& visit) {
  auto fd = open_for_reading(file);
  if (!fd) return fd.error();
  const off_t end = ::lseek(fd->get(), 0, SEEK_END);
  if (end < 0) return Error::from_errno(file);
  const auto size = static_cast<std::uint64_t>(end);
  Bytes window(kStep);
  std::uint64_t at = kFileHeader;
  while (at + kRecordHeader <= size) {
    const auto got = read_at(fd->get(), std::span(window).first(kRecordHeader + kMaxKey), at, file);
    if (!got) return got.error();
    if (*got < kRecordHeader) break;
    auto header = read_header(window, size - at - kRecordHeader);
    if (!header || *got < kRecordHeader + header->key) {
      // The record is damaged, and so is the length that leads to the next one. Search for the next
      // intact header byte by byte; its checksum makes a false match unlikely. The windows overlap,
      // because a header may begin in one and end in the next.
      const auto more = read_at(fd->get(), window, at + 1, file);
      if (!more) return more.error();
      std::size_t skip = 0;
      while (skip + kRecordHeader <= *more &&
             !read_header(std::span(window).subspan(skip), size - at - 1 - skip - kRecordHeader))
        ++skip;
      at += 1 + skip;
      if (*more < kRecordHeader) break;
      continue;
    }
    const std::uint64_t value = at + kRecordHeader + header->key;
    visit(std::span(window).subspan(kRecordHeader, static_cast<std::size_t>(header->key)),
          {file, value, header->value, header->checksum});
    at = value + header->value;
  }
  return {};
}

Result<Blob> read_blob(ByteView key, const BlobPlace& place) {
  auto fd = open_for_reading(place.file);
  if (!fd) return fd.error();
  Blob blob;
  blob.value.resize(static_cast<std::size_t>(place.size));
  const auto got = read_at(fd->get(), blob.value, place.offset, place.file);
  if (!got) return got.error();
  blob.value.resize(*got);
  blob.whole = *got == place.size && place.checksum == masked(crc32c(crc32c(0, key), blob.value));
  return blob;
}

}  // namespace gw::store
