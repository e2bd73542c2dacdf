#include "wire/line_reader.h"

#include <algorithm>
#include <cstring>

#include "base/secret.h"

namespace gw::wire {
namespace {

bool suspicious(char c) {
  return c == '\0' || c == '\r' || c == '\n';
}

}  // namespace

void LineReader::set_limit(std::size_t limit) {
  drop_kept();
  limit_ = limit;
}

void LineReader::forget() {
  drop_kept();
  skipping_ = false;
}

void LineReader::drop_kept() {
  if (kept_) {
    wipe(std::as_writable_bytes(std::span(kept_.get(), limit_ + 1)));
    kept_.reset();
  }
  size_ = 0;
  used_ = false;
}

LineReader::Found LineReader::fault(Fault fault, std::string_view text) {
  skipping_ = true;
  after_cr_ = false;
  // The returned text may be a view of kept_, so the buffer is dropped only by the next call.
  used_ = kept_ != nullptr;
  return {Kind::Fault, fault, text};
}

LineReader::Found LineReader::next(ByteView& input) {
  if (used_) drop_kept();
  if (skipping_) {
    const Found found = skip(input);
    if (found.kind == Kind::Fault || skipping_) return found;
  }
  const std::string_view arrived = as_text(input);

  if (size_ == 0) {
    // The usual case: the whole line is in the input and is returned without a copy.
    const auto stop = std::find_if(arrived.begin(), arrived.end(), suspicious);
    const auto length = static_cast<std::size_t>(stop - arrived.begin());
    // Reports the fault as soon as the limit is exceeded. Waiting for the line ending would let a
    // client send an endless line.
    if (length > limit_) {
      input = input.subspan(limit_ + 1);
      return fault(Fault::TooLong, arrived.substr(0, limit_));
    }
    // A CR as the last byte is undecided until the next byte arrives; the line is then copied
    // below.
    if (length + 1 < arrived.size() || (length < arrived.size() && arrived[length] != '\r')) {
      const std::string_view line = arrived.substr(0, length);
      const char found = arrived[length];
      if (found == '\r' && arrived[length + 1] == '\n') {
        input = input.subspan(length + 2);
        return {Kind::Line, Fault::None, line};
      }
      input = input.subspan(length + 1);
      if (found == '\r') return fault(Fault::BareCr, line);
      return fault(found == '\n' ? Fault::BareLf : Fault::Nul, line);
    }
  }

  // The line arrives in pieces, or its end is not there yet.
  if (!kept_ && !input.empty()) kept_ = std::make_unique<char[]>(limit_ + 1);
  while (!input.empty()) {
    const char c = static_cast<char>(input.front());
    const bool cr = size_ > 0 && kept_[size_ - 1] == '\r';
    // `c` stays in the input: skip() must see it, since it may be the CR of a CRLF.
    if (cr && c != '\n') return fault(Fault::BareCr, {kept_.get(), size_ - 1});
    input = input.subspan(1);
    if (cr) {
      used_ = true;
      return {Kind::Line, Fault::None, {kept_.get(), size_ - 1}};
    }
    if (c == '\n') return fault(Fault::BareLf, {kept_.get(), size_});
    if (c == '\0') return fault(Fault::Nul, {kept_.get(), size_});
    if (c != '\r' && size_ == limit_) return fault(Fault::TooLong, {kept_.get(), size_});
    kept_[size_++] = c;
  }
  return {};
}

LineReader::Found LineReader::skip(ByteView& input) {
  while (!input.empty()) {
    const char c = static_cast<char>(input.front());
    input = input.subspan(1);
    const bool ended = c == '\n' && after_cr_;
    after_cr_ = c == '\r';
    if (ended) {
      skipping_ = false;
      return {};
    }
    // Reported again, so that a client that ends all lines with LF receives a reply to each of them
    // and does not wait forever.
    if (c == '\n') return {Kind::Fault, Fault::BareLf, {}};
  }
  return {};
}

}  // namespace gw::wire
