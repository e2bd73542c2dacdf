#include "mime/message.h"

#include <catch2/catch.hpp>

#include "counting_source.h"

namespace gw::mime {
namespace {

// Returns `depth type header|body` of each part, so that a test can compare the complete structure.
std::vector<std::string> shape(std::string mail, const Descend& descend = {}, Limits limits = {}) {
  CountingSource source(std::move(mail));
  std::vector<std::string> first;
  for (std::size_t size = 1; size <= source.size() + 1; ++size) {
    limits.read_size = size;
    const Result<Structure> structure = walk(source, descend, limits);
    REQUIRE(structure);
    std::vector<std::string> seen;
    for (const Part& part : structure->parts)
      seen.push_back(std::to_string(part.depth) + " " + part.type + " " + std::to_string(part.header.length) +
                     "|" + source.text(part.body));
    if (size == 1) first = seen;
    CAPTURE(size);
    CHECK(seen == first);
  }
  return first;
}
using Shape = std::vector<std::string>;

const std::string kMixed = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";  // 45 bytes

TEST_CASE("A mail without structure is one part of text") {
  CHECK(shape("Subject: x\r\n\r\nbody\r\n") == Shape{"0 text/plain 14|body\r\n"});
  CHECK(shape("") == Shape{"0 text/plain 0|"});
  CHECK(shape("no header\r\n") == Shape{"0 text/plain 0|no header\r\n"});
  CHECK(shape("Subject: only header") == Shape{"0 text/plain 20|"});
  CHECK(shape("Content-Type: nonsense\r\n\r\nx") == Shape{"0 text/plain 26|x"});
}

TEST_CASE("A part ends before the line ending that belongs to the delimiter") {
  const Shape parts = shape(kMixed + "preamble\r\n--b\r\n\r\none\r\n\r\n--b\r\n\r\ntwo\n--b--\r\nepilogue");
  REQUIRE(parts.size() == 3);
  CHECK(parts[1] == "1 text/plain 2|one\r\n");
  CHECK(parts[2] == "1 text/plain 2|two");
  CHECK(parts[0].ends_with("epilogue"));
}

TEST_CASE("The end of the message ends a part that has no final delimiter") {
  CHECK(shape(kMixed + "--b\r\n\r\none\r\n")[1] == "1 text/plain 2|one\r\n");
  CHECK(shape(kMixed + "--b\r\n\r\none\r\n--b--")[1] == "1 text/plain 2|one");
  CHECK(shape(kMixed + "--b\r\n\r\none\r\n--b").size() == 3);
}

TEST_CASE("A delimiter is a complete line: dashes, boundary, and spaces after it") {
  for (const char* line : {"--b2", "-b", "--", " --b", "--B", "--b-", "--b--x", "x--b", "--b\rx"}) {
    CAPTURE(line);
    CHECK(shape(kMixed + "--b\r\n\r\none\r\n" + line + "\r\nmore").size() == 2);
  }
  CHECK(shape(kMixed + "--b\r\n\r\none\r\n--b \t\r\n\r\ntwo\r\n--b-- \r\n").size() == 3);
  CHECK(shape(kMixed + "--b\n\none\n--b\r\r\n\r\ntwo\n--b--")[1] == "1 text/plain 1|one");
}

TEST_CASE("A line too long to be a delimiter is not one, whatever the size of the reads") {
  const std::string blanks(2000, ' ');
  CountingSource source(kMixed + "--b" + blanks + "\r\n\r\none\r\n--b");
  for (std::size_t size : {1, 100, 1021, 1022, 1023, 1024, 1025, 65536}) {
    const Result<Structure> structure = walk(source, Limits{.read_size = size});
    REQUIRE(structure);
    CAPTURE(size);
    CHECK(structure->parts.size() == 2);
  }
}

TEST_CASE("The delimiter of an outer multipart ends all open parts within it") {
  const std::string inner = "Content-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\r\nx\r\n";
  CHECK(shape(kMixed + "--b\r\n" + inner + "--b\r\n\r\ntwo\r\n--c\r\n--b--\r\n") ==
        Shape{"0 multipart/mixed 45|--b\r\n" + inner + "--b\r\n\r\ntwo\r\n--c\r\n--b--\r\n",
              "1 multipart/alternative 51|--c\r\n\r\nx", "2 text/plain 2|x", "1 text/plain 2|two\r\n--c"});
}

TEST_CASE("A boundary that is used again within means the inner multipart until that one ends") {
  const Shape parts =
      shape(kMixed + "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n" +
            "--b\r\n\r\ntwo\r\n--b--\r\n");
  REQUIRE(parts.size() == 4);
  CHECK(parts[2] == "2 text/plain 2|x");
  CHECK(parts[3] == "1 text/plain 2|two");
}

TEST_CASE("A delimiter may truncate a header, also a delimiter that looks like a field") {
  CHECK(shape(kMixed + "--b\r\nX: 1\r\n--b\r\n\r\ntwo\r\n--b--") ==
        Shape{"0 multipart/mixed 45|--b\r\nX: 1\r\n--b\r\n\r\ntwo\r\n--b--", "1 text/plain 6|",
              "1 text/plain 2|two"});
  const std::string colon = "Content-Type: multipart/mixed; boundary=\"b:c\"\r\n\r\n";
  CHECK(shape(colon + "--b:c\r\nX: 1\r\n--b:c\r\n\r\ntwo\r\n--b:c--").size() == 3);
}

TEST_CASE("Lines that are not fields are skipped before a field, and are the body if no field follows") {
  CHECK(shape(kMixed + "--b\r\nno field\r\n\r\nX: 1\r\n--b--")[1] == "1 text/plain 0|no field\r\n\r\nX: 1");
  CHECK(shape(kMixed + "--b\r\nno field\r\nContent-Type: text/html\r\n\r\nx\r\n--b--")[1] ==
        "1 text/html 37|x");
  CHECK(shape(kMixed + "--b\r\n" + std::string(1500, 'x') + "\r\n--b--")[1].ends_with(
      "|" + std::string(1500, 'x')));
}

TEST_CASE("An attached mail is a part, and its header is another") {
  CHECK(
      shape(kMixed + "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\nbody\r\n--b--") ==
      Shape{"0 multipart/mixed 45|--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\nbody\r\n--b--",
            "1 message/rfc822 32|Subject: y\r\n\r\nbody", "2 text/plain 14|body"});
}

TEST_CASE("The parts of a digest are mails") {
  const Shape parts =
      shape("Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nA: 1\r\n\r\nx\r\n--b--");
  REQUIRE(parts.size() == 3);
  CHECK(parts[1] == "1 message/rfc822 2|A: 1\r\n\r\nx");
}

TEST_CASE("An encoded mail is not searched, an encoded multipart is") {
  CHECK(shape("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nQTogMQ==").size() ==
        1);
  CHECK(shape("Content-Transfer-Encoding: base64\r\n" + kMixed + "--b\r\n\r\nx\r\n--b--").size() == 2);
}

TEST_CASE("Parts within a part that is not searched are not reported") {
  const std::string inner = "Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--";
  const auto no_mails = [](const Part& part) { return part.multipart(); };
  CHECK(
      shape(kMixed + "--b\r\nContent-Type: message/rfc822\r\n\r\n" + inner + "\r\n--b--", no_mails).size() ==
      2);
}

TEST_CASE("A header with bare CR or LF as line endings is read") {
  CHECK(shape("Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n")[1] == "1 text/plain 1|one");
  CHECK(shape(kMixed + "--b\r\nX: 1\r\rone\r\n--b--")[1] == "1 text/plain 6|one");
}

TEST_CASE("A header over the limit yields the same values for every size of reads") {
  Limits limits;
  limits.header = 60;
  const std::string open = kMixed + "--b\r\n";
  for (const std::string& line : {std::string(50, 'x') + "\r\n", "X" + std::string(70, 'x') + ": 1\r\n",
                                  std::string("X: 1\r\rY: 2\r"), std::string("X: 1\r\n")}) {
    for (std::size_t times : {1, 4, 20}) {
      std::string mail = open + "A: 1\r\n";
      for (std::size_t i = 0; i < times; ++i) mail += line;
      CHECK(shape(mail + "\r\nbody\r\n--b\r\n\r\ntwo\r\n--b--", {}, limits).back() == "1 text/plain 2|two");
    }
  }
}

TEST_CASE("A multipart without a usable boundary is opaque") {
  for (const std::string value : {"", "; boundary=", "; boundary=\"  \""})
    CHECK(shape("Content-Type: multipart/mixed" + value + "\r\n\r\n--\r\n\r\n----\r\n").size() == 1);
  const std::string longest(256, 'x');
  CHECK(
      shape("Content-Type: multipart/mixed; boundary=" + longest + "\r\n\r\n--" + longest + "\r\n").size() ==
      2);
  CHECK(shape("Content-Type: multipart/mixed; boundary=x" + longest + "\r\n\r\n--x" + longest + "\r\n")
            .size() == 1);
}

TEST_CASE("A field is read by name within its header's range") {
  CountingSource source("A: 1\r\nB: 2\r\n\r\n");
  const auto header = read_header(source, {6, 3}, {"A", "B"});
  REQUIRE(header);
  CHECK(header->field("A") == nullptr);
  REQUIRE(header->field("b") != nullptr);
  CHECK(*header->field("b") == "");
}

TEST_CASE("An error of the source ends the walk") {
  class Broken final : public Source {
   public:
    std::uint64_t size() const override { return 100; }
    Result<void> read(std::uint64_t, std::span<std::byte>) override { return Error(Code::Io, "gone"); }
  };
  Broken source;
  const Result<Structure> structure = walk(source);
  REQUIRE_FALSE(structure);
  CHECK(structure.error().code() == Code::Io);
}

}  // namespace
}  // namespace gw::mime
