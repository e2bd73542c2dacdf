// Stores any number of bytes that are written once and then read at any offset, such as a mail from
// an archive.
//
//   SealedSpill spill;
//   spill.write(bytes); ...
//   spill.read(offset, to); ...
//
// Up to 64 KiB stay in memory. The rest goes to an unnamed file in TMPDIR, sealed in chunks with a
// key that only this object holds, so that no plain text of mail reaches a disk.
#pragma once

#include <optional>

#include "base/fd.h"
#include "mime/source.h"
#include "seal/age.h"

namespace gw::transfer {

// Not thread safe.
class SealedSpill final : public mime::Source {
 public:
  SealedSpill();

  // Appends bytes. Fails with Full if the disk has no space.
  Result<void> write(ByteView data);

  std::uint64_t size() const override { return size_; }
  // Fills `to` with the bytes from `offset` on. Call it only after the last write(). Fails with Io
  // if the temporary file was damaged or the range ends after size().
  Result<void> read(std::uint64_t offset, std::span<std::byte> to) override;

 private:
  Result<void> flush();
  Result<ByteView> chunk(std::uint64_t number);

  seal::FileKey key_;
  std::array<std::byte, seal::kNonce> nonce_{};
  std::optional<seal::ChunkCipher> sealer_, opener_;
  Fd file_;
  std::uint64_t size_ = 0;
  std::uint64_t chunks_ = 0;  // number of chunks in the file
  Bytes tail_;                // the bytes after those chunks, in memory
  Bytes opened_;              // the chunk that was decrypted last, and its number
  std::optional<std::uint64_t> opened_number_;
};

}  // namespace gw::transfer
