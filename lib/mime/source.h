// The input of the MIME functions: bytes at any offset, so that a message of any size
// can be examined without being in memory.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"

namespace gw::mime {

// A range of bytes of a source.
struct Range {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::uint64_t end() const { return offset + length; }
  bool operator==(const Range&) const = default;
};

// Sources are not thread-safe: one thread uses a source at a time.
class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  // Returns the size in bytes, which never changes.
  virtual std::uint64_t size() const = 0;
  // Fills all of `to` with the bytes from `offset` on. Fails with Internal if the range exceeds
  // size(), and with the error of the storage otherwise.
  virtual Result<void> read(std::uint64_t offset, std::span<std::byte> to) = 0;
};

// Bytes in memory, which must outlive the source.
class MemorySource final : public Source {
 public:
  explicit MemorySource(ByteView data) : data_(data) {}
  std::uint64_t size() const override { return data_.size(); }
  Result<void> read(std::uint64_t offset, std::span<std::byte> to) override;

 private:
  ByteView data_;
};

// A regular file, which must not change while it is read: read() fails with Io if the file became
// shorter.
class FileSource final : public Source {
 public:
  // Opens a file. Fails with BadInput if it is no regular file.
  static Result<FileSource> open(const std::string& path);
  // Adopts an open file; `shown` names it in errors. Fails with BadInput if it is no regular
  // file.
  static Result<FileSource> of(Fd fd, const std::string& shown);
  FileSource(FileSource&& other) noexcept : fd_(std::move(other.fd_)), size_(other.size_) {}
  std::uint64_t size() const override { return size_; }
  Result<void> read(std::uint64_t offset, std::span<std::byte> to) override;

 private:
  FileSource(Fd fd, std::uint64_t size) : fd_(std::move(fd)), size_(size) {}
  Fd fd_;
  std::uint64_t size_;
};

}  // namespace gw::mime
