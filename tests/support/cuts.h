// Cuts text into pieces and generates short texts, to show that where input is cut does not matter.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace gw::test {

// Calls `each` with `text` in pieces of `size` bytes; the last one may be shorter.
template <class Each>
void in_pieces(std::string_view text, std::size_t size, Each each) {
  for (std::size_t at = 0; at < text.size(); at += size)
    each(as_bytes(text.substr(at, std::min(size, text.size() - at))));
}

// Calls `each` with every text of at most `longest` bytes from `alphabet`.
template <class Each>
void all_texts(std::string_view alphabet, std::size_t longest, Each each) {
  for (std::size_t size = 0; size <= longest; ++size) {
    std::string index(size, '\0');
    for (bool more = true; more;) {
      std::string text;
      for (char i : index) text += alphabet[static_cast<std::size_t>(i)];
      each(text);
      more = false;
      for (char& i : index) {
        if (static_cast<std::size_t>(++i) < alphabet.size()) {
          more = true;
          break;
        }
        i = '\0';
      }
    }
  }
}

}  // namespace gw::test
