#include "mime/unwrap.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace gw::mime {
namespace {

constexpr std::size_t kProbe = 4096;           // bytes that are checked for base64
constexpr std::uint64_t kMarkEvery = 1 << 20;  // decoded bytes between two marks

}  // namespace

Result<Content> content_of(Source& source, const Part& part) {
  Content content{part.body, part.encoding};
  if (content.encoding != Encoding::Base64) return content;
  Bytes probe(std::min<std::uint64_t>(kProbe, content.stored.length));
  if (const Result<void> read = source.read(content.stored.offset, probe); !read) return read.error();
  // A mail has a colon in its first line, so a mail that is wrongly labelled base64 is always
  // recognised.
  if (!looks_like_base64(probe)) content.encoding = Encoding::Identity;
  return content;
}

Result<std::unique_ptr<PartSource>> PartSource::open(Source& source, const Encoded& part,
                                                     std::size_t read_size) {
  std::unique_ptr<PartSource> opened(new PartSource(source, part, std::max<std::size_t>(read_size, 1)));
  PartSource& self = *opened;
  self.size_ = part.stored.length;
  if (part.encoding == Encoding::Identity) return opened;
  self.marks_.push_back(self.at_);
  for (;;) {
    // Decodes everything once, for the size, and saves the state of the decoder every MiB.
    const Result<bool> more = self.advance();
    if (!more) return more.error();
    if (!*more) break;
    if (self.at_.decoded - self.marks_.back().decoded >= kMarkEvery && !self.finished_)
      self.marks_.push_back(self.at_);
  }
  self.size_ = self.at_.decoded;
  return opened;
}

// Decodes the next piece into window_. Returns false at the end. A piece may decode to nothing, for
// example white space, so several may be needed.
Result<bool> PartSource::advance() {
  window_.clear();
  while (window_.empty() && !finished_) {
    const auto size =
        static_cast<std::size_t>(std::min<std::uint64_t>(read_size_, part_.stored.length - at_.stored));
    buffer_.resize(size);
    if (size == 0) {
      at_.decoder.finish(window_);
      finished_ = true;
    } else {
      if (const auto read = source_.read(part_.stored.offset + at_.stored, buffer_); !read)
        return read.error();
      at_.decoder.write(buffer_, window_);
      at_.stored += size;
    }
  }
  at_.decoded += window_.size();
  return !window_.empty();
}

Result<void> PartSource::read(std::uint64_t offset, std::span<std::byte> to) {
  if (part_.encoding == Encoding::Identity) return source_.read(part_.stored.offset + offset, to);
  while (!to.empty()) {
    const std::uint64_t start = at_.decoded - window_.size();
    if (offset >= start && offset < at_.decoded) {
      const ByteView found = ByteView(window_).subspan(static_cast<std::size_t>(offset - start));
      const std::size_t size = std::min(found.size(), to.size());
      std::ranges::copy(found.first(size), to.begin());
      offset += size;
      to = to.subspan(size);
      continue;
    }
    // Continues from the current position if it is the nearest one before `offset`, otherwise from
    // the last mark before it.
    const auto after = std::ranges::upper_bound(marks_, offset, {}, &Mark::decoded);
    const Mark& mark = *std::prev(after);
    if (offset < start || mark.decoded > at_.decoded) {
      at_ = mark;
      window_.clear();
      finished_ = false;
    }
    const Result<bool> more = advance();
    if (!more) return more.error();
    if (!*more) return Error(Code::Internal, "read past the end of a part");
  }
  return {};
}

ContentReader::ContentReader(Source& source, const Content& content, std::size_t read_size)
    : source_(&source),
      within_(content.within),
      read_size_(std::max<std::size_t>(read_size, 1)),
      left_(content.stored),
      encoding_(content.encoding),
      decoder_(content.encoding),
      buffer_(std::min<std::uint64_t>(read_size_, content.stored.length)) {}

// Opens the parts around the content, outermost first: each is the source of the next.
Result<void> ContentReader::open() {
  for (const Encoded& part : std::exchange(within_, {})) {
    Result<std::unique_ptr<PartSource>> opened = PartSource::open(*source_, part, read_size_);
    if (!opened) return opened.error();
    source_ = opened->get();
    opened_.push_back(std::move(*opened));
  }
  return {};
}

Result<ByteView> ContentReader::next() {
  if (const Result<void> opened = open(); !opened) return opened.error();
  decoded_.clear();
  while (left_.length > 0) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), left_.length));
    const auto piece = std::span(buffer_).first(size);
    if (const Result<void> read = source_->read(left_.offset, piece); !read) return read.error();
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
