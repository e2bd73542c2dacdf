#include "mail/wire_form.h"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

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
  if (form.octets() != out.size()) FAIL("octets() is " << form.octets() << " and not " << out.size());
  return out;
}

// vault.md's rule, word for word and octet by octet.
std::string model(const Lines& trace, std::string_view raw) {
  std::string out;
  for (const std::string& line : trace) out += line + "\r\n";
  std::size_t name = 0;
  while (name < raw.size() && raw[name] > 0x20 && raw[name] < 0x7f && raw[name] != ':') ++name;
  const bool field = name > 0 && name < raw.size() && raw[name] == ':';
  if (!trace.empty() && !field) out += "\r\n";
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\r' && i + 1 < raw.size() && raw[i + 1] == '\n') {
      out += "\r\n";
      ++i;
    } else if (raw[i] == '\r' || raw[i] == '\n') {
      out += "\r\n";
    } else {
      out += raw[i];
    }
  }
  if (!out.ends_with("\r\n")) out += "\r\n";
  return out;
}

const Lines kTrace{"X-Envelope-From: <>", "X-Envelope-To: <a@example.org>"};

TEST_CASE("A message with CRLF line ends is sent as it is") {
  const std::string mail = "Subject: a\r\n\r\nbody\r\n.\r\n";
  CHECK(wire({}, mail, mail.size()) == mail);
}

TEST_CASE("Bare CR, bare LF and CRCRLF become line ends of their own") {
  CHECK(wire({}, "a\rb\nc\r\r\nd", 100) == "a\r\nb\r\nc\r\n\r\nd\r\n");
  CHECK(wire({}, "a\r", 100) == "a\r\n");
  CHECK(wire({}, "\n\r", 100) == "\r\n\r\n");
}

TEST_CASE("An empty message is one line end, behind trace lines an empty line") {
  CHECK(wire({}, "", 1) == "\r\n");
  CHECK(wire(kTrace, "", 1) == "X-Envelope-From: <>\r\nX-Envelope-To: <a@example.org>\r\n\r\n");
}

TEST_CASE("Trace lines join a header and are parted from what is none") {
  CHECK(wire({"T: 1"}, "A: b\r\n\r\n", 1) == "T: 1\r\nA: b\r\n\r\n");
  CHECK(wire({"T: 1"}, "no header", 1) == "T: 1\r\n\r\nno header\r\n");
  CHECK(wire({"T: 1"}, ": x", 1) == "T: 1\r\n\r\n: x\r\n");
  CHECK(wire({"T: 1"}, "From x\r\n", 1) == "T: 1\r\n\r\nFrom x\r\n");
  CHECK(wire({"T: 1"}, "\r\nbody", 1) == "T: 1\r\n\r\n\r\nbody\r\n");
  CHECK(wire({}, "no header", 1) == "no header\r\n");
}

TEST_CASE("NUL and 8-bit octets pass") {
  const std::string mail("a: \0\xff\x80\r\n", 8);
  CHECK(wire({}, mail, 3) == mail);
}

TEST_CASE("What is longer than a line may be is no field name") {
  const std::string name(998, 'n');
  CHECK(wire({"T: 1"}, name + ":\r\n", 7) == "T: 1\r\n" + name + ":\r\n");
  CHECK(wire({"T: 1"}, name + "n:\r\n", 7) == "T: 1\r\n\r\n" + name + "n:\r\n");
}

TEST_CASE("Every short message of awkward octets has the wire form that the rule gives, at every cut") {
  for (const Lines& trace : {Lines{}, kTrace}) {
    test::all_texts("\r\na:\0"sv, 6, [&](const std::string& raw) {
      for (std::size_t cut = 1; cut <= 3; ++cut) {
        if (wire(trace, raw, cut) != model(trace, raw))
          FAIL("differs at cut " << cut << ": " << Catch::Detail::stringify(raw));
      }
    });
  }
}

TEST_CASE("Long random messages have the wire form that the rule gives, at many cuts") {
  std::mt19937 random(20);
  constexpr std::string_view kOctets("\r\n\r\n\0 .:aaaaaaaaaaaaaaaaaaaaaaaa\xe9", 34);
  for (int round = 0; round < 40; ++round) {
    std::string raw;
    const std::size_t size = random() % 5000;
    while (raw.size() < size) {
      raw += kOctets[random() % kOctets.size()];
      if (random() % 7 == 0) raw += "\r\n";
    }
    for (const Lines& trace : {Lines{}, kTrace}) {
      const std::string expected = model(trace, raw);
      for (const std::size_t cut : {1UL, 2UL, 3UL, 64UL, 1000UL, 4096UL, 8192UL})
        REQUIRE(wire(trace, raw, cut) == expected);
    }
  }
}

TEST_CASE("A message that is all of one line end is linear work") {
  const std::string raw(1 << 20, '\r');
  CHECK(wire({}, raw, 65536).size() == 2 * raw.size());
  const std::string feeds(1 << 20, '\n');
  CHECK(wire({}, feeds, 65536).size() == 2 * feeds.size());
}

}  // namespace
}  // namespace gw::mail
