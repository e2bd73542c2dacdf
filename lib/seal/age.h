// The age v1 container (age-encryption.org/v1): header, payload nonce, chunks of 64 KiB.
//
//   Result<Sealer> sealer = Sealer::begin(mailbox_key);
//   put(sealer->header());
//   sealer->seal(chunk, last); put(chunk); ...
//
//   Result<OpenedHeader> header = open_header(first_octets, keys, Shape::Own);
//   Opener opener(header->file_key, payload_nonce);
//   Result<ByteView> plain = opener.open(0, last, chunk); ...
//
// What is sealed here has exactly one X25519 stanza, so its header has one fixed size. Armor, passphrases and
// other kinds of stanzas are not made and not opened; beside an X25519 stanza they are passed over.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "seal/keypair.h"

namespace gw::seal {

inline constexpr std::size_t kChunk = 64 << 10;  // plain octets; only the last chunk may have fewer
inline constexpr std::size_t kTag = 16;          // what sealing adds to each chunk
inline constexpr std::size_t kSealedChunk = kChunk + kTag;
inline constexpr std::size_t kNonce = 16;             // between header and first chunk
inline constexpr std::size_t kHeader = 168 + kNonce;  // of our own containers, the nonce included

using FileKey = BriefSecret<16>;

// Octets of our container of a message of this size.
std::uint64_t container_size(std::uint64_t plain_octets);
// How many chunks it has: at least one.
std::uint64_t chunk_count(std::uint64_t plain_octets);

// The payload's cipher, keyed once: ChaCha20-Poly1305 with the chunk's number and a mark on the last as
// nonce.
class ChunkCipher {
 public:
  enum class Way : unsigned char { Seal, Open };
  ChunkCipher(Way way, const FileKey& file_key, std::span<const std::byte, kNonce> nonce);
  ~ChunkCipher();
  ChunkCipher(ChunkCipher&&) noexcept;
  ChunkCipher& operator=(ChunkCipher&&) noexcept;

  // In place; the last kTag octets of `chunk` are room for the tag.
  void seal(std::uint64_t number, bool last, std::span<std::byte> chunk);
  // In place. False, and nothing readable left in `chunk`, where the tag is not its own.
  bool open(std::uint64_t number, bool last, std::span<std::byte> chunk);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

class Sealer {
 public:
  // Fresh file key, ephemeral key and nonce. BadInput: no key that anything can be sealed to.
  static Result<Sealer> begin(const PublicKey& recipient);

  ByteView header() const { return header_; }  // first octets of the container
  const FileKey& file_key() const { return file_key_; }

  // Seals the next chunk in place. Its last kTag octets are room for the tag; before them kChunk plain
  // octets, or what is left with `last`: then at least one unless the whole message is empty.
  void seal(std::span<std::byte> chunk, bool last) { cipher_.seal(next_++, last, chunk); }

 private:
  Sealer(FileKey file_key, std::array<std::byte, kHeader> header, ChunkCipher cipher)
      : file_key_(std::move(file_key)), header_(header), cipher_(std::move(cipher)) {}

  FileKey file_key_;
  std::array<std::byte, kHeader> header_;
  ChunkCipher cipher_;
  std::uint64_t next_ = 0;
};

enum class Shape : unsigned char {
  Any,  // whatever age allows
  Own,  // one X25519 stanza and nothing else
};

struct OpenedHeader {
  FileKey file_key;
  std::size_t octets = 0;  // of the header; the payload nonce follows
};

// `prefix` must hold the whole header and the nonce. BadInput: not an age header, or not of this shape.
// Denied: sealed to none of these keys. Corrupt: the header's MAC is not its own.
Result<OpenedHeader> open_header(ByteView prefix, std::span<const RingKey> keys, Shape shape);

class Opener {
 public:
  Opener(const FileKey& file_key, std::span<const std::byte, kNonce> nonce)
      : cipher_(ChunkCipher::Way::Open, file_key, nonce) {}

  // Opens chunk `number` in place and gives its plain octets, which lie in `sealed`. Corrupt: altered, cut,
  // another number, another message, or `last` where it is not, and the reverse. Nothing is given then.
  Result<ByteView> open(std::uint64_t number, bool last, std::span<std::byte> sealed);

 private:
  ChunkCipher cipher_;
};

// A whole file that is in memory: recovery slots and tests. Each chunk goes to `sink` once it is checked; an
// error after that means that what was given is not the whole. Errors as above; Corrupt for the payload.
Result<void> open_file(ByteView file, std::span<const RingKey> keys,
                       const std::function<void(ByteView)>& sink);
Result<Bytes> seal_file(const Secret& plain, const PublicKey& recipient);

}  // namespace gw::seal
