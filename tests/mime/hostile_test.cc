// Mail made to be expensive: limits hold, the rest is read correctly, and the work grows with the size.
#include <catch2/catch.hpp>

#include <functional>

#include "counting_source.h"
#include "mime/journal_report.h"
#include "mime/message.h"

namespace gw::mime {
namespace {

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

std::string multipart(std::string_view boundary) {
  return "Content-Type: multipart/mixed; boundary=\"" + std::string(boundary) + "\"\r\n\r\n";
}

std::string nested(std::size_t levels, bool closed) {
  std::string mail = multipart("b0");
  for (std::size_t i = 1; i < levels; ++i)
    mail += "--b" + std::to_string(i - 1) + "\r\n" + multipart("b" + std::to_string(i));
  for (std::size_t i = levels; closed && i-- > 0;) mail += "\r\n--b" + std::to_string(i) + "--\r\n";
  return mail;
}

// Returns a number that the time is proportional to, including bytes read from the source.
double work(const std::string& mail) {
  CountingSource source(mail);
  const Result<Structure> structure = walk(source);
  REQUIRE(structure);
  CHECK(structure->parts.size() <= 10'000);
  CHECK(source.largest <= 64 << 10);
  return static_cast<double>(structure->steps + source.read_bytes);
}

TEST_CASE("Nested parts end at the depth limit, and the outer ones are still right") {
  for (const bool closed : {false, true}) {
    CountingSource source(nested(3000, closed));
    const Result<Structure> structure = walk(source);
    REQUIRE(structure);
    CHECK(structure->limit_reached);
    CHECK(structure->parts.size() == 100);
    CHECK(structure->parts.back().depth == 99);
  }
  const std::string mail =
      multipart("out") + "--out\r\n" + nested(3000, true) + "\r\n--out\r\n\r\nlast\r\n--out--";
  CountingSource source(mail);
  const Result<Structure> structure = walk(source);
  REQUIRE(structure);
  CHECK(structure->parts.back().depth == 1);
  CHECK(source.text(structure->parts.back().body) == "last");
}

TEST_CASE("Nested mails end at the depth limit") {
  CountingSource source(repeated("Content-Type: message/rfc822\r\n\r\n", 3000) + "x");
  const Result<Structure> structure = walk(source);
  REQUIRE(structure);
  CHECK(structure->limit_reached);
  CHECK(structure->parts.size() == 100);
}

TEST_CASE("Too many parts end at the limit, and the multipart around them still ends at the right place") {
  const std::string mail = multipart("out") + "--out\r\n" + multipart("b") + repeated("--b\r\n", 50'000) +
                           "--b--\r\nepilogue\r\n--out--";
  CountingSource source(mail);
  const Result<Structure> structure = walk(source);
  REQUIRE(structure);
  CHECK(structure->limit_reached);
  CHECK(structure->parts.size() == 10'000);
  CHECK(source.text(structure->parts[1].body).ends_with("--b--\r\nepilogue"));
}

TEST_CASE("A header over the limit makes its own part opaque, and no other part") {
  const std::string fields = repeated("X-Filler: " + std::string(100, 'x') + "\r\n", 11'000);
  for (const std::string& header :
       {fields + multipart("c"), "X: " + std::string(1'200'000, 'x') + "\r\n" + multipart("c"),
        repeated("X: 1\r\n", 10'001) + multipart("c")}) {
    CountingSource source(multipart("b") + "--b\r\n" + header + "--c\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--");
    const Result<Structure> structure = walk(source);
    REQUIRE(structure);
    CHECK(structure->limit_reached);
    REQUIRE(structure->parts.size() == 3);
    CHECK(structure->parts[1].type == "application/octet-stream");
    CHECK(source.text(structure->parts[2].body) == "two");
  }
}

TEST_CASE("A field over its limit does not hide the end of the header") {
  const std::string to = "To: " + repeated("someone@example.com,\r\n ", 20'000) + "last@example.com\r\n";
  CountingSource source(to + multipart("b") + "--b\r\n\r\none\r\n--b--");
  const Result<Structure> structure = walk(source);
  REQUIRE(structure);
  REQUIRE(structure->parts.size() == 2);
  CHECK(source.text(structure->parts[1].body) == "one");
}

TEST_CASE("Twice the bytes need at most twice the work") {
  const std::string deep = nested(100, false);
  const std::pair<const char*, std::function<std::string(std::size_t)>> kinds[] = {
      {"delimiters of many open multiparts", [&](std::size_t n) { return deep + repeated("--b98\r\n", n); }},
      {"almost delimiters", [&](std::size_t n) { return deep + repeated("--b9x--\r\n", n); }},
      {"dashes", [&](std::size_t n) { return deep + repeated("--\n", n); }},
      {"empty lines", [&](std::size_t n) { return deep + repeated("\n", n); }},
      {"one line", [&](std::size_t n) { return deep + std::string(8 * n, '-'); }},
      {"lines of bare CR", [&](std::size_t n) { return multipart("b") + repeated("--b\r", n) + "\n"; }},
      {"headers without end", [](std::size_t n) { return multipart("b") + repeated("--b\r\nX: 1\r\n", n); }},
      {"headers that are none",
       [](std::size_t n) {
         return multipart("b") + repeated("--b\r\n" + std::string(5000, 'x') + "\r\n", n / 500);
       }},
      {"headers ended by CR", [](std::size_t n) { return multipart("b") + repeated("--b\r\nX: 1\r\rx", n); }},
      {"mails",
       [](std::size_t n) {
         return multipart("b") + repeated("--b\r\nContent-Type: message/rfc822\r\n\r\n\r\n", n);
       }},
      {"parameters", [](std::size_t n) { return "Content-Type: a/b" + repeated(";x*1=y", n) + "\r\n\r\n"; }},
  };
  for (const auto& [name, make] : kinds) {
    CAPTURE(name);
    const std::string once = make(50'000);
    const double first = work(once);
    const double second = work(make(100'000));
    CHECK(second <= 2.1 * first);
    CHECK(first <= 5.0 * static_cast<double>(once.size()));
  }
}

TEST_CASE("The content of a mail cannot prevent its extraction from its report") {
  const std::string inner = "Subject: x\r\n" + nested(3000, false) + repeated("--b0\r\n", 20'000) +
                            repeated("Content-Type: message/rfc822\r\n\r\n", 500) + std::string(70'000, '-');
  CountingSource source("X-MS-Journal-Report:\r\n" + multipart("out") +
                        "--out\r\n\r\nSender: a@example.com\r\nTo: b@example.com\r\n\r\n--out\r\n"
                        "Content-Type: message/rfc822\r\n\r\n" +
                        inner + "\r\n--out--\r\n");
  const Result<JournalReport> report = read_journal_report(source);
  REQUIRE(report);
  REQUIRE(report->is_journal_report);
  CHECK(report->limit_reached);  // a report in it would not be found
  REQUIRE(report->inner.size() == 1);
  CHECK(source.text(report->inner[0].content.stored) == inner);
}

TEST_CASE("A report whose header has many recipients is still recognised") {
  CountingSource source("X-MS-Journal-Report:\r\nTo: " + repeated("someone@example.com,\r\n ", 20'000) +
                        "last@example.com\r\n" + multipart("out") + "--out\r\n\r\nSender: a@example.com\r\n" +
                        repeated("Bcc: b@example.com\r\n", 20'000) +
                        "--out\r\nContent-Type: message/rfc822\r\n\r\nA: 1\r\n\r\n\r\n--out--\r\n");
  const Result<JournalReport> report = read_journal_report(source);
  REQUIRE(report);
  CHECK(report->is_journal_report);
  CHECK(report->recipients.size() == 20'000);
}

TEST_CASE("A report whose text is over the limit is left unchanged, and this is reported") {
  CountingSource source("X-MS-Journal-Report:\r\n" + multipart("out") +
                        "--out\r\n\r\nSender: a@example.com\r\n" +
                        repeated("Bcc: b@example.com\r\n", 900'000) +
                        "--out\r\nContent-Type: message/rfc822\r\n\r\nA: 1\r\n\r\n\r\n--out--\r\n");
  const Result<JournalReport> report = read_journal_report(source);
  REQUIRE(report);
  CHECK_FALSE(report->is_journal_report);
  CHECK(report->limit_reached);
}

TEST_CASE("Only the header of a mail without attachments is read") {
  CountingSource source("Subject: x\r\nContent-Type: text/plain\r\n\r\n" +
                        repeated("--b\r\n\r\nx\r\n", 100'000));
  const Result<JournalReport> report = read_journal_report(source);
  REQUIRE(report);
  CHECK_FALSE(report->is_journal_report);
  CHECK(source.read_bytes <= 64 << 10);
}

TEST_CASE("The search for reports reads a mail a few times, however mails are attached and encoded") {
  std::string encoded = "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
  std::string nest;
  for (int depth = 0; depth < 10; ++depth) nest += encoded;
  for (const std::string& mail :
       {multipart("b") + repeated("--b\r\n\r\nx\r\n", 100'000),
        multipart("b") +
            repeated("--b\r\nContent-Type: message/rfc822\r\n\r\n" + multipart("c") + "x\r\n", 20'000),
        multipart("b") + repeated("--b\r\n" + encoded + multipart("c") + "x\r\n", 9'000),
        nest + multipart("b") + repeated("--b\r\n\r\nx\r\n", 100'000)}) {
    CountingSource source(mail);
    REQUIRE(read_journal_report(source));
    CHECK(source.read_bytes <= 12 * mail.size());
  }
}

}  // namespace
}  // namespace gw::mime
