#include "wire/dot_reader.h"

#include <cstring>

namespace gw::wire {
namespace {

constexpr std::byte kCr{'\r'};
constexpr std::byte kLf{'\n'};
constexpr std::byte kDot{'.'};
// Returned as content when a held-back CR turns out to be content: it was the last byte of an input
// that is no longer available.
constexpr std::byte kHeldCr[] = {kCr};

}  // namespace

DotReader::Piece DotReader::next(ByteView& input) {
  const std::byte* const begin = input.data();
  const std::byte* const end = begin + input.size();
  const std::byte* at = begin;
  bool dot = false;

  // Decides what the previous input left undecided.
  if (state_ == State::Cr && at != end) {
    state_ = *at == kLf ? State::LineStart : State::Text;
    if (state_ == State::LineStart) ++at;
  }
  if (state_ == State::LineStart && at != end && *at == kDot) {
    const ByteView content(begin, at);
    input = input.subspan(content.size() + 1);
    state_ = State::Dot;
    if (!content.empty()) return {content};
    return next(input);
  }
  if (state_ == State::Dot && at != end) {
    if (*at != kCr) {
      // The dot was stuffed: drop it and continue within the line.
      state_ = State::Text;
      dot = true;
    } else if (at + 1 == end) {
      input = {};
      state_ = State::DotCr;
      return {};
    } else if (at[1] == kLf) {
      input = input.subspan(2);
      restart();
      return {{}, true};
    } else {
      state_ = State::Text;
      dot = true;
    }
  }
  if (state_ == State::DotCr && at != end) {
    if (*at == kLf) {
      input = input.subspan(1);
      restart();
      return {{}, true};
    }
    state_ = State::Cr;
    // The CR after a stuffed dot is content, and may still be the first half of a CRLF.
    return {kHeldCr, false, true};
  }

  // Passes over all lines that do not begin with a dot. Searches only for LF; whether a CR precedes
  // it is checked afterwards, so memchr() reads most bytes once.
  for (;;) {
    const auto* lf =
        at == end ? nullptr
                  : static_cast<const std::byte*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    if (lf == nullptr) {
      if (at != end) state_ = end[-1] == kCr ? State::Cr : State::Text;
      input = {};
      return {ByteView(begin, end), false, dot};
    }
    // An LF at the very beginning of the input is no line ending here: a CR at the end of the
    // previous input was handled above.
    const bool line_end = lf != begin && lf[-1] == kCr;
    at = lf + 1;
    state_ = line_end ? State::LineStart : State::Text;
    if (line_end && at != end && *at == kDot) {
      const ByteView content(begin, at);
      input = input.subspan(content.size() + 1);
      state_ = State::Dot;
      return {content, false, dot};
    }
  }
}

}  // namespace gw::wire
