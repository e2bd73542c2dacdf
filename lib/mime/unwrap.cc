#include "mime/unwrap.h"

#include <algorithm>

namespace gw::mime {
namespace {

constexpr std::size_t kProbe = 4096;

}  // namespace

Result<Content> content_of(Source& source, const Part& part) {
  Content content{part.body, part.encoding};
  if (content.encoding != Encoding::Base64) return content;
  Bytes probe(std::min<std::uint64_t>(kProbe, content.stored.length));
  if (const Result<void> read = source.read(content.stored.offset, probe); !read) return read.error();
  if (!looks_like_base64(probe)) content.encoding = Encoding::Identity;
  return content;
}

ContentReader::ContentReader(Source& source, const Content& content, std::size_t read_size)
    : source_(source),
      left_(content.stored),
      encoding_(content.encoding),
      decoder_(content.encoding),
      buffer_(std::min<std::uint64_t>(std::max<std::size_t>(read_size, 1), content.stored.length)) {}

Result<ByteView> ContentReader::next() {
  decoded_.clear();
  while (left_.length > 0) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), left_.length));
    const auto piece = std::span(buffer_).first(size);
    if (const Result<void> read = source_.read(left_.offset, piece); !read) return read.error();
    left_ = {left_.offset + size, left_.length - size};
    if (encoding_ == Encoding::Identity) return ByteView(piece);
    decoder_.write(piece, decoded_);
    if (!decoded_.empty()) return ByteView(decoded_);
  }
  if (!finished_) decoder_.finish(decoded_);
  finished_ = true;
  return ByteView(decoded_);
}

Result<void> unwrap(Source& source, const Content& content, const Sink& sink) {
  ContentReader reader(source, content);
  for (;;) {
    const Result<ByteView> piece = reader.next();
    if (!piece) return piece.error();
    if (piece->empty()) return {};
    if (const Result<void> taken = sink(*piece); !taken) return taken.error();
  }
}

}  // namespace gw::mime
