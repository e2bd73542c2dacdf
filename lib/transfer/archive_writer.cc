// tar and zip through libarchive. Entries are streamed; only the list of names of a zip file, which
// is at its end, is kept in memory.
#include <archive.h>
#include <archive_entry.h>

#include <cerrno>

#include "base/file.h"
#include "transfer/one_file_writer.h"

namespace gw::transfer {
namespace {

constexpr Micros kArchiveSecond = 1'000'000;
constexpr std::size_t kCopyBuffer = 64 << 10;

struct FreeWriter {
  void operator()(archive* handle) const { archive_write_free(handle); }
};
struct FreeReader {
  void operator()(archive* handle) const { archive_read_free(handle); }
};
struct FreeEntry {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};

class ArchiveWriter : public OneFileWriter {
 public:
  ArchiveWriter(OneFile file, Archive format) : OneFileWriter(std::move(file)), format_(format) {}
  // Freeing an open archive closes it, and closing writes the end of the archive. An archive that
  // is not complete must not get one, so take() drops everything from here on.
  ~ArchiveWriter() override { dropped_ = true; }

  Result<void> look() { return OneFileWriter::look(); }

  std::string name(const Entry& entry) const override {
    std::string day = rfc3339(entry.time).substr(0, 10);
    for (char& c : day) c = c == '-' ? '/' : c;
    return day + "/" + entry.id.hex() + entry.suffix;
  }

  Result<void> write(ByteView data) override {
    sum_.update(data);
    while (!data.empty()) {
      const la_ssize_t wrote = archive_write_data(archive_.get(), data.data(), data.size());
      if (wrote <= 0) return failure();
      data = data.subspan(static_cast<std::size_t>(wrote));
    }
    return {};
  }

  Result<Digest> commit() override {
    if (archive_write_finish_entry(archive_.get()) != ARCHIVE_OK) return failure();
    return sum_.finish();
  }

 protected:
  Result<std::unique_ptr<EntryReader>> read(Fd fd) const override {
    return make_archive_reader(std::move(fd), format_);
  }

  Result<void> start() override {
    archive_.reset(archive_write_new());
    if (!archive_) return Error(Code::Internal, "out of memory for an archive");
    const int formatted = format_ == Archive::Tar ? archive_write_set_format_pax_restricted(archive_.get())
                                                  : archive_write_set_format_zip(archive_.get());
    // Without blocking, every byte of an entry has reached take() when the entry ends. --resume
    // depends on it: the file can be cut after a complete entry.
    if (formatted != ARCHIVE_OK || archive_write_set_bytes_per_block(archive_.get(), 0) != ARCHIVE_OK ||
        archive_write_open(archive_.get(), this, nullptr, take, nullptr) != ARCHIVE_OK)
      return failure();
    return {};
  }

  Result<void> begin_entry(const Entry& entry) override {
    sum_ = Sha256();
    const std::unique_ptr<archive_entry, FreeEntry> header(archive_entry_new());
    if (!header) return Error(Code::Internal, "out of memory for an archive");
    archive_entry_set_pathname(header.get(), name(entry).c_str());
    archive_entry_set_filetype(header.get(), AE_IFREG);
    archive_entry_set_perm(header.get(), 0600);
    archive_entry_set_size(header.get(), static_cast<la_int64_t>(entry.size));
    // Whole seconds, because a fraction would cost each mail an additional pax header.
    archive_entry_set_mtime(header.get(), entry.time / kArchiveSecond, 0);
    if (archive_write_header(archive_.get(), header.get()) != ARCHIVE_OK) return failure();
    return {};
  }

  Result<void> end() override {
    if (archive_write_close(archive_.get()) != ARCHIVE_OK) return failure();
    return {};
  }

 private:
  static la_ssize_t take(archive* handle, void* self, const void* data, std::size_t size) {
    auto& writer = *static_cast<ArchiveWriter*>(self);
    if (writer.dropped_) return static_cast<la_ssize_t>(size);
    const auto written = writer.file_.write({static_cast<const std::byte*>(data), size});
    if (written) return static_cast<la_ssize_t>(size);
    // libarchive keeps only a text; failure() returns the original error with its exit status.
    writer.failed_ = written.error();
    archive_set_error(handle, EIO, "%s", "cannot write");
    return -1;
  }

  Error failure() const {
    if (failed_) return *failed_;
    const char* text = archive_ ? archive_error_string(archive_.get()) : nullptr;
    return Error(Code::Io, file_.shown() + ": " + (text != nullptr ? text : "cannot write"));
  }

  Archive format_;
  bool dropped_ = false;
  std::optional<Error> failed_;
  Sha256 sum_;
  std::unique_ptr<archive, FreeWriter> archive_;
};

class ArchiveReader : public EntryReader {
 public:
  // An archive that cannot be opened reports no entries, so that the caller starts over.
  ArchiveReader(Fd fd, Archive format) : fd_(std::move(fd)), archive_(archive_read_new()) {
    if (!archive_) return;
    const int formatted = format == Archive::Tar ? archive_read_support_format_tar(archive_.get())
                                                 : archive_read_support_format_zip_streamable(archive_.get());
    if (formatted != ARCHIVE_OK ||
        archive_read_open(archive_.get(), this, nullptr, give, nullptr) != ARCHIVE_OK) {
      archive_.reset();
      return;
    }
    step();
  }

  Result<std::optional<Found>> next() override {
    if (!more_) return std::optional<Found>();
    Found found;
    const char* path = archive_entry_pathname(entry_);
    found.name = path != nullptr ? path : "";
    Sha256 sum;
    for (;;) {
      const la_ssize_t got = archive_read_data(archive_.get(), buffer_.data(), buffer_.size());
      // A cut or damaged entry is where the earlier run ended.
      if (got < 0) {
        more_ = false;
        return std::optional<Found>();
      }
      if (got == 0) break;
      sum.update(ByteView(buffer_).first(static_cast<std::size_t>(got)));
    }
    found.digest = sum.finish();
    // libarchive does not report where an entry ends. The position of the next header is that
    // place, and that libarchive got as far as looking for it means that the entry is complete.
    const la_int64_t begin = archive_read_header_position(archive_.get());
    step();
    const la_int64_t end = archive_read_header_position(archive_.get());
    if (end <= begin) return std::optional<Found>();
    found.end = static_cast<std::uint64_t>(end);
    return std::optional(std::move(found));
  }

 private:
  void step() {
    const int status = archive_read_next_header(archive_.get(), &entry_);
    more_ = status == ARCHIVE_OK || status == ARCHIVE_WARN;
  }

  static la_ssize_t give(archive* handle, void* self, const void** data) {
    auto& reader = *static_cast<ArchiveReader*>(self);
    *data = reader.input_.data();
    const auto got = read_some(reader.fd_.get(), reader.input_, "an archive");
    if (got) return static_cast<la_ssize_t>(*got);
    archive_set_error(handle, EIO, "%s", "cannot read");
    return -1;
  }

  Fd fd_;
  Bytes input_ = Bytes(kCopyBuffer);
  Bytes buffer_ = Bytes(kCopyBuffer);
  std::unique_ptr<archive, FreeReader> archive_;
  archive_entry* entry_ = nullptr;  // owned by the archive
  bool more_ = false;
};

}  // namespace

std::unique_ptr<EntryReader> make_archive_reader(Fd fd, Archive format) {
  return std::make_unique<ArchiveReader>(std::move(fd), format);
}

MadeWriter make_archive_writer(const std::string& path, Archive format, bool resume) {
  auto file = OneFile::open(path, resume, format == Archive::Tar);
  if (!file) return file.error();
  auto writer = std::make_unique<ArchiveWriter>(std::move(*file), format);
  if (auto ready = writer->look(); !ready) return ready.error();
  return std::unique_ptr<Writer>(std::move(writer));
}

}  // namespace gw::transfer
