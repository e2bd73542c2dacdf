#include "transfer/unpack.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include "base/text.h"

namespace gw::transfer {
namespace {

constexpr std::size_t kUnpackBuffer = 64 << 10;

struct CloseReader {
  void operator()(archive* handle) const { archive_read_free(handle); }
};
using ArchiveHandle = std::unique_ptr<archive, CloseReader>;

// What libarchive reads from. Seeking lets it use the central directory of a zip file.
struct Input {
  mime::Source& source;
  std::uint64_t at = 0;
  Bytes buffer = Bytes(kUnpackBuffer);
  std::optional<Error> failed{};

  static la_ssize_t read(archive* handle, void* self, const void** data) {
    auto& input = *static_cast<Input*>(self);
    const auto size =
        static_cast<std::size_t>(std::min<std::uint64_t>(kUnpackBuffer, input.source.size() - input.at));
    *data = input.buffer.data();
    if (auto got = input.source.read(input.at, std::span(input.buffer).first(size)); !got) {
      // libarchive keeps only a text; unpack() returns the original error.
      input.failed = got.error();
      archive_set_error(handle, EIO, "%s", "cannot read");
      return ARCHIVE_FATAL;
    }
    input.at += size;
    return static_cast<la_ssize_t>(size);
  }

  static la_int64_t seek(archive*, void* self, la_int64_t offset, int whence) {
    auto& input = *static_cast<Input*>(self);
    const auto size = static_cast<la_int64_t>(input.source.size());
    const la_int64_t from = whence == SEEK_SET   ? 0
                            : whence == SEEK_END ? size
                                                 : static_cast<la_int64_t>(input.at);
    if (from + offset < 0 || from + offset > size) return ARCHIVE_FATAL;
    input.at = static_cast<std::uint64_t>(from + offset);
    return from + offset;
  }
};

Error error_of(archive* handle) {
  const char* text = archive_error_string(handle);
  return Error(Code::BadInput, text != nullptr ? text : "cannot unpack the archive");
}

// Opens the input: as an archive or a compressed file, or with `raw` as compressed or plain bytes.
// Fails with BadInput if it is none of these.
Result<ArchiveHandle> open_input(Input& input, bool raw) {
  ArchiveHandle reader(archive_read_new());
  // Only filters and formats that libarchive implements itself. Some of its other filters start
  // external programs.
  bool ready = reader && archive_read_support_filter_gzip(reader.get()) == ARCHIVE_OK &&
               archive_read_support_filter_zstd(reader.get()) == ARCHIVE_OK &&
               archive_read_support_filter_bzip2(reader.get()) == ARCHIVE_OK &&
               archive_read_support_filter_xz(reader.get()) == ARCHIVE_OK &&
               archive_read_support_format_empty(reader.get()) == ARCHIVE_OK &&
               archive_read_support_format_raw(reader.get()) == ARCHIVE_OK;
  // Without this option, a second tar file after the first one would be ignored.
  if (!raw)
    ready =
        ready && archive_read_support_format_tar(reader.get()) == ARCHIVE_OK &&
        archive_read_support_format_zip(reader.get()) == ARCHIVE_OK &&
        archive_read_set_format_option(reader.get(), "tar", "read_concatenated_archives", "1") == ARCHIVE_OK;
  if (!ready) return Error(Code::Internal, "out of memory for an archive");
  archive_read_set_callback_data(reader.get(), &input);
  archive_read_set_read_callback(reader.get(), Input::read);
  archive_read_set_seek_callback(reader.get(), Input::seek);
  if (archive_read_open1(reader.get()) != ARCHIVE_OK)
    return input.failed ? *input.failed : error_of(reader.get());
  return reader;
}

// The number of bytes that may still be unpacked.
class Allowance {
 public:
  explicit Allowance(std::uint64_t packed)
      // No file is so large that this overflows.
      : left_(kUnpackedStart + packed * kMaxUnpackedRatio) {}
  Result<void> take(std::size_t size) {
    if (size > left_)
      return Error(Code::BadInput,
                   "unpacks to more than " + std::to_string(kMaxUnpackedRatio) + " times its size");
    left_ -= size;
    return {};
  }

 private:
  std::uint64_t left_;
};

// Returns ARCHIVE_OK or libarchive's failure status. Fails if the content cannot be stored or is more
// than is allowed.
Result<int> read_into(archive* handle, SealedSpill& content, Allowance& allowance) {
  Bytes buffer(kUnpackBuffer);
  for (;;) {
    const la_ssize_t got = archive_read_data(handle, buffer.data(), buffer.size());
    if (got < 0) return static_cast<int>(got);
    if (got == 0) return ARCHIVE_OK;
    const auto size = static_cast<std::size_t>(got);
    if (auto allowed = allowance.take(size); !allowed) return allowed.error();
    if (auto written = content.write(ByteView(buffer).first(size)); !written) return written.error();
  }
}

// Returns why a file is not read, given its name and kind; empty if it is.
std::string refusal(archive_entry* entry, std::string_view name) {
  // Links are not followed: what they point to may be outside the archive.
  if (archive_entry_hardlink(entry) != nullptr || archive_entry_filetype(entry) == AE_IFLNK)
    return "is a link";
  if (archive_entry_filetype(entry) != AE_IFREG) return "is a special file";
  if (name.size() > kMaxUnpackedName) return "its name is too long";
  if (name.starts_with('/')) return "its name is absolute";
  for (const std::string_view part : split(name, '/'))
    if (part == "..") return "its name contains `..`";
  return {};
}

constexpr std::size_t kTarBlock = 512;
constexpr std::size_t kTarMagic = 257;  // offset of `ustar` in a tar header (POSIX pax)
constexpr std::string_view kZipFile = "PK\x03\x04";
constexpr std::string_view kZipEnd = "PK\x05\x06";
constexpr std::size_t kZipEndSize = 22;  // bytes of the record that ends a zip file, without a comment
constexpr std::size_t kZipHeader = 30;   // bytes of a local file header before the name

// Checks whether a block is the header of a plain file, by magic, type and checksum.
bool is_tar_file(ByteView block) {
  const std::string_view text = as_text(block);
  constexpr std::size_t kSum = 148, kSumSize = 8, kType = 156;
  if (!text.substr(kTarMagic).starts_with("ustar")) return false;
  if (text[kType] != '0' && text[kType] != '7' && text[kType] != '\0') return false;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kTarBlock; ++i)
    sum += i >= kSum && i < kSum + kSumSize ? ' ' : static_cast<unsigned char>(block[i]);
  std::uint64_t listed = 0;
  for (const char c : text.substr(kSum, kSumSize))
    if (c >= '0' && c <= '7') listed = listed * 8 + static_cast<std::uint64_t>(c - '0');
  return sum == listed;
}

// Counts plain files in a stream of bytes.
class FileCount {
 public:
  // Takes the next bytes; `last` marks the end.
  void write(ByteView data, bool last) {
    append(waiting_, data);
    append(end_, data);
    end_.erase(end_.begin(), end_.end() - static_cast<std::ptrdiff_t>(std::min(end_.size(), kZipEndSize)));
    if (!begun_ && waiting_.size() < kPackedStart && !last) return;
    if (!std::exchange(begun_, true)) {
      const std::string_view start = as_text(waiting_);
      zip_ = start.starts_with(kZipFile);
      tar_ = !zip_ && start.size() > kTarMagic && start.substr(kTarMagic).starts_with("ustar");
      if (!zip_ && !tar_) count_ = 1;
    }
    std::size_t done = waiting_.size();
    if (tar_) done = count_tar();
    if (zip_) done = count_zip(last);
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(done));
  }
  std::uint64_t count() const { return count_; }
  // Returns true for a zip file whose last bytes are not the end of its directory. Valid after the end.
  bool has_more_after_zip() const { return zip_ && !as_text(end_).starts_with(kZipEnd); }

 private:
  // Both return how many bytes they have finished.
  std::size_t count_tar() {
    std::size_t at = 0;
    for (; waiting_.size() - at >= kTarBlock; at += kTarBlock)
      count_ += is_tar_file(ByteView(waiting_).subspan(at, kTarBlock)) ? 1 : 0;
    return at;
  }
  std::size_t count_zip(bool last) {
    const std::string_view text = as_text(waiting_);
    std::size_t at = 0;
    while ((at = text.find(kZipFile, at)) != std::string_view::npos) {
      // The name must be there, to tell a directory.
      const std::size_t size = kZipHeader + (text.size() - at < kZipHeader ? 0 : name_size(text.substr(at)));
      if (text.size() - at < size && !last) return at;
      const bool directory = size > kZipHeader && text.size() - at >= size && text[at + size - 1] == '/';
      count_ += directory ? 0 : 1;
      at += kZipFile.size();
    }
    // A signature may begin in the last bytes.
    return last ? text.size() : text.size() - std::min(text.size(), kZipFile.size() - 1);
  }
  static std::size_t name_size(std::string_view header) {
    constexpr std::size_t kNameSize = 26;  // two bytes, little endian
    return static_cast<unsigned char>(header[kNameSize]) +
           (static_cast<std::size_t>(static_cast<unsigned char>(header[kNameSize + 1])) << 8);
  }

  Bytes waiting_;
  Bytes end_;  // the last kZipEndSize bytes
  bool begun_ = false, zip_ = false, tar_ = false;
  std::uint64_t count_ = 0;
};

}  // namespace

bool is_packed(ByteView start) {
  const std::string_view text = as_text(start);
  using namespace std::string_view_literals;
  constexpr std::array kMagic{"\x1f\x8b"sv, "\x28\xb5\x2f\xfd"sv, "BZh"sv,
                              "\xfd"
                              "7zXZ\0"sv,
                              "PK\x03\x04"sv};
  for (const std::string_view magic : kMagic)
    if (text.starts_with(magic)) return true;
  return text.size() > kTarMagic && text.substr(kTarMagic).starts_with("ustar");
}

Result<std::uint64_t> unpack(mime::Source& source, const UnpackedEach& each, const UnpackFailed& failed) {
  Input input{source};
  const auto reader = open_input(input, false);
  if (!reader) return reader.error();
  const auto failure = [&] { return input.failed ? *input.failed : error_of(reader->get()); };
  Allowance allowance(source.size());
  std::uint64_t files = 0;
  for (std::uint64_t items = 0;; ++items) {
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(reader->get(), &entry);
    if (status == ARCHIVE_EOF) return files;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return failure();
    if (items == kMaxUnpackedItems)
      return Error(Code::BadInput, "holds more than " + std::to_string(kMaxUnpackedItems) + " files");
    // The raw format matches any data: a compressed file that contains no archive. It has a made-up
    // name.
    const bool raw = archive_format(reader->get()) == ARCHIVE_FORMAT_RAW;
    const char* path = archive_entry_pathname(entry);
    // A name in UTF-8 that the locale cannot express.
    if (path == nullptr) path = archive_entry_pathname_utf8(entry);
    const std::string_view name = raw ? "" : path == nullptr ? "?" : path;
    if (archive_entry_filetype(entry) == AE_IFDIR) continue;
    const std::string shown(name.substr(0, kMaxUnpackedName));
    if (const std::string why = raw ? "" : refusal(entry, name); !why.empty()) {
      failed(shown, why);
      continue;
    }
    ++files;
    auto content = std::make_unique<SealedSpill>();
    const auto read = read_into(reader->get(), *content, allowance);
    if (!read) return read.error();
    // After a fatal status libarchive cannot continue. Other failures concern this file only.
    if (*read == ARCHIVE_FATAL || (*read != ARCHIVE_OK && raw)) return failure();
    if (*read != ARCHIVE_OK) {
      failed(shown, failure().text());
      continue;
    }
    if (auto done = each(shown, std::move(content)); !done) return done.error();
  }
}

Result<std::uint64_t> count_packed(mime::Source& source) {
  Input input{source};
  const auto reader = open_input(input, true);
  if (!reader) return reader.error();
  const auto failure = [&] { return input.failed ? *input.failed : error_of(reader->get()); };
  archive_entry* entry = nullptr;
  const int status = archive_read_next_header(reader->get(), &entry);
  if (status == ARCHIVE_EOF) return std::uint64_t{0};
  if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return failure();
  Allowance allowance(source.size());
  FileCount count;
  Bytes buffer(kUnpackBuffer);
  for (;;) {
    const la_ssize_t got = archive_read_data(reader->get(), buffer.data(), buffer.size());
    if (got < 0) return failure();
    const auto size = static_cast<std::size_t>(got);
    if (auto allowed = allowance.take(size); !allowed) return allowed.error();
    count.write(ByteView(buffer).first(size), size == 0);
    if (size == 0) break;
  }
  // libarchive ignores what follows the compressed data.
  if (archive_filter_bytes(reader->get(), -1) != static_cast<la_int64_t>(source.size()))
    return Error(Code::BadInput, "has bytes after its compressed data");
  // libarchive searches a zip file's directory from the end, and ignores what follows it.
  if (count.has_more_after_zip()) return Error(Code::BadInput, "has bytes or a comment after its directory");
  return count.count();
}

}  // namespace gw::transfer
