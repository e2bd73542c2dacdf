#include "base/line_ends.h"

namespace gw {
namespace {

// Bytes for each round of the inner loop. Its trip count is constant, so that the compiler can
// vectorise it.
constexpr std::size_t kBlock = 64;

struct Found {
  unsigned char lone = 0;
  unsigned char high = 0;
  unsigned char zero = 0;

  // Examines one byte. `at[-1]` must be readable. Branches would prevent vectorisation, so results
  // are collected with OR in bytes.
  void look(const unsigned char* at) {
    const auto yes = [](bool b) { return static_cast<unsigned char>(b); };
    const auto both = [](unsigned char a, unsigned char b) { return static_cast<unsigned char>(a | b); };
    lone = both(lone, yes((at[0] == '\n') != (at[-1] == '\r')));
    high = both(high, at[0]);
    zero = both(zero, yes(at[0] == 0));
  }
};

}  // namespace

LineEnds look_at_line_ends(ByteView data, bool after_cr) {
  if (data.empty()) return {};
  const unsigned char* at = as_uchar(data.data());
  const unsigned char* const end = at + data.size();
  Found found;
  // The first byte has no predecessor in this piece.
  found.lone = static_cast<unsigned char>((*at == '\n') != after_cr);
  found.high = *at;
  found.zero = static_cast<unsigned char>(*at == 0);
  ++at;
  for (; static_cast<std::size_t>(end - at) >= kBlock; at += kBlock) {
    // A local object for each block: the compiler keeps it in registers.
    Found block;
    for (std::size_t i = 0; i < kBlock; ++i) block.look(at + i);
    found.lone |= block.lone;
    found.high |= block.high;
    found.zero |= block.zero;
  }
  for (; at != end; ++at) found.look(at);
  return {found.lone == 0, (found.high & 0x80) != 0, found.zero != 0};
}

}  // namespace gw
