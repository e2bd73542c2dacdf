// The framing of the keeper's protocol, independent of the socket (channel.h).
//
//   u32 big-endian length of what follows the kind   u8 kind (1 control, 2 data)   payload
//
// A control frame holds one message of protocol.proto: at most 64 KiB, and 1 MiB more if it carries
// a record, a sealed envelope or one page of a list (a page is sent once it has kPage bytes). A
// data frame holds at most 64 KiB of a container or of message ids. The boundaries of data frames
// have no meaning, so FrameReader returns pieces of them as they arrive, without collecting a whole
// frame.
//
//   reader.filled(recv(fd, reader.space()));
//   while (Result<std::optional<Frame>> frame = reader.next(); frame && *frame) ...
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/result.h"

namespace google::protobuf {
class MessageLite;
}

namespace gw::keeper {

namespace proto {
class Failure;
}

inline constexpr std::uint32_t kProtocol = 2;  // a client and a keeper must have the same number
inline constexpr std::size_t kHeader = 5;      // bytes of length and kind
inline constexpr std::size_t kMaxData = 64 << 10;
inline constexpr std::size_t kMaxPlainControl = 64 << 10;  // bytes of a control message without a record
inline constexpr std::size_t kMaxControl = (1 << 20) + (64 << 10);  // bytes of any control message
// A list is sent in pages, so that each frame stays bounded however long the list is.
inline constexpr std::size_t kPage = 256 << 10;

enum class FrameKind : std::uint8_t { Control = 1, Data = 2 };

struct Frame {
  FrameKind kind{};
  // The whole message of a control frame, or a piece of a data frame. Valid until the next call of
  // the FrameReader.
  ByteView data;
};

// Splits a stream of bytes into frames. Not thread-safe. Its buffer grows from 16 KiB to the
// largest frame seen.
class FrameReader {
 public:
  // Returns where to store the next bytes from the peer. Not empty after next() has returned
  // nullopt.
  std::span<std::byte> space();
  // Reports that `count` bytes were stored at the start of space().
  void filled(std::size_t count);

  // Returns the next control frame or piece of a data frame, or nullopt if more bytes are needed.
  // Fails with BadInput if the peer does not speak this protocol; the rest of the stream then
  // cannot be understood.
  Result<std::optional<Frame>> next();

  // Returns whether the reader is between two frames and holds no byte of the next one.
  bool empty() const { return begin_ == end_ && data_left_ == 0; }
  // Frees the memory that a large frame needed. Call it only while empty().
  void shrink();

 private:
  static constexpr std::size_t kSmall = 16 << 10;

  Bytes buffer_;
  std::size_t begin_ = 0;  // start of the bytes that were not returned yet
  std::size_t end_ = 0;
  std::size_t wanted_ = 0;     // bytes that the present frame needs in one piece
  std::size_t data_left_ = 0;  // bytes of the present data frame that have not been returned
  bool crowded_ = false;       // the last read filled the buffer: use a larger one for the next
};

// Fails with Internal if the message is too large for a control frame.
Result<void> check_size(const google::protobuf::MessageLite& message);
// Appends a control frame with this message. Fails with Internal if it is too large, and then
// appends nothing.
Result<void> add_control(Bytes& to, const google::protobuf::MessageLite& message);
// Appends the header of a data frame, whose `length` bytes (at most kMaxData) the caller sends
// after it.
void add_data_header(Bytes& to, std::size_t length);
// Appends the bytes as data frames, as many as needed.
void add_data(Bytes& to, ByteView data);

// Convert an Error to and from the wire. A code that this version does not know becomes Internal.
// The exit status is not sent; the client derives it from the code.
void put_error(const Error& error, proto::Failure& failure);
Error error_of(const proto::Failure& failure);

}  // namespace gw::keeper
