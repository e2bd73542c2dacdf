#include "transfer/sealed_spill.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/file.h"

namespace gw::transfer {
namespace {

// Opens a file without a name, which vanishes with its descriptor even if the process is killed.
// File systems without O_TMPFILE get a named file that is unlinked immediately.
Result<Fd> unnamed_file() {
  const char* given = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe): nothing sets it
  std::string directory = given != nullptr && *given != '\0' ? given : "/tmp";
  Fd fd(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (fd) return fd;
  std::string name = directory + "/gw-XXXXXX";
  fd = Fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd || ::unlink(name.c_str()) != 0) return Error::from_errno(directory);
  return fd;
}

}  // namespace

SealedSpill::SealedSpill() {
  random_bytes(key_.span());
  random_bytes(nonce_);
}

Result<void> SealedSpill::write(ByteView data) {
  size_ += data.size();
  while (!data.empty()) {
    // A full chunk stays in memory until more follows, so that a mail of exactly 64 KiB needs no
    // file.
    if (tail_.size() == seal::kChunk) {
      if (auto flushed = flush(); !flushed) return flushed;
    }
    const ByteView piece = data.first(std::min(data.size(), seal::kChunk - tail_.size()));
    append(tail_, piece);
    data = data.subspan(piece.size());
  }
  return {};
}

Result<void> SealedSpill::flush() {
  if (!file_) {
    auto file = unnamed_file();
    if (!file) return file.error();
    file_ = std::move(*file);
    sealer_.emplace(seal::ChunkCipher::Way::Seal, key_, nonce_);
  }
  tail_.resize(seal::kSealedChunk);
  // No chunk is marked as the last one: the tail stays in memory, and its length is known.
  sealer_->seal(chunks_, false, tail_);
  if (auto written = write_all(file_.get(), tail_, "a temporary file"); !written) return written;
  ++chunks_;
  tail_.clear();
  return {};
}

Result<ByteView> SealedSpill::chunk(std::uint64_t number) {
  if (number == chunks_) return ByteView(tail_);
  if (opened_number_ == number) return ByteView(opened_).first(seal::kChunk);
  // If reading or opening fails, `opened_` holds neither chunk.
  opened_number_.reset();
  opened_.resize(seal::kSealedChunk);
  if (!opener_) opener_.emplace(seal::ChunkCipher::Way::Open, key_, nonce_);
  const auto from = static_cast<off_t>(number * seal::kSealedChunk);
  for (std::size_t have = 0; have < opened_.size();) {
    const ssize_t got =
        ::pread(file_.get(), opened_.data() + have, opened_.size() - have, from + static_cast<off_t>(have));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      return got < 0 ? Error::from_errno("a temporary file") : Error(Code::Io, "a temporary file: truncated");
    have += static_cast<std::size_t>(got);
  }
  // Another process that can write to the file cannot change what is read.
  if (!opener_->open(number, false, opened_)) return Error(Code::Io, "a temporary file: damaged");
  opened_number_ = number;
  return ByteView(opened_).first(seal::kChunk);
}

Result<void> SealedSpill::read(std::uint64_t offset, std::span<std::byte> to) {
  while (!to.empty()) {
    const auto whole = chunk(offset / seal::kChunk);
    if (!whole) return whole.error();
    const auto from = static_cast<std::size_t>(offset % seal::kChunk);
    if (from >= whole->size()) return Error(Code::Io, "a temporary file: truncated");
    const ByteView piece = whole->subspan(from).first(std::min(to.size(), whole->size() - from));
    std::ranges::copy(piece, to.begin());
    to = to.subspan(piece.size());
    offset += piece.size();
  }
  return {};
}

}  // namespace gw::transfer
