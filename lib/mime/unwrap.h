// Extracts a mail that is attached to another one, as a stream of its bytes.
//
// The content of a part comes out exactly as stored. Only a part that is itself base64 or
// quoted-printable is decoded; RFC 2046 section 5.2.1 forbids that for message/rfc822, but gateways
// produce it. Nothing is parsed or rebuilt.
//
//   Result<Content> content = content_of(source, part);
//   unwrap(source, *content, [&](ByteView piece) { return keep(piece); });
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "mime/encoding.h"
#include "mime/message.h"

namespace gw::mime {

// A range of a source, and how its bytes are encoded.
struct Encoded {
  Range stored;
  Encoding encoding = Encoding::Identity;
  bool operator==(const Encoded&) const = default;
};

// The place of a part's content, and how to decode it.
struct Content {
  Range stored;
  Encoding encoding = Encoding::Identity;
  // The encoded parts around the content, outermost first. If there are any, `stored` is a range of
  // what the last one decodes to.
  std::vector<Encoded> within{};
};

// The decoded content of a part, as a source of its own. Reading forward decodes the part once;
// each jump to another offset decodes at most 1 MiB more. Needs about 100 bytes of memory for each
// MiB.
class PartSource final : public Source {
 public:
  // Creates the source. Decodes all of an encoded part once, to learn its size. `source` must
  // outlive the result. Fails only if `source` cannot be read.
  static Result<std::unique_ptr<PartSource>> open(Source& source, const Encoded& part,
                                                  std::size_t read_size = 64 << 10);
  std::uint64_t size() const override { return size_; }
  Result<void> read(std::uint64_t offset, std::span<std::byte> to) override;

 private:
  // A position at which decoding can start.
  struct Mark {
    std::uint64_t decoded = 0;
    std::uint64_t stored = 0;  // offset from the start of the part
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
  Bytes window_;  // decoded bytes that end at at_.decoded
  Bytes buffer_;
  bool finished_ = false;  // the decoder has returned its held-back bytes
};

// Returns where the content of this part is. If the part is labelled base64 but its first 4 KiB
// cannot be, the content is taken as not encoded. Fails only if the source cannot be read.
Result<Content> content_of(Source& source, const Part& part);

// Reads a content piece by piece.
class ContentReader {
 public:
  // The source must outlive the reader.
  ContentReader(Source& source, const Content& content, std::size_t read_size = 64 << 10);

  // Returns the next piece, valid until the next call; empty only at the end. Fails only if the
  // source cannot be read.
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

// Passes all of the content to `sink`, in order. Returns the first error of the source or of
// `sink`.
using Sink = std::function<Result<void>(ByteView)>;
Result<void> unwrap(Source& source, const Content& content, const Sink& sink);

}  // namespace gw::mime
