#include "keeper/protocol.h"

#include <catch2/catch.hpp>

#include "keeper/protocol.pb.h"

namespace gw::keeper {
namespace {

struct Seen {
  std::vector<std::string> controls;
  std::string data;

  friend bool operator==(const Seen&, const Seen&) = default;
};

// Returns what the reader makes of bytes that arrive `step` at a time.
Seen read_in_steps(ByteView data, std::size_t step) {
  FrameReader reader;
  Seen seen;
  while (!data.empty()) {
    const std::span<std::byte> space = reader.space();
    REQUIRE(!space.empty());
    const std::size_t count = std::min({step, data.size(), space.size()});
    std::copy_n(data.begin(), count, space.begin());
    reader.filled(count);
    data = data.subspan(count);
    for (;;) {
      auto frame = reader.next();
      REQUIRE(frame);
      if (!*frame) break;
      if ((*frame)->kind == FrameKind::Data) {
        seen.data += as_text((*frame)->data);
      } else {
        seen.controls.emplace_back(as_text((*frame)->data));
      }
    }
  }
  CHECK(reader.empty());
  return seen;
}

Code refusal_of(ByteView data) {
  FrameReader reader;
  std::copy(data.begin(), data.end(), reader.space().begin());
  reader.filled(data.size());
  auto frame = reader.next();
  REQUIRE_FALSE(frame);
  return frame.error().code();
}

TEST_CASE("frames are the same however the bytes arrive") {
  proto::Request small;
  small.mutable_stat()->set_mailbox("a");
  proto::Request large;
  large.mutable_put_if()->set_value(std::string(100'000, 'v'));
  const std::string body(70'000, 'd');
  Bytes data;
  REQUIRE(add_control(data, small));
  add_data(data, as_bytes(body));
  REQUIRE(add_control(data, large));
  add_data(data, as_bytes("tail"));
  REQUIRE(add_control(data, proto::Request()));

  const Seen whole = read_in_steps(data, data.size());
  REQUIRE(whole.controls.size() == 3);
  CHECK(whole.controls[0] == small.SerializeAsString());
  CHECK(whole.controls[1] == large.SerializeAsString());
  CHECK(whole.controls[2].empty());
  CHECK(whole.data == body + "tail");
  for (const std::size_t step : {1, 2, 3, 5, 7, 100, 4096, 16'384, 65'536}) {
    INFO("step " << step);
    CHECK(read_in_steps(data, step) == whole);
  }
}

TEST_CASE("an invalid frame ends the protocol") {
  CHECK(refusal_of(ByteWriter().u32(kMaxControl + 1).u8(1).data()) == Code::BadInput);
  CHECK(refusal_of(ByteWriter().u32(0xffffffff).u8(1).data()) == Code::BadInput);
  CHECK(refusal_of(ByteWriter().u32(kMaxData + 1).u8(2).data()) == Code::BadInput);
  CHECK(refusal_of(ByteWriter().u32(1).u8(3).data()) == Code::BadInput);
  CHECK(refusal_of(as_bytes("GET / HTTP/1.0\r\n")) == Code::BadInput);
}

TEST_CASE("a message that is too long is not sent") {
  proto::Request request;
  request.mutable_put_if()->set_value(std::string(kMaxControl, 'v'));
  Bytes data = to_bytes("before");
  auto added = add_control(data, request);
  REQUIRE_FALSE(added);
  CHECK(added.error().code() == Code::Internal);
  CHECK(data == to_bytes("before"));
}

TEST_CASE("an error crosses the socket with code, text and hint") {
  for (int code = 0; code <= static_cast<int>(Code::Internal); ++code) {
    proto::Failure failure;
    put_error(Error(static_cast<Code>(code), "what\xff").with_hint("do this"), failure);
    proto::Failure received;
    REQUIRE(received.ParseFromString(failure.SerializeAsString()));
    const Error error = error_of(received);
    CHECK(error.code() == static_cast<Code>(code));
    CHECK(error.text() == "what\xff");
    CHECK(error.hint() == "do this");
  }
  proto::Failure newer;
  newer.set_code(4711);
  CHECK(error_of(newer).code() == Code::Internal);
}

}  // namespace
}  // namespace gw::keeper
