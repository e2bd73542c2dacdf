#include "mime/reading.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "base/text.h"
#include "counting_source.h"
#include "support/source_dir.h"

using namespace std::literals;

namespace gw::mime {
namespace {

Reading reading_of(std::string mail, const ReadingLimits& limits = {}) {
  CountingSource source(std::move(mail));
  Result<Reading> reading = read_for_people(source, limits);
  REQUIRE(reading);
  return std::move(*reading);
}

std::string corpus(const std::string& name) {
  std::ifstream file(gw::test::source_dir() + "/tests/corpus/" + name, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST_CASE("A plain mail has its fields and its text") {
  const Reading reading = reading_of(
      "Subject: =?UTF-8?Q?F=C3=BChrung?=\r\nX-Long: one\r\n two\r\nReceived: a\r\nReceived: b\r\n"
      "Content-Type: text/plain; charset=iso-8859-1\r\n\r\nGr\xfc\xdf"
      "e\r\n");
  REQUIRE(reading.fields.size() == 5);
  CHECK(*find_field(reading.fields, "subject") == "Führung");
  CHECK(reading.fields[1].value == "one two");
  CHECK(reading.fields[3].value == "b");
  REQUIRE(reading.text);
  CHECK(reading.text->text == "Grüße\r\n");
  CHECK_FALSE(reading.text->cut);
  CHECK_FALSE(reading.fields_cut);
  CHECK_FALSE(reading.journal.is_journal_report);
  CHECK(reading.attachments.empty());
  CHECK(find_field(reading.fields, "Bcc") == nullptr);
}

TEST_CASE("Text and HTML are the first of their kind; all other parts are attached under a harmless name") {
  const Reading reading = reading_of(
      "Content-Type: multipart/mixed; boundary=o\r\n\r\n"
      "--o\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n"
      "--i\r\n\r\nplain\r\n--i\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n--i--\r\n"
      "--o\r\nContent-Type: application/pdf; name=\"../../etc/passwd\"\r\nContent-Transfer-Encoding: "
      "base64\r\n\r\nYWJjZGVm\r\n"
      "--o\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; "
      "filename*=UTF-8''gr%C3%BC%C3%9Fe.txt\r\n\r\nattached\r\n"
      "--o\r\nContent-Type: image/png; name=\"=?utf-8?q?b=C3=A4r=0D=0A.png?=\"\r\n\r\nx\r\n"
      "--o\r\nContent-Type: message/rfc822\r\n\r\nSubject: within\r\n\r\nnot shown\r\n--o--\r\n");
  REQUIRE(reading.text);
  CHECK(reading.text->text == "plain");
  REQUIRE(reading.html);
  REQUIRE(reading.attachments.size() == 4);
  CHECK(reading.attachments[0].name == "passwd");
  CHECK(reading.attachments[0].type == "application/pdf");
  CHECK(reading.attachments[0].size == 6);
  CHECK(reading.attachments[1].name == "grüße.txt");
  CHECK(reading.attachments[2].name.starts_with("bär"));
  CHECK_FALSE(has_control(reading.attachments[2].name));
  CHECK(reading.attachments[3].type == "message/rfc822");
}

TEST_CASE("HTML is read on request, up to a limit") {
  const std::string mail =
      "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
      "PHA+aHRtbDwvcD4=\r\n";
  CountingSource source(mail);
  const Result<Reading> reading = read_for_people(source);
  REQUIRE(reading);
  REQUIRE(reading->html);
  CHECK_FALSE(reading->text);
  const Result<ReadText> all = read_text(source, *reading->html, 11);
  REQUIRE(all);
  CHECK(all->text == "<p>html</p>");
  CHECK_FALSE(all->cut);
  const Result<ReadText> some = read_text(source, *reading->html, 3);
  REQUIRE(some);
  CHECK(some->text == "<p>");
  CHECK(some->cut);
}

TEST_CASE("The mail within a journal report is read, together with the fields of the report") {
  const Reading reading = reading_of(corpus("01-basic-to-cc-bcc.eml"));
  REQUIRE(reading.journal.is_journal_report);
  CHECK(std::ranges::count(reading.journal.recipients, Recipient::Kind::Bcc, &Recipient::kind) > 0);
  REQUIRE_FALSE(reading.inner.empty());
  CHECK(find_field(reading.inner, "Subject") != nullptr);
  REQUIRE(reading.text);
  CHECK(reading.text->text.find("Sender: ") == std::string::npos);
  CHECK(find_field(reading.fields, "X-MS-Journal-Report") != nullptr);
}

TEST_CASE("A mail that is over the limits is truncated, and this is reported") {
  ReadingLimits limits;
  limits.text = 10;
  limits.fields = 3;
  limits.attachments = 1;
  std::string mail =
      "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" +
      std::string(100, 'x') + "\r\n";
  for (int i = 0; i < 5; ++i) mail += "--b\r\nContent-Type: image/png\r\n\r\nx\r\n";
  const Reading reading = reading_of(mail + "--b--\r\n", limits);
  CHECK(reading.fields.size() == 3);
  CHECK(reading.fields_cut);
  REQUIRE(reading.text);
  CHECK(reading.text->text.size() == 10);
  CHECK(reading.text->cut);
  CHECK(reading.attachments.size() == 1);
  CHECK(reading.more_attachments == 4);

  limits = {};
  limits.value = 100;
  const Reading folded =
      reading_of("A: " + std::string(50, 'x') + "\r\n " + std::string(200'000, 'y') + "\r\n\r\nz", limits);
  CHECK(folded.fields_cut);
  REQUIRE(folded.fields.size() == 1);
  CHECK(folded.fields[0].value.size() <= 100);
  CHECK(reading_of("A: " + std::string(1 << 20, 'x') + "\r\n\r\nz").fields_cut);
}

TEST_CASE("Data of any kind becomes valid text") {
  const Reading reading = reading_of("Subject: \xff\x00\x1b[31m\r\n\r\n\xc3\x28\x00"s);
  REQUIRE_FALSE(reading.fields.empty());
  CHECK(valid_utf8(reading.fields[0].value));
  REQUIRE(reading.text);
  CHECK(valid_utf8(reading.text->text));
  for (const char* odd :
       {"", "\r\n", "no header\r\n", ":\r\n\r\nx", "A\r\n\r\nx", " B: 1\r\n\r\n", "From x\r\nA: 1\r\n\r\n"})
    reading_of(odd);
  CHECK(reading_of("From x y\r\nA: 1\r\n\r\nz").fields.size() == 1);
  CHECK(reading_of("A: 1\nB: 2\rC: 3\n\nz").fields.size() == 3);
}

}  // namespace
}  // namespace gw::mime
