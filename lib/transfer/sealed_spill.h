// Bytes of any number that are written once and then read at any offset, such as a mail out of an archive.
//
//   SealedSpill spill;
//   spill.write(bytes)...; spill.finish();
//   spill.read(offset, to)...
//
// Up to 64 KiB stay in memory. What is more goes to a file without a name in TMPDIR, sealed in chunks with a
// key that only this object has: no plain text of mail reaches a disk.
#pragma once

#include <optional>

#include "base/fd.h"
#include "mime/source.h"
#include "seal/age.h"

namespace gw::transfer {

class SealedSpill final : public mime::Source {
 public:
  SealedSpill();

  Result<void> write(ByteView octets);  // Full: no room on the disk

  std::uint64_t size() const override { return size_; }
  Result<void> read(std::uint64_t offset, std::span<std::byte> to) override;  // after the last write()

 private:
  Result<void> flush();
  Result<ByteView> chunk(std::uint64_t number);

  seal::FileKey key_;
  std::array<std::byte, seal::kNonce> nonce_{};
  std::optional<seal::ChunkCipher> sealer_, opener_;
  Fd file_;
  std::uint64_t size_ = 0;
  std::uint64_t chunks_ = 0;  // in the file
  Bytes tail_;                // what comes after these
  Bytes opened_;
  std::optional<std::uint64_t> opened_number_;
};

}  // namespace gw::transfer
