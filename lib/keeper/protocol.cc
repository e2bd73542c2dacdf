#include "keeper/protocol.h"

#include <algorithm>
#include <cstring>

#include "keeper/protocol.pb.h"

namespace gw::keeper {
namespace {

std::byte* write_header(std::byte* at, std::size_t length, FrameKind kind) {
  for (int shift = 24; shift >= 0; shift -= 8) *at++ = static_cast<std::byte>(length >> shift);
  *at++ = static_cast<std::byte>(kind);
  return at;
}

}  // namespace

std::span<std::byte> FrameReader::space() {
  // Everything was returned, so start at the front again without moving bytes.
  if (begin_ == end_) begin_ = end_ = 0;
  if (buffer_.empty()) buffer_.resize(kSmall);
  // The last read filled the buffer, so a container is probably on its way. A larger buffer needs
  // fewer system calls; a connection that only carries small requests never gets one.
  if (crowded_ && buffer_.size() < kMaxData) buffer_.resize(kMaxData);
  crowded_ = false;
  // A control frame must be contiguous, because protobuf parses it from one array. Move the unread
  // bytes to the front only if the frame would not fit otherwise.
  const std::size_t needed = std::max(wanted_, kHeader);
  if (buffer_.size() - begin_ < needed || end_ == buffer_.size()) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (buffer_.size() < needed) buffer_.resize(needed);
  }
  return std::span(buffer_).subspan(end_);
}

void FrameReader::filled(std::size_t count) {
  end_ += count;
  // The buffer is full: there may be much more to read.
  crowded_ = end_ == buffer_.size();
}

Result<std::optional<Frame>> FrameReader::next() {
  for (;;) {
    const std::size_t held = end_ - begin_;
    if (data_left_ > 0) {
      // Data frames are passed on in pieces as they arrive, so a container of any size needs no
      // more memory than the buffer.
      if (held == 0) return std::optional<Frame>();
      const std::size_t piece = std::min(held, data_left_);
      const Frame frame{FrameKind::Data, ByteView(buffer_).subspan(begin_, piece)};
      begin_ += piece;
      data_left_ -= piece;
      return std::optional(frame);
    }
    if (held < kHeader) {
      wanted_ = kHeader;
      return std::optional<Frame>();
    }
    ByteReader header(ByteView(buffer_).subspan(begin_, kHeader));
    const std::size_t length = header.u32();
    const std::uint8_t kind = header.u8();
    if (kind == static_cast<std::uint8_t>(FrameKind::Data)) {
      // Lengths are checked before any memory is reserved for them: the peer may be broken or
      // malicious.
      if (length > kMaxData) return Error(Code::BadInput, "keeper protocol: a data frame is too long");
      begin_ += kHeader;
      data_left_ = length;
      continue;
    }
    if (kind != static_cast<std::uint8_t>(FrameKind::Control)) {
      return Error(Code::BadInput, "keeper protocol: unknown kind of frame");
    }
    if (length > kMaxControl) return Error(Code::BadInput, "keeper protocol: a control message is too long");
    wanted_ = kHeader + length;
    if (held < wanted_) return std::optional<Frame>();
    const Frame frame{FrameKind::Control, ByteView(buffer_).subspan(begin_ + kHeader, length)};
    begin_ += wanted_;
    wanted_ = 0;
    return std::optional(frame);
  }
}

void FrameReader::shrink() {
  // Keep a small buffer: it would be allocated again for the next frame.
  if (buffer_.size() > kSmall) Bytes().swap(buffer_);
  begin_ = end_ = 0;
}

// Internal, not BadInput: limits of records are checked in higher layers, so a message that is too
// large here is a fault of this program.
Result<void> check_size(const google::protobuf::MessageLite& message) {
  if (message.ByteSizeLong() <= kMaxControl) return {};
  return Error(Code::Internal, "keeper protocol: a message is too long to send");
}

Result<void> add_control(Bytes& to, const google::protobuf::MessageLite& message) {
  if (auto fits = check_size(message); !fits) return fits;
  // check_size() has just computed and cached the size.
  const auto length = static_cast<std::size_t>(message.GetCachedSize());
  const std::size_t at = to.size();
  to.resize(at + kHeader + length);
  std::byte* payload = write_header(to.data() + at, length, FrameKind::Control);
  message.SerializeWithCachedSizesToArray(as_uchar(payload));
  return {};
}

void add_data_header(Bytes& to, std::size_t length) {
  const std::size_t at = to.size();
  to.resize(at + kHeader);
  write_header(to.data() + at, length, FrameKind::Data);
}

void add_data(Bytes& to, ByteView data) {
  while (!data.empty()) {
    const std::size_t piece = std::min(data.size(), kMaxData);
    add_data_header(to, piece);
    append(to, data.first(piece));
    data = data.subspan(piece);
  }
}

void put_error(const Error& error, proto::Failure& failure) {
  failure.set_code(static_cast<std::uint32_t>(error.code()));
  failure.set_text(error.text());
  failure.set_hint(error.hint());
}

Error error_of(const proto::Failure& failure) {
  // Internal is the last Code.
  const bool known = failure.code() <= static_cast<std::uint32_t>(Code::Internal);
  Error error(known ? static_cast<Code>(failure.code()) : Code::Internal, failure.text());
  return failure.hint().empty() ? error : error.with_hint(failure.hint());
}

}  // namespace gw::keeper
