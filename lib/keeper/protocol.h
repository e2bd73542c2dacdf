// How the keeper's socket is cut into frames, without the socket.
//
//   u32 big-endian length of what follows the kind   u8 kind (1 control, 2 data)   payload
//
// A control frame holds one message of protocol.proto: at most 64 KiB, and 1 MiB more where it carries a
// record, a sealed envelope or one page of a list (pages are cut at kPage octets). A data frame holds at most
// 64 KiB of a container or of message ids; where one ends means nothing, so pieces of it are handed on as
// they arrive.
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

inline constexpr std::uint32_t kProtocol = 1;
inline constexpr std::size_t kHeader = 5;
inline constexpr std::size_t kMaxData = 64 << 10;
inline constexpr std::size_t kMaxPlainControl = 64 << 10;           // of an operation that carries no record
inline constexpr std::size_t kMaxControl = (1 << 20) + (64 << 10);  // of any
inline constexpr std::size_t kPage = 256 << 10;  // a page of a list is sent once it has grown to this

enum class FrameKind : std::uint8_t { Control = 1, Data = 2 };

struct Frame {
  FrameKind kind{};
  ByteView octets;  // Control: the whole message. Data: a piece. Valid until the next call of the reader
};

class FrameReader {
 public:
  // Where the next octets from the peer belong; never empty after next() has said that it needs more.
  std::span<std::byte> space();
  void filled(std::size_t count);

  // The next frame or piece of one; none: more octets are needed. BadInput: the peer does not speak this
  // protocol, and nothing that follows can be understood.
  Result<std::optional<Frame>> next();

  bool empty() const { return begin_ == end_ && data_left_ == 0; }  // between two frames
  // Gives memory back that one large frame had needed. Call while empty().
  void shrink();

 private:
  static constexpr std::size_t kSmall = 16 << 10;

  Bytes buffer_;
  std::size_t begin_ = 0;  // of what was not handed on yet
  std::size_t end_ = 0;
  std::size_t wanted_ = 0;     // octets that the frame in hand needs in one piece
  std::size_t data_left_ = 0;  // of the data frame in hand
  bool crowded_ = false;
};

// Internal if the message is too large for a control frame.
Result<void> check_size(const google::protobuf::MessageLite& message);
// Appends a frame. Checks the size first, and appends nothing if it is too large.
Result<void> add_control(Bytes& to, const google::protobuf::MessageLite& message);
void add_data_header(Bytes& to, std::size_t length);  // length <= kMaxData octets follow
void add_data(Bytes& to, ByteView octets);            // as many frames as it takes

void put_error(const Error& error, proto::Failure& failure);
Error error_of(const proto::Failure& failure);

}  // namespace gw::keeper
