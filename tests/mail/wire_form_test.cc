#include "mail/wire_form.h"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "mail/trace.h"
#include "support/cuts.h"

using namespace std::literals;

namespace gw::mail {
namespace {

using Lines = std::vector<std::string>;

std::string wire(const Lines& trace, std::string_view raw, std::size_t cut) {
  WireForm form(trace);
  std::string out;
  const WireForm::Sink sink = [&](ByteView piece) {
    CHECK_FALSE(piece.empty());
    out += as_text(piece);
  };
  test::in_pieces(raw, cut, [&](ByteView piece) { form.write(piece, sink); });
  form.finish(sink);
  if (form.size() != out.size()) FAIL("size() is " << form.size() << " and not " << out.size());
  return out;
}

// Implements the rule of wire_form.h byte by byte. The place of the trace lines is tested by trace_test.
std::string model(const Lines& trace, std::string_view raw) {
  TracePlacer placer;
  placer.write(as_bytes(raw));
  placer.finish();
  const TracePlace place = trace.empty() ? TracePlace{} : placer.place();
  std::string out;
  const auto add_trace = [&] {
    for (const std::string& line : trace) out += line + "\r\n";
    if (place.apart) out += "\r\n";
  };
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (i == place.offset) add_trace();
    std::size_t end = i;
    while (end < raw.size() && raw[end] == '\r') ++end;
    if (end > i && end < raw.size() && raw[end] == '\n') {
      out += raw.substr(i, end - i + 1);
      i = end;
    } else if (raw[i] == '\r' || raw[i] == '\n') {
      out += "\r\n";
    } else {
      out += raw[i];
    }
  }
  if (raw.size() <= place.offset) add_trace();
  if (!out.ends_with("\r\n")) out += "\r\n";
  return out;
}

const Lines kTrace{"X-Envelope-From: <>", "X-Envelope-To: <a@example.org>"};

TEST_CASE("A message with CRLF line endings is sent unchanged") {
  const std::string mail = "Subject: a\r\n\r\nbody\r\n.\r\n";
  CHECK(wire({}, mail, mail.size()) == mail);
}

TEST_CASE("Bare CR and bare LF become CRLF, and CR CR LF stays one line ending") {
  CHECK(wire({}, "a\rb\nc\r\r\nd", 100) == "a\r\nb\r\nc\r\r\nd\r\n");
  const std::string twice = "From: a\r\r\nSubject: b\r\r\n\r\r\n.\r\r\n";
  for (std::size_t cut = 1; cut < twice.size(); ++cut) CHECK(wire({}, twice, cut) == twice);
  CHECK(wire({}, "a\r\r\r\nb\r\rc\r\r", 1) == "a\r\r\r\nb\r\n\r\nc\r\n\r\n");
  CHECK(wire({}, "a\r", 100) == "a\r\n");
  CHECK(wire({}, "\n\r", 100) == "\r\n\r\n");
}

TEST_CASE("An empty message is one line ending; trace lines are followed by an empty line") {
  CHECK(wire({}, "", 1) == "\r\n");
  CHECK(wire(kTrace, "", 1) == "X-Envelope-From: <>\r\nX-Envelope-To: <a@example.org>\r\n\r\n");
}

TEST_CASE("Trace lines are put before a header, and an empty line before text that is not a header") {
  CHECK(wire({"T: 1"}, "A: b\r\n\r\n", 1) == "T: 1\r\nA: b\r\n\r\n");
  CHECK(wire({"T: 1"}, "no header", 1) == "T: 1\r\n\r\nno header\r\n");
  CHECK(wire({"T: 1"}, "From x\r\n", 1) == "T: 1\r\n\r\nFrom x\r\n");
  CHECK(wire({"T: 1"}, "\r\nbody", 1) == "T: 1\r\n\r\n\r\nbody\r\n");
  CHECK(wire({}, "no header", 1) == "no header\r\n");
}

TEST_CASE("Trace lines follow a byte order mark and the From line of an mbox") {
  CHECK(wire({"T: 1"},
             "\xef\xbb\xbf"
             "A: b\r\n\r\n",
             1) == "\xef\xbb\xbfT: 1\r\nA: b\r\n\r\n");
  CHECK(wire({"T: 1"}, "From x\nA: b\n\n", 1) == "From x\r\nT: 1\r\nA: b\r\n\r\n");
  CHECK(wire({"T: 1"}, "From x\rA: b\r\r", 5) == "From x\r\nT: 1\r\nA: b\r\n\r\n");
  CHECK(wire({"T: 1"}, "From x\r\r\nA: b\r\r\n", 3) == "From x\r\r\nT: 1\r\nA: b\r\r\n");
}

TEST_CASE("NUL and 8-bit bytes are unchanged") {
  const std::string mail("a: \0\xff\x80\r\n", 8);
  CHECK(wire({}, mail, 3) == mail);
}

TEST_CASE("The start of a message that is not a field is held back up to a limit") {
  const std::string raw = std::string(100'000, 'x') + "\r\nA: b\r\n\r\n";
  CHECK(wire({"T: 1"}, raw, 1000) == "T: 1\r\n\r\n" + raw);
  const std::string crs(100'000, '\r');
  CHECK(wire({"T: 1"}, crs, 1000).starts_with("T: 1\r\n\r\n\r\n"));
}

TEST_CASE("Every short message of special bytes has the wire form of the rule, at every cut") {
  for (const Lines& trace : {Lines{}, kTrace}) {
    test::all_texts("\r\na: "sv, 6, [&](const std::string& raw) {
      for (std::size_t cut = 1; cut <= 3; ++cut) {
        if (wire(trace, raw, cut) != model(trace, raw))
          FAIL("differs at cut " << cut << ": " << Catch::Detail::stringify(raw));
      }
    });
  }
}

TEST_CASE("Long random messages have the wire form of the rule, at many cuts") {
  std::mt19937 random(20);
  constexpr std::string_view kBytes("\r\n\r\n\0 .:aaaaaaaaaaaaaaaaaaaaaaaa\xe9", 34);
  for (int round = 0; round < 40; ++round) {
    std::string raw;
    const std::size_t size = random() % 5000;
    while (raw.size() < size) {
      raw += kBytes[random() % kBytes.size()];
      if (random() % 7 == 0) raw += "\r\n";
    }
    for (const Lines& trace : {Lines{}, kTrace}) {
      const std::string expected = model(trace, raw);
      for (const std::size_t cut : {1UL, 2UL, 3UL, 64UL, 1000UL, 4096UL, 8192UL})
        REQUIRE(wire(trace, raw, cut) == expected);
    }
  }
}

TEST_CASE("A message that consists of line endings of one kind takes linear time") {
  const std::string raw(1 << 20, '\r');
  CHECK(wire({}, raw, 65536).size() == 2 * raw.size());
  const std::string feeds(1 << 20, '\n');
  CHECK(wire({}, feeds, 65536).size() == 2 * feeds.size());
}

}  // namespace
}  // namespace gw::mail
