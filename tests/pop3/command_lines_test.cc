#include "pop3/command_lines.h"

#include <malloc.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "support/cuts.h"

using namespace std::literals;

// From AddressSanitizer; null without it.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes() __attribute__((weak));

namespace gw::pop3 {
namespace {

using Kind = CommandLines::Kind;

// Returns everything that `text` yields: lines unchanged, replies to malformed ones in brackets.
std::vector<std::string> given(CommandLines& lines, std::string_view text, std::size_t cut) {
  std::vector<std::string> all;
  const auto take = [&] {
    for (;;) {
      const CommandLines::Next next = lines.next();
      if (next.kind == Kind::NeedInput || next.kind == Kind::Ended) return next.kind;
      all.push_back(next.kind == Kind::Line ? std::string(next.text) : "[" + std::string(next.text) + "]");
      if (next.kind == Kind::TooMany) return next.kind;
    }
  };
  for (; !text.empty(); text.remove_prefix(std::min(cut, text.size()))) {
    lines.receive(as_bytes(text.substr(0, cut)), true);
    if (take() == Kind::TooMany) return all;
  }
  lines.receive_eof();
  CHECK(take() == Kind::Ended);
  return all;
}

TEST_CASE("lines and replies to malformed ones come in order, however the input is cut") {
  for (std::size_t cut = 1; cut < 40; ++cut) {
    CommandLines lines(10, 9);
    CHECK(given(lines, "NOOP\r\nUSER a\nQUIT\r\nA\0B\r\n12345678901\r\nSTAT\r\nhalf"sv, cut) ==
          std::vector<std::string>{"NOOP", "[Command must end with CRLF]", "[Command contains NUL]",
                                   "[Command line too long]", "STAT"});
  }
}

TEST_CASE("the malformed command over the limit is reported") {
  CommandLines lines(10, 2);
  CHECK(given(lines, "A\0\r\nB\0\r\nC\r\n"sv, 100) ==
        std::vector<std::string>{"[Command contains NUL]", "[Too many malformed commands]"});
}

TEST_CASE("data after a line is known, and can be dropped together with the count of malformed lines") {
  CommandLines lines(10, 2);
  lines.receive(as_bytes("A\0\r\nSTLS\r\nQUIT\r\n"sv), true);
  CHECK(lines.next().kind == Kind::Malformed);
  CHECK(lines.next().text == "STLS");
  CHECK(lines.more());
  lines.forget();
  CHECK_FALSE(lines.more());
  CHECK(lines.next().kind == Kind::NeedInput);
  lines.receive(as_bytes("A\0\r\n"sv), false);
  CHECK(lines.next().kind == Kind::Malformed);
}

// Returns the number of bytes that the program has allocated.
std::size_t allocated() {
  return __sanitizer_get_current_allocated_bytes != nullptr ? __sanitizer_get_current_allocated_bytes()
                                                            : ::mallinfo2().uordblks;
}

TEST_CASE("an idle session holds no buffer for input that is used up") {
  CommandLines lines(10, 2);
  std::string input;
  for (int count = 0; count < 20'000; ++count) input += "NOOP\r\n";
  const std::size_t before = allocated();
  lines.receive(as_bytes(input), false);
  CHECK(allocated() >= before + input.size());
  while (lines.next().kind == Kind::Line) continue;
  CHECK(allocated() < before + 1000);
}

}  // namespace
}  // namespace gw::pop3
