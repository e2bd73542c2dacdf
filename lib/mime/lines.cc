#include "mime/lines.h"

#include <algorithm>
#include <cstring>

namespace gw::mime {

Lines::Lines(Source& source, std::size_t read_size)
    : source_(source), read_size_(std::max<std::size_t>(read_size, 1)), buffer_(kWholeLine + read_size_) {}

// The buffer holds the bytes [base_, base_ + used_) of the source. A fragment is a view of it, so
// fill() may move bytes only in the next call.
Result<std::optional<Fragment>> Lines::next() {
  std::size_t looked_at = 0;
  for (;;) {
    const ByteView rest = ByteView(buffer_).subspan(at_ - base_, used_ - (at_ - base_));
    const ByteView unseen = rest.subspan(looked_at);
    const void* lf = unseen.empty() ? nullptr : std::memchr(unseen.data(), '\n', unseen.size());
    const bool at_end = base_ + used_ == source_.size();
    // Reads more only while the line could still be shorter than kWholeLine: that is the promise of
    // the header, and it bounds the buffer for lines of any length.
    if (lf == nullptr && rest.size() < kWholeLine && !at_end) {
      looked_at = rest.size();
      if (const Result<void> filled = fill(); !filled) return filled.error();
      continue;
    }
    if (rest.empty()) return std::optional<Fragment>();
    Fragment fragment;
    fragment.offset = at_;
    fragment.data = rest;
    if (lf != nullptr)
      fragment.data =
          rest.first(static_cast<std::size_t>(static_cast<const std::byte*>(lf) - rest.data()) + 1);
    fragment.starts_line = line_start_;
    fragment.ends_line = lf != nullptr;
    fragment.at_end = fragment.end() == source_.size();
    const std::size_t size = fragment.data.size();
    if (fragment.ends_line) {
      // The CR of a line ending may be the last byte of the previous fragment.
      const bool cr = size > 1 ? fragment.data[size - 2] == std::byte{'\r'} : after_cr_;
      fragment.eol = cr ? 2 : 1;
    }
    line_start_ = fragment.ends_line;
    after_cr_ = fragment.data.back() == std::byte{'\r'};
    at_ += size;
    return std::optional(fragment);
  }
}

Result<void> Lines::fill() {
  const auto done = static_cast<std::size_t>(at_ - base_);
  std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(done),
            buffer_.begin() + static_cast<std::ptrdiff_t>(used_), buffer_.begin());
  base_ = at_;
  used_ -= done;
  const std::uint64_t from = base_ + used_;
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(read_size_, source_.size() - from));
  if (const Result<void> read = source_.read(from, std::span(buffer_).subspan(used_, size)); !read)
    return read.error();
  used_ += size;
  return {};
}

void Lines::seek(std::uint64_t offset) {
  // An offset inside the buffer needs no new read: the walk often returns by a few bytes to the
  // start of a body.
  if (offset < base_ || offset > base_ + used_) {
    base_ = offset;
    used_ = 0;
  }
  at_ = offset;
  line_start_ = true;
  after_cr_ = false;
}

}  // namespace gw::mime
