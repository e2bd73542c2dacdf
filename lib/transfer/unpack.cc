#include "transfer/unpack.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>

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

ArchiveHandle make_handle() {
  ArchiveHandle reader(archive_read_new());
  // Only filters and formats that libarchive implements itself. Some of its other filters start
  // external programs.
  const bool ready = reader && archive_read_support_filter_gzip(reader.get()) == ARCHIVE_OK &&
                     archive_read_support_filter_zstd(reader.get()) == ARCHIVE_OK &&
                     archive_read_support_filter_bzip2(reader.get()) == ARCHIVE_OK &&
                     archive_read_support_filter_xz(reader.get()) == ARCHIVE_OK &&
                     archive_read_support_format_tar(reader.get()) == ARCHIVE_OK &&
                     archive_read_support_format_zip(reader.get()) == ARCHIVE_OK &&
                     archive_read_support_format_empty(reader.get()) == ARCHIVE_OK &&
                     archive_read_support_format_raw(reader.get()) == ARCHIVE_OK;
  if (!ready) reader.reset();
  return reader;
}

// Returns ARCHIVE_OK or libarchive's failure status. Fails if the content cannot be stored.
Result<int> read_into(archive* handle, SealedSpill& content) {
  Bytes buffer(kUnpackBuffer);
  for (;;) {
    const la_ssize_t got = archive_read_data(handle, buffer.data(), buffer.size());
    if (got < 0) return static_cast<int>(got);
    if (got == 0) return ARCHIVE_OK;
    auto written = content.write(ByteView(buffer).first(static_cast<std::size_t>(got)));
    if (!written) return written.error();
  }
}

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
  // Offset of `ustar` in a tar header (POSIX pax).
  constexpr std::size_t kTarMagic = 257;
  return text.size() > kTarMagic && text.substr(kTarMagic).starts_with("ustar");
}

Result<void> unpack(mime::Source& source, const UnpackedEach& each, const UnpackFailed& failed) {
  Input input{source};
  const ArchiveHandle reader = make_handle();
  if (!reader) return Error(Code::Internal, "out of memory for an archive");
  const auto failure = [&] { return input.failed ? *input.failed : error_of(reader.get()); };
  archive_read_set_callback_data(reader.get(), &input);
  archive_read_set_read_callback(reader.get(), Input::read);
  archive_read_set_seek_callback(reader.get(), Input::seek);
  if (archive_read_open1(reader.get()) != ARCHIVE_OK) return failure();
  for (;;) {
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(reader.get(), &entry);
    if (status == ARCHIVE_EOF) return {};
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return failure();
    // The raw format matches any data: a compressed file that contains no archive. It has a made-up
    // name.
    const bool raw = archive_format(reader.get()) == ARCHIVE_FORMAT_RAW;
    const char* path = archive_entry_pathname(entry);
    const std::string name = raw || path == nullptr ? "" : path;
    if (archive_entry_filetype(entry) == AE_IFDIR) continue;
    // Links are not followed: what they point to may be outside the archive.
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr) {
      failed(name, "is a link or a special file");
      continue;
    }
    auto content = std::make_unique<SealedSpill>();
    const auto read = read_into(reader.get(), *content);
    if (!read) return read.error();
    // After a fatal status libarchive cannot continue. Other failures concern this file only.
    if (*read == ARCHIVE_FATAL || (*read != ARCHIVE_OK && raw)) return failure();
    if (*read != ARCHIVE_OK) {
      failed(name, failure().text());
      continue;
    }
    if (auto done = each(name, std::move(content)); !done) return done;
  }
}

}  // namespace gw::transfer
