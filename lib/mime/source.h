// What the walk over a message reads from: octets at any offset, so that a message of any size is looked at
// without being in memory.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"

namespace gw::mime {

struct Range {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::uint64_t end() const { return offset + length; }
  bool operator==(const Range&) const = default;
};

class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  virtual std::uint64_t size() const = 0;  // stays the same while anybody reads
  // Fills all of `to` from `offset` on. The caller asks for nothing past size().
  virtual Result<void> read(std::uint64_t offset, std::span<std::byte> to) = 0;
};

// Octets in memory, which must outlive it.
class MemorySource final : public Source {
 public:
  explicit MemorySource(ByteView octets) : octets_(octets) {}
  std::uint64_t size() const override { return octets_.size(); }
  Result<void> read(std::uint64_t offset, std::span<std::byte> to) override;

 private:
  ByteView octets_;
};

// A file that does not change meanwhile; one that has become shorter is an Io error at the read.
class FileSource final : public Source {
 public:
  static Result<FileSource> open(const std::string& path);
  // Of an open file; `shown` names it in errors.
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
