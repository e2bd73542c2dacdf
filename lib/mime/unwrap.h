// The octets of a mail that is attached to another one, as a stream.
//
// What a part holds comes out as it is stored; only a part that is itself base64 or quoted-printable, which
// RFC 2046 section 5.2.1 forbids and gateways produce, is decoded on the way. Nothing is parsed or made anew.
#pragma once

#include <functional>

#include "mime/encoding.h"
#include "mime/message.h"

namespace gw::mime {

struct Content {
  Range stored;
  Encoding encoding = Encoding::Identity;
};

// The content of this part. Text labelled base64 that cannot be it is taken as it is.
Result<Content> content_of(Source& source, const Part& part);

class ContentReader {
 public:
  // The source must outlive it.
  ContentReader(Source& source, const Content& content, std::size_t read_size = 64 << 10);

  // The next piece, valid until the next call; empty at the end and only there.
  Result<ByteView> next();

 private:
  Source& source_;
  Range left_;
  Encoding encoding_;
  Decoder decoder_;
  Bytes buffer_;
  Bytes decoded_;
  bool finished_ = false;
};

// Gives all of the content to `sink`, in order; its first error ends it.
using Sink = std::function<Result<void>(ByteView)>;
Result<void> unwrap(Source& source, const Content& content, const Sink& sink);

}  // namespace gw::mime
