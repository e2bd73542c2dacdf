#include "wire/dot_writer.h"

#include <cstring>

namespace gw::wire {

bool DotWriter::starts_line(ByteView text, std::size_t at) const {
  constexpr std::byte kCr{'\r'};
  constexpr std::byte kLf{'\n'};
  if (at == 0) return at_ == At::LineStart;
  if (text[at - 1] != kLf) return false;
  return at == 1 ? at_ == At::AfterCr : text[at - 2] == kCr;
}

void DotWriter::write(ByteView text, Bytes& out) {
  if (text.empty()) return;
  // Searches for dots and then checks whether a line starts there, not the reverse: dots are rarer
  // than line endings, and base64 has none.
  std::size_t copied = 0;
  std::size_t from = 0;
  while (from < text.size()) {
    const void* found = std::memchr(text.data() + from, '.', text.size() - from);
    if (found == nullptr) break;
    const auto at = static_cast<std::size_t>(static_cast<const std::byte*>(found) - text.data());
    if (starts_line(text, at)) {
      append(out, text.subspan(copied, at - copied));
      out.push_back(std::byte{'.'});
      copied = at;
    }
    from = at + 1;
  }
  append(out, text.subspan(copied));

  // Remembers the position for the next piece: a CRLF may be cut in two.
  if (text.back() == std::byte{'\r'})
    at_ = At::AfterCr;
  else
    at_ = starts_line(text, text.size()) ? At::LineStart : At::InLine;
}

void DotWriter::finish(Bytes& out) {
  append(out, as_bytes(at_ == At::LineStart ? ".\r\n" : "\r\n.\r\n"));
  at_ = At::LineStart;
}

}  // namespace gw::wire
