#include "base/line_ends.h"

#include <catch2/catch.hpp>
#include <random>
#include <string>

using namespace gw;

namespace {

LineEnds one_by_one(std::string_view text, bool after_cr) {
  LineEnds found;
  for (const char c : text) {
    if ((c == '\n') != after_cr) found.paired = false;
    after_cr = c == '\r';
    if ((c & 0x80) != 0) found.eight_bit = true;
    if (c == '\0') found.nul = true;
  }
  return found;
}

bool same(const LineEnds& a, const LineEnds& b) {
  return a.paired == b.paired && a.eight_bit == b.eight_bit && a.nul == b.nul;
}

}  // namespace

TEST_CASE("line endings are judged as a check byte by byte would, at every size and position") {
  std::mt19937 random(7);
  for (std::size_t size = 0; size < 300; ++size) {
    std::string text;
    while (text.size() < size) text += std::string(random() % 90, 'x') + "\r\n";
    text.resize(size);
    for (int turn = 0; turn < 40; ++turn) {
      std::string changed = text;
      if (turn > 0 && size > 0) changed[random() % size] = "\r\nx\0\x80"[random() % 5];
      const bool after_cr = turn % 3 == 2;
      CHECK(same(look_at_line_ends(as_bytes(changed), after_cr), one_by_one(changed, after_cr)));
    }
  }
}
