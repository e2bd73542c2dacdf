#include "smtp/bare_dot.h"

#include <cstring>

namespace gw::smtp {

bool BareDot::find(ByteView data) {
  const char* const text = reinterpret_cast<const char*>(data.data());
  for (std::size_t i = 0; i < data.size() && at_ != At::Found; ++i) {
    if (at_ == At::Text) {
      // Nearly all bytes are inside lines: skip to the next line ending.
      while (i < data.size() && text[i] != '\r' && text[i] != '\n') ++i;
      if (i == data.size()) break;
    }
    const char c = text[i];
    switch (c) {
      case '\0':
        // A dot after NUL is not at the start of a line and is not doubled. A server that drops NUL
        // sees it there.
        if (at_ == At::LineStart || at_ == At::Cr) at_ = At::BareStart;
        break;
      case '\r':
        at_ = at_ == At::Dot ? At::Found : At::Cr;
        break;
      case '\n':
        at_ = at_ == At::Dot ? At::Found : at_ == At::Cr ? At::LineStart : At::BareStart;
        break;
      case '.':
        // Some servers see the start of a line after a bare CR too. At LineStart the dot is doubled
        // and harmless.
        at_ = at_ == At::BareStart || at_ == At::Cr ? At::Dot : At::Text;
        break;
      default:
        at_ = At::Text;
    }
  }
  return at_ == At::Found;
}

}  // namespace gw::smtp
