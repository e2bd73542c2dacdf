#include "mime/journal.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/file.h"
#include "counting_source.h"
#include "support/source_dir.h"

namespace gw::mime {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string decoded(Source& source, const Content& content) {
  std::string out;
  REQUIRE(unwrap(source, content, [&](ByteView piece) -> Result<void> {
    out += as_text(piece);
    return {};
  }));
  return out;
}

json text_or_null(const std::optional<std::string>& text) {
  return text ? json(*text) : json(nullptr);
}

json recipients_of(const JournalReport& report, Recipient::Kind kind) {
  json list = json::array();
  for (const Recipient& recipient : report.recipients)
    if (recipient.kind == kind)
      list.push_back({{"address", recipient.address},
                      {"expanded", text_or_null(recipient.expanded)},
                      {"forwarded", text_or_null(recipient.forwarded)}});
  return list;
}

// What a file's .expected.json has, as far as it is about what this part finds.
json found_in(Source& source, const JournalReport& report) {
  json found;
  found["is_journal_report"] = report.is_journal_report && !report.within_ndr;
  found["contains_journal_report"] = report.within_ndr;
  if (!report.is_journal_report) return found;
  found["sender"] = report.sender;
  found["on_behalf_of"] = text_or_null(report.on_behalf_of);
  found["subject"] = text_or_null(report.subject);
  found["message_id"] = text_or_null(report.message_id);
  found["label"] = text_or_null(report.label);
  found["mailbox"] = text_or_null(report.mailbox);
  found["sent_utc_text"] = text_or_null(report.sent);
  found["received_utc_text"] = text_or_null(report.received);
  found["recipients"] = {{"to", recipients_of(report, Recipient::Kind::To)},
                         {"cc", recipients_of(report, Recipient::Kind::Cc)},
                         {"bcc", recipients_of(report, Recipient::Kind::Bcc)},
                         {"recipient", recipients_of(report, Recipient::Kind::Recipient)}};
  found["report_text"] = {{"offset", report.text.offset}, {"length", report.text.length}};
  found["attached_report"] = {{"offset", report.report.offset}, {"length", report.report.length}};
  found["inner"] = json::array();
  for (const InnerMail& inner : report.inner) {
    const std::string stored = decoded(source, {inner.content.stored, Encoding::Identity});
    const std::string mail = decoded(source, inner.content);
    found["inner"].push_back({{"offset", inner.content.stored.offset},
                              {"length", inner.content.stored.length},
                              {"stored_sha256", to_hex(sha256(as_bytes(stored)))},
                              {"decoded_length", mail.size()},
                              {"sha256", to_hex(sha256(as_bytes(mail)))},
                              {"message_id", text_or_null(inner.message_id)}});
  }
  return found;
}

json expected_of(const json& file, std::size_t size) {
  json expected;
  const bool within = file.value("contains_journal_report", false);
  expected["is_journal_report"] = file["is_journal_report"];
  expected["contains_journal_report"] = within;
  if (!within && !file["is_journal_report"]) return expected;
  for (const char* name : {"sender", "on_behalf_of", "subject", "message_id", "label", "mailbox",
                           "sent_utc_text", "received_utc_text", "recipients"})
    expected[name] = file.contains(name) ? file[name] : json(nullptr);
  for (const char* name : {"offset", "length"}) expected["report_text"][name] = file["report_text"][name];
  expected["attached_report"] = {{"offset", 0}, {"length", size}};
  if (within)
    for (const char* name : {"offset", "length"})
      expected["attached_report"][name] = file["attached_report"][name];
  expected["inner"] = json::array();
  for (const json& inner : file["inner"]) {
    json one;
    for (const char* name : {"offset", "length", "stored_sha256", "decoded_length", "sha256", "message_id"})
      one[name] = inner[name];
    expected["inner"].push_back(one);
  }
  return expected;
}

std::size_t check_folder(const fs::path& folder) {
  std::size_t files = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string path = entry.path();
    if (!path.ends_with(".expected.json")) continue;
    ++files;
    const Result<std::string> text = read_file(path);
    const Result<std::string> mail = read_file(path.substr(0, path.size() - 13) + "eml");
    REQUIRE(text);
    REQUIRE(mail);
    const json expected = expected_of(json::parse(*text), mail->size());
    CountingSource source(*mail);
    for (std::size_t size = 1; size < mail->size() + 2; size += size < 300 ? 1 : 97) {
      INFO(path << " read " << size << " octets at a time");
      Limits limits;
      limits.read_size = size;
      const Result<JournalReport> report = read_journal_report(source, limits);
      REQUIRE(report);
      REQUIRE(found_in(source, *report) == expected);
    }
  }
  return files;
}

JournalReport read(const std::string& mail) {
  CountingSource source(mail);
  Result<JournalReport> report = read_journal_report(source);
  REQUIRE(report);
  return *report;
}

// A report with these header lines, this text and one small mail.
std::string report_with(std::string_view header, std::string_view text, std::string_view text_header = "") {
  return std::string(header) + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" +
         std::string(text_header) + "\r\n" + std::string(text) +
         "\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nbody\r\n--b--\r\n";
}
constexpr std::string_view kMarker = "X-MS-Journal-Report:\r\n";
constexpr std::string_view kText = "Sender: a@example.com\r\nMessage-ID: <1@x>\r\n";

Recipient recipient_in(std::string_view line) {
  JournalReport report;
  parse_report_text("Sender: a@example.com\r\n" + std::string(line) + "\r\n", report);
  REQUIRE(report.recipients.size() == 1);
  return report.recipients[0];
}

TEST_CASE("Each sample report gives its expected values, read in pieces of any size") {
  CHECK(check_folder(gw::test::source_dir() + "/tests/corpus") == 10);
}

TEST_CASE("Each report of the corpus gives its expected values, read in pieces of any size") {
  const fs::path folder = gw::test::source_dir() + "/../shared/corpus/journal";
  if (!fs::exists(folder)) {
    WARN("no corpus here");
    return;
  }
  CHECK(check_folder(folder) == 24);
}

TEST_CASE("A report is read from a file as from memory") {
  Result<FileSource> source =
      FileSource::open(gw::test::source_dir() + "/tests/corpus/01-basic-to-cc-bcc.eml");
  REQUIRE(source);
  const Result<JournalReport> report = read_journal_report(*source);
  REQUIRE(report);
  CHECK(report->inner[0].content.stored == Range{1366, 667});
  CHECK(FileSource::open(gw::test::source_dir() + "/tests/corpus/none.eml").error().code() == Code::NotFound);
  CHECK(FileSource::open(gw::test::source_dir() + "/tests/corpus").error().code() == Code::BadInput);
}

TEST_CASE("Of a decrypted mail and its original, the original is the protected one") {
  const Result<std::string> mail =
      read_file(gw::test::source_dir() + "/tests/corpus/06-two-inner-rights-protected.eml");
  REQUIRE(mail);
  const JournalReport report = read(*mail);
  REQUIRE(report.inner.size() == 2);
  CHECK_FALSE(report.inner[0].is_protected);
  CHECK(report.inner[1].is_protected);
}

TEST_CASE("Marker, text and attached mail make a report; without one of them a mail stays as it is") {
  CHECK(read(report_with(kMarker, kText)).is_journal_report);
  CHECK(read(report_with("X-MS-Exchange-Organization-Journal-Report: yes\r\n", kText)).is_journal_report);
  CHECK(read(report_with("Content-Identifier: exjournalreport\r\n", kText)).is_journal_report);
  CHECK_FALSE(read(report_with("", kText)).is_journal_report);
  CHECK_FALSE(read(report_with("X-MS-Journal-Reports: x\r\n", kText)).is_journal_report);
  CHECK_FALSE(read(report_with("Content-Identifier: other\r\n", kText)).is_journal_report);
  CHECK_FALSE(read(report_with("Subject: X-MS-Journal-Report:\r\n", kText)).is_journal_report);
  CHECK_FALSE(read(report_with(kMarker, "Hello,\r\nsee the attached mail.\r\n")).is_journal_report);
  CHECK_FALSE(read(report_with(kMarker, "Sender: a@example.com\r\n")).is_journal_report);
  CHECK_FALSE(read(report_with(kMarker, "Message-ID: <1@x>\r\nTo: b@example.com\r\n")).is_journal_report);
  CHECK_FALSE(read(report_with(kMarker, kText, "Content-Type: text/html\r\n")).is_journal_report);
  CHECK_FALSE(read(std::string(kMarker) + "\r\n" + std::string(kText)).is_journal_report);
  const std::string whole = report_with(kMarker, kText);
  CHECK_FALSE(read(whole.substr(0, whole.find("Content-Type: message"))).is_journal_report);
  CHECK_FALSE(read("").is_journal_report);
}

TEST_CASE("A mail that has a report attached is not one, unless it is a delivery report") {
  const std::string inner = report_with(kMarker, kText);
  const auto around = [&](const std::string& type) {
    return "Content-Type: multipart/" + type + "; boundary=o\r\n\r\n--o\r\n\r\n" + std::string(kText) +
           "\r\n--o\r\nContent-Type: message/rfc822\r\n\r\n" + inner + "\r\n--o--\r\n";
  };
  CHECK_FALSE(read(around("mixed")).is_journal_report);
  const JournalReport report = read(around("report"));
  CHECK(report.is_journal_report);
  CHECK(report.within_ndr);
  CHECK(read("X-MS-Exchange-Message-Is-Ndr:\r\n" + around("mixed")).within_ndr);
  // A delivery report for a mail that has a report attached: one mail further in.
  const std::string returned =
      "Content-Type: multipart/report; boundary=r\r\n\r\n--r\r\nContent-Type: message/rfc822\r\n\r\n" +
      around("mixed") + "\r\n--r--\r\n";
  CHECK_FALSE(read(returned).is_journal_report);
}

TEST_CASE("A text that a gateway put in front does not hide the report") {
  const std::string mail =
      std::string(kMarker) +
      "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n\r\nSubject: [external]\r\n--o\r\n" +
      report_with("", kText) + "\r\n--o--\r\n";
  const JournalReport report = read(mail);
  CHECK(report.is_journal_report);
  CHECK_FALSE(report.subject == "[external]");
  CHECK(report.inner.size() == 1);
}

TEST_CASE("A truncated report gives what there is of the attached mail") {
  const std::string mail = report_with(kMarker, kText);
  const JournalReport report = read(mail.substr(0, mail.find("body") + 2));
  REQUIRE(report.inner.size() == 1);
  CHECK(report.inner[0].content.stored.end() == mail.find("body") + 2);
}

TEST_CASE("An attached mail that is wrongly labelled base64 comes out as it is") {
  std::string mail = report_with(kMarker, kText);
  mail.insert(mail.find("message/rfc822") + 14, "\r\nContent-Transfer-Encoding: base64");
  CountingSource source(mail);
  const Result<JournalReport> report = read_journal_report(source);
  REQUIRE(report);
  CHECK(decoded(source, report->inner[0].content) == "Subject: inner\r\n\r\nbody");
}

TEST_CASE("An attached mail in quoted-printable comes out decoded") {
  std::string mail = report_with(kMarker, kText);
  mail.insert(mail.find("message/rfc822") + 14, "\r\nContent-Transfer-Encoding: quoted-printable");
  mail.replace(mail.find("body"), 4, "b=6F=\r\ndy");
  CountingSource source(mail);
  const Result<JournalReport> report = read_journal_report(source);
  REQUIRE(report);
  CHECK(decoded(source, report->inner[0].content) == "Subject: inner\r\n\r\nbody");
}

TEST_CASE("A recipient line gives address, kind, list and former address") {
  CHECK(recipient_in("CC:  a@example.com ").kind == Recipient::Kind::Cc);
  CHECK(recipient_in("To: <a@example.com>").address == "a@example.com");
  const Recipient both =
      recipient_in("Bcc: a@example.com,expanded: l@example.com , FORWARDED: f@example.com");
  CHECK(both.address == "a@example.com");
  CHECK(both.expanded == "l@example.com");
  CHECK(both.forwarded == "f@example.com");
  CHECK(recipient_in("Recipient: a@example.com, Expanded: ").expanded == std::nullopt);
  CHECK(recipient_in("To: /O=ORG/CN=A, B").address == "/O=ORG/CN=A, B");
}

TEST_CASE("Words in the quotes of a local part are part of the address") {
  const Recipient quoted = recipient_in(R"(To: "x, Expanded: \" y"@example.com, Expanded: l@example.com)");
  CHECK(quoted.address == R"("x, Expanded: \" y"@example.com)");
  CHECK(quoted.expanded == "l@example.com");
  CHECK(recipient_in(R"(To: o"hara@example.com, Forwarded: f@example.com)").forwarded == "f@example.com");
}

TEST_CASE("The first of several lines counts, and lines that are none are passed over") {
  JournalReport report;
  CHECK(parse_report_text(
      "\xef\xbb\xbfSender: a@x\nSender: b@x\nSubject: \nSubject: two\n X: y\nnothing\n\nTo: c@x", report));
  CHECK(report.sender == "a@x");
  CHECK(report.subject == "");
  CHECK(report.recipients.size() == 1);
}

TEST_CASE("The block of Exchange 2003 ends with the first line that is not indented") {
  JournalReport report;
  CHECK(parse_report_text(
      "Sender: \"A\" <>\r\nRecipients: r@x\r\n\tP <p@x>\r\n\r\n q@x\r\nTo: t@x\r\n u@x\r\n", report));
  CHECK(report.sender == "<>");
  std::string all;
  for (const Recipient& recipient : report.recipients) all += recipient.address + " ";
  CHECK(all == "r@x p@x q@x t@x ");
}

}  // namespace
}  // namespace gw::mime

TEST_CASE("A text with a line that no report has is no report's, and the limit is said") {
  const auto with = [](std::size_t size) {
    return read(report_with(kMarker, std::string(kText) + "To: " + std::string(size, 'x') + "@example.com"));
  };
  CHECK(with(60'000).is_journal_report);
  const JournalReport longer = with(70'000);
  CHECK_FALSE(longer.is_journal_report);
  CHECK(longer.limit_reached);
  // Many lines are no long one.
  std::string many(kText);
  while (many.size() < 300'000) many += "To: bob" + std::to_string(many.size()) + "@example.com\r\n";
  CHECK(read(report_with(kMarker, many)).is_journal_report);
}
