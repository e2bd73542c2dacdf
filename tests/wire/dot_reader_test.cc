#include "wire/dot_reader.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using gw::as_bytes;
using gw::as_text;
using gw::ByteView;
using gw::wire::DotReader;

namespace {

using namespace std::literals;

struct Outcome {
  std::string content;
  std::string rest;
  bool end = false;
  std::string sent;  // the sent data without the final dot, joined from the pieces
};

Outcome read_cut(std::string_view text, std::size_t cut) {
  DotReader reader;
  Outcome outcome;
  for (std::size_t at = 0; at < text.size(); at += cut) {
    const std::string piece(text.substr(at, cut));
    ByteView input = as_bytes(piece);
    while (!input.empty()) {
      if (outcome.end) {
        outcome.rest += as_text(input);
        break;
      }
      const auto found = reader.next(input);
      outcome.content += as_text(found.data);
      if (found.dot) outcome.sent += '.';
      outcome.sent += as_text(found.data);
      outcome.end = found.end;
    }
  }
  return outcome;
}

void check(std::string_view sent, std::string_view content, std::string_view rest = {}) {
  for (std::size_t cut = 1; cut <= sent.size(); ++cut) {
    INFO("cut at every " << cut);
    const Outcome outcome = read_cut(sent, cut);
    CHECK(outcome.end);
    CHECK(outcome.content == content);
    CHECK(outcome.rest == rest);
    CHECK(outcome.sent + ".\r\n" + outcome.rest == sent);
  }
}

// The simplest implementation, to compare with.
Outcome model(std::string_view text) {
  Outcome outcome;
  std::string seen = "\r\n";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool line_start = seen.ends_with("\r\n");
    if (line_start && text.substr(i).starts_with(".\r\n")) {
      outcome.end = true;
      outcome.rest = text.substr(i + 3);
      return outcome;
    }
    seen += text[i];
    if (line_start && text[i] == '.') continue;
    outcome.content += text[i];
  }
  return outcome;
}

}  // namespace

TEST_CASE("The content is the data before the final dot, with its last CRLF") {
  check("Subject: x\r\n\r\nbody\r\n.\r\nQUIT\r\n", "Subject: x\r\n\r\nbody\r\n", "QUIT\r\n");
}

TEST_CASE("A dot at the start is an empty message") {
  check(".\r\nQUIT\r\n", "", "QUIT\r\n");
}

TEST_CASE("One leading dot is removed") {
  check("..\r\n...a\r\n.b\r\n.\r\n", ".\r\n..a\r\nb\r\n");
}

TEST_CASE("Only CRLF.CRLF ends a message") {
  for (const std::string before : {"\r\n", "\n", "\r", "\n\r", "\r\n\n", "\r\r\n", ""})
    for (const std::string after : {"\n", "\r", "\n\r", "\r\r\n", "\r\0\n", " \r\n", "\n\n"}) {
      const std::string sent = "x" + before + "." + after + "MAIL FROM:<a@b>\r\n.\r\nNOOP\r\n";
      const Outcome expected = model(sent);
      CAPTURE(sent);
      CHECK(expected.rest == "NOOP\r\n");
      check(sent, expected.content, "NOOP\r\n");
    }
  check("x\n.\nMAIL\n.\r\nRCPT\r.\rDATA\r\n.\n\r\n.\r\n", "x\n.\nMAIL\n.\r\nRCPT\r.\rDATA\r\n\n\r\n");
}

TEST_CASE("NUL, 8-bit bytes and bare CR or LF are kept") {
  check("a\0b\r\n\0\r\n\xff\xfe\rz\nz\r\n.\r\n"sv, "a\0b\r\n\0\r\n\xff\xfe\rz\nz\r\n"sv);
}

TEST_CASE("Every text of the bytes that matter is read as the simple model reads it, however it is cut") {
  constexpr std::string_view kLetters = "\r\n.x";
  for (unsigned n = 0; n < 4 * 4 * 4 * 4 * 4 * 4 * 4; ++n) {
    std::string text;
    for (unsigned i = 0, rest = n; i < 7; ++i, rest /= 4) text += kLetters[rest % 4];
    const Outcome expected = model(text);
    for (std::size_t cut = 1; cut <= text.size(); ++cut) {
      const Outcome outcome = read_cut(text, cut);
      // Without an end the model does not hold back the data that the reader holds back.
      const bool same =
          outcome.end == expected.end && outcome.rest == expected.rest &&
          (expected.end ? outcome.content == expected.content
                        : expected.content.starts_with(outcome.content)) &&
          (outcome.end ? outcome.sent + ".\r\n" + outcome.rest == text : text.starts_with(outcome.sent));
      if (!same) {
        CAPTURE(text, cut);
        FAIL("differs");
      }
    }
  }
}

TEST_CASE("Content without dots is returned as one view of the input") {
  const std::string line = std::string(70, 'x') + "\r\n";
  std::string text;
  while (text.size() < 100'000) text += line;
  DotReader reader;
  ByteView input = as_bytes(text);
  const auto piece = reader.next(input);
  CHECK(static_cast<const void*>(piece.data.data()) == text.data());
  CHECK(piece.data.size() == text.size());
  CHECK(input.empty());
}

TEST_CASE("A reader is ready for the next message after the end") {
  DotReader reader;
  ByteView input = as_bytes("a\r\n.\r\n.\r\n");
  CHECK(as_text(reader.next(input).data) == "a\r\n");
  CHECK(reader.next(input).end);
  CHECK(reader.next(input).end);
  CHECK(input.empty());
}
