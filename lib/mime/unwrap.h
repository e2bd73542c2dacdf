// The octets of a mail that is attached to another one, as a stream.
//
// What a part holds comes out as it is stored; only a part that is itself base64 or quoted-printable, which
// RFC 2046 section 5.2.1 forbids and gateways produce, is decoded on the way. Nothing is parsed or made anew.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "mime/encoding.h"
#include "mime/message.h"

namespace gw::mime {

// Bytes of a source and how they are encoded.
struct Encoded {
  Range stored;
  Encoding encoding = Encoding::Identity;
  bool operator==(const Encoded&) const = default;
};

struct Content {
  Range stored;
  Encoding encoding = Encoding::Identity;
  // If the content lies in an encoded part: that part, and the ones around it first. `stored` then is a range
  // of what the last one decodes to.
  std::vector<Encoded> within{};
};

// What a part of a source decodes to, as a source of its own: read forward at the cost of decoding it once,
// and at any other offset at the cost of at most a mebibyte more. Memory: some 100 bytes for each mebibyte.
class PartSource final : public Source {
 public:
  // Reads all of an encoded part, to learn its size. `source` must outlive it.
  static Result<std::unique_ptr<PartSource>> open(Source& source, const Encoded& part,
                                                  std::size_t read_size = 64 << 10);
  std::uint64_t size() const override { return size_; }
  Result<void> read(std::uint64_t offset, std::span<std::byte> to) override;

 private:
  // Where decoding can be taken up.
  struct Mark {
    std::uint64_t decoded = 0;
    std::uint64_t stored = 0;  // from the part's start
    Decoder decoder;
  };
  PartSource(Source& source, const Encoded& part, std::size_t read_size)
      : source_(source), part_(part), read_size_(read_size), at_{0, 0, Decoder(part.encoding)} {}
  Result<bool> advance();

  Source& source_;
  Encoded part_;
  std::size_t read_size_;
  std::uint64_t size_ = 0;
  std::vector<Mark> marks_;
  Mark at_;       // after window_
  Bytes window_;  // the decoded bytes before at_.decoded
  Bytes buffer_;
  bool finished_ = false;  // the decoder gave what it held back
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
  Result<void> open();

  Source* source_;
  std::vector<Encoded> within_;
  std::vector<std::unique_ptr<PartSource>> opened_;
  std::size_t read_size_;
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
