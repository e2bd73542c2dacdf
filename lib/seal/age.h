// The age v1 container (age-encryption.org/v1): header, payload nonce, chunks of 64 KiB.
//
//   Result<Sealer> sealer = Sealer::begin(mailbox_key);
//   put(sealer->header());
//   sealer->seal(chunk, last); put(chunk); ...
//
//   Result<OpenedHeader> header = open_header(first_bytes, keys, Shape::Own);
//   Opener opener(header->file_key, payload_nonce);
//   Result<ByteView> plain = opener.open(0, last, chunk); ...
//
// Containers sealed here have exactly one X25519 stanza, so their header has a fixed size. Armor,
// passphrases and other kinds of stanzas are neither created nor opened; beside an X25519 stanza
// they are ignored.
//
// Objects are not thread-safe; different objects may be used in different threads.
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

// Plain bytes in a chunk; only the last chunk may have fewer.
inline constexpr std::size_t kChunk = 64 << 10;
// Bytes of the authentication tag that sealing adds to each chunk.
inline constexpr std::size_t kTag = 16;
inline constexpr std::size_t kSealedChunk = kChunk + kTag;
// Bytes of the payload nonce, between the header and the first chunk.
inline constexpr std::size_t kNonce = 16;
// Bytes before the first chunk of a container that Sealer created: header and nonce.
inline constexpr std::size_t kHeader = 168 + kNonce;

// The symmetric key of one container, from which all others are derived.
using FileKey = StackSecret<16>;

// Returns the size in bytes of a container with one stanza that holds a message of `plain_size`
// bytes.
std::uint64_t container_size(std::uint64_t plain_size);
// Returns how many chunks it has: at least one, because the empty message has an empty chunk.
std::uint64_t chunk_count(std::uint64_t plain_size);

// The payload cipher, keyed once for a container: ChaCha20-Poly1305. The nonce holds the number of
// the chunk and a mark on the last, so chunks cannot be reordered, dropped or appended unnoticed.
// Aborts the process if OpenSSL fails.
class ChunkCipher {
 public:
  // A cipher works in one direction only.
  enum class Way : unsigned char { Seal, Open };
  ChunkCipher(Way way, const FileKey& file_key, std::span<const std::byte, kNonce> nonce);
  ~ChunkCipher();
  ChunkCipher(ChunkCipher&&) noexcept;
  ChunkCipher& operator=(ChunkCipher&&) noexcept;

  // Seals in place. The last kTag bytes of `chunk` are room for the tag. Never call it twice with
  // the same number: that would reuse a nonce.
  void seal(std::uint64_t number, bool last, std::span<std::byte> chunk);
  // Opens in place. Returns false if the tag does not match, and overwrites the chunk, so that no
  // unauthenticated plaintext is left in it.
  bool open(std::uint64_t number, bool last, std::span<std::byte> chunk);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// Creates one container, chunk by chunk.
class Sealer {
 public:
  // Draws a new file key, ephemeral key and nonce. Fails with BadInput if nothing can be sealed to
  // `recipient`, because it is a point of low order.
  static Result<Sealer> begin(const PublicKey& recipient);

  // Returns the first kHeader bytes of the container. Valid as long as this object.
  ByteView header() const { return header_; }
  // Returns the file key, for the keys derived from it (seal/envelope.h). Valid as long as this
  // object.
  const FileKey& file_key() const { return file_key_; }

  // Seals the next chunk in place. The last kTag bytes of `chunk` are room for the tag. Before them
  // are kChunk plain bytes; with `last`, from 1 to kChunk bytes, or none if the whole message is
  // empty.
  void seal(std::span<std::byte> chunk, bool last) { cipher_.seal(next_++, last, chunk); }

 private:
  Sealer(FileKey file_key, std::array<std::byte, kHeader> header, ChunkCipher cipher)
      : file_key_(std::move(file_key)), header_(header), cipher_(std::move(cipher)) {}

  FileKey file_key_;
  std::array<std::byte, kHeader> header_;
  ChunkCipher cipher_;
  std::uint64_t next_ = 0;
};

// Which headers open_header() accepts.
enum class Shape : unsigned char {
  Any,  // everything that age allows
  Own,  // exactly one X25519 stanza and no other
};

struct OpenedHeader {
  FileKey file_key;
  std::size_t size = 0;  // length of the header; the payload nonce follows
};

// Finds the stanza that one of `keys` opens. `prefix` must hold the whole header and the nonce;
// more may follow. Fails with BadInput if it is not an age header or not of this shape, with Denied
// if it is sealed to none of the keys, with Corrupt if the MAC of the header is wrong.
Result<OpenedHeader> open_header(ByteView prefix, std::span<const RingKey> keys, Shape shape);

// Opens the chunks of one container, in any order.
class Opener {
 public:
  Opener(const FileKey& file_key, std::span<const std::byte, kNonce> nonce)
      : cipher_(ChunkCipher::Way::Open, file_key, nonce) {}

  // Opens chunk `number` in place and returns its plain bytes, which are a part of `sealed`. Fails
  // with Corrupt, and returns no plaintext, if the chunk is altered, truncated, of another number
  // or of another message, or if `last` is wrong in either direction.
  Result<ByteView> open(std::uint64_t number, bool last, std::span<std::byte> sealed);

 private:
  ChunkCipher cipher_;
};

// Opens a whole age file in memory, for recovery slots and tests. Passes each chunk to `sink` after
// it was checked. If the call fails later, the bytes passed on are genuine but not the whole. Fails
// like open_header(), and with Corrupt if the payload is damaged.
Result<void> open_file(ByteView file, std::span<const RingKey> keys,
                       const std::function<void(ByteView)>& sink);
// Returns an age file that seals `plain` to `recipient`. Fails like Sealer::begin().
Result<Bytes> seal_file(const Secret& plain, const PublicKey& recipient);

}  // namespace gw::seal
