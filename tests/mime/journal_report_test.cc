#include "mime/journal_report.h"

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

// Returns the part of a file's .expected.json that this library finds.
json found_in(Source& source, const JournalReport& report) {
  json found;
  const bool within_ndr = report.within == Within::DeliveryReport;
  found["is_journal_report"] = report.is_journal_report && !within_ndr;
  found["contains_journal_report"] = within_ndr;
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

std::size_t check_directory(const fs::path& directory) {
  std::size_t files = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
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
      INFO(path << " read " << size << " bytes at a time");
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

// Returns a report with these header lines, this text and one small mail.
std::string report_with(std::string_view header, std::string_view text, std::string_view text_header = "") {
  return std::string(header) + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" +
         std::string(text_header) + "\r\n" + std::string(text) +
         "\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nbody\r\n--b--\r\n";
}
constexpr std::string_view kMarker = "X-MS-Journal-Report:\r\n";
constexpr std::string_view kText = "Sender: a@example.com\r\nMessage-ID: <1@x>\r\n";

std::string base64_of(const std::string& text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    unsigned bits = 0;
    for (std::size_t j = i; j < i + 3; ++j)
      bits = bits << 8U | (j < text.size() ? static_cast<unsigned char>(text[j]) : 0U);
    for (unsigned j = 0; j < 4; ++j) out += i + j > text.size() ? '=' : kDigits[bits >> (18 - 6 * j) & 63U];
  }
  return out;
}

Recipient recipient_in(std::string_view line) {
  JournalReport report;
  parse_report_text("Sender: a@example.com\r\n" + std::string(line) + "\r\n", report);
  REQUIRE(report.recipients.size() == 1);
  return report.recipients[0];
}

TEST_CASE("Each sample report yields its expected values, read in pieces of any size") {
  CHECK(check_directory(gw::test::source_dir() + "/tests/corpus") == 10);
}

TEST_CASE("Each report of the corpus yields its expected values, read in pieces of any size") {
  const fs::path directory = gw::test::source_dir() + "/../shared/corpus/journal";
  if (!fs::exists(directory)) {
    WARN("no corpus here");
    return;
  }
  CHECK(check_directory(directory) == 24);
}

TEST_CASE("Each report that a gateway has rewritten yields its expected values") {
  const std::string directory = gw::test::source_dir() + "/tests/corpus/gateways/";
  const Result<std::string> text = read_file(directory + "expected.json");
  REQUIRE(text);
  const json all = json::parse(*text);
  CHECK(all.size() == 39);
  for (const auto& [name, expected] : all.items()) {
    const Result<std::string> mail = read_file(directory + name + ".eml");
    REQUIRE(mail);
    CountingSource source(*mail);
    for (const std::size_t size : {1UL, 10UL, 1000UL, 65536UL}) {
      Limits limits;
      limits.read_size = size;
      const Result<JournalReport> report = read_journal_report(source, limits);
      REQUIRE(report);
      json found = {{"is_journal_report", report->is_journal_report}, {"sender", report->sender}};
      found["recipients"] = json::array();
      const char* kinds[] = {"to", "cc", "bcc", "recipient"};
      for (const Recipient& each : report->recipients)
        found["recipients"].push_back({{"kind", kinds[static_cast<int>(each.kind)]},
                                       {"address", each.address},
                                       {"expanded", text_or_null(each.expanded)},
                                       {"forwarded", text_or_null(each.forwarded)}});
      found["inner"] = json::array();
      for (const InnerMail& inner : report->inner) {
        const std::string data = decoded(source, inner.content);
        found["inner"].push_back({{"octets", data.size()}, {"sha256", to_hex(sha256(as_bytes(data)))}});
      }
      INFO(name << " read " << size << " bytes at a time");
      CHECK(found == expected);
    }
  }
}

TEST_CASE("A report is read from a file as it is from memory") {
  Result<FileSource> source =
      FileSource::open(gw::test::source_dir() + "/tests/corpus/01-basic-to-cc-bcc.eml");
  REQUIRE(source);
  const Result<JournalReport> report = read_journal_report(*source);
  REQUIRE(report);
  CHECK(report->inner[0].content.stored == Range{1366, 667});
  CHECK(FileSource::open(gw::test::source_dir() + "/tests/corpus/none.eml").error().code() == Code::NotFound);
  CHECK(FileSource::open(gw::test::source_dir() + "/tests/corpus").error().code() == Code::BadInput);
}

TEST_CASE("If a report has a decrypted mail and its original, the original is the protected one") {
  const Result<std::string> mail =
      read_file(gw::test::source_dir() + "/tests/corpus/06-two-inner-rights-protected.eml");
  REQUIRE(mail);
  const JournalReport report = read(*mail);
  REQUIRE(report.inner.size() == 2);
  CHECK_FALSE(report.inner[0].is_protected);
  CHECK(report.inner[1].is_protected);
}

TEST_CASE("Marker, text and attached mail make a report; without one of them the mail is unchanged") {
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

// Returns a mail with this content type to which `mail` is attached.
std::string around(const std::string& type, const std::string& mail, std::string_view part_header = "",
                   std::string_view header = "") {
  const std::string line = "\r\n--o" + type;
  return std::string(header) + "Content-Type: multipart/" + type + "; boundary=o" + type + "\r\n" + line +
         "\r\n\r\nhere it is" + line + "\r\nContent-Type: message/rfc822\r\n" + std::string(part_header) +
         "\r\n" + mail + line + "--\r\n";
}

std::string inner_of(const std::string& mail, const InnerMail& inner) {
  CountingSource source(mail);
  return decoded(source, inner.content);
}

TEST_CASE("A report is found in the mail that it is attached to, and that mail is named") {
  const std::string inner = report_with(kMarker, kText);
  const auto within = [](const std::string& mail) {
    const JournalReport report = read(mail);
    CHECK(report.is_journal_report);
    return report.within;
  };
  CHECK(within(inner) == Within::Nothing);
  CHECK(within(around("mixed", inner)) == Within::Mail);
  CHECK(within(around("report", inner)) == Within::DeliveryReport);
  CHECK(within(around("mixed", inner, "", "X-MS-Exchange-Message-Is-Ndr:\r\n")) == Within::DeliveryReport);
  CHECK(within(around("report", around("mixed", inner))) == Within::Mail);
  CHECK(within("Content-Type: message/rfc822\r\n\r\n" + inner) == Within::Mail);
  CHECK_FALSE(read(around("mixed", "Subject: x\r\n\r\nbody")).is_journal_report);
}

TEST_CASE("An encoded report is decoded, and so is its mail") {
  const std::string inner = report_with(kMarker, kText);
  std::string quoted;
  for (const char c : inner) quoted += c == '=' ? std::string("=3D") : std::string(1, c);
  const auto base64 = [](const std::string& text) {
    std::string lines = base64_of(text);
    for (std::size_t at = 76; at < lines.size(); at += 78) lines.insert(at, "\r\n");
    return lines;
  };
  const std::string by_base64 = around("report", base64(inner), "Content-Transfer-Encoding: base64\r\n");
  const std::string by_quoted = around("report", quoted, "Content-Transfer-Encoding: quoted-printable\r\n");
  const std::string twice = around("mixed", base64(by_quoted), "Content-Transfer-Encoding: base64\r\n");
  for (const auto& [mail, parts] : {std::pair(by_base64, 1), std::pair(by_quoted, 1), std::pair(twice, 2)}) {
    CountingSource source(mail);
    for (const std::size_t size : {1UL, 7UL, 100UL, 65536UL}) {
      Limits limits;
      limits.read_size = size;
      const Result<JournalReport> report = read_journal_report(source, limits);
      REQUIRE(report);
      REQUIRE(report->is_journal_report);
      CHECK(report->sender == "a@example.com");
      REQUIRE(report->inner.size() == 1);
      CHECK(inner_of(mail, report->inner[0]) == "Subject: inner\r\n\r\nbody");
      CHECK(static_cast<int>(report->parts.size()) == parts);
    }
  }
}

TEST_CASE("A report within a report is found separately and does not change the outer one") {
  const std::string deep = report_with(kMarker, "Sender: deep@example.com\r\nBcc: hidden@example.com\r\n");
  std::string outer = report_with(kMarker, kText);
  outer.replace(outer.find("Subject: inner"), std::string("Subject: inner\r\n\r\nbody").size(), deep);
  // The same boundary would end the outer report.
  const std::size_t at = outer.find("boundary=b", outer.find(kMarker) + 60);
  std::string renamed = outer.substr(at);
  for (std::size_t i = 0; (i = renamed.find("--b", i)) != std::string::npos; i += 4) {
    if (i + 20 < renamed.size()) renamed.replace(i, 3, "--in");
  }
  renamed.replace(0, 10, "boundary=in");
  const std::string mail = outer.substr(0, at) + renamed;
  const JournalReport report = read(mail);
  REQUIRE(report.is_journal_report);
  CHECK(report.sender == "a@example.com");
  CHECK(report.recipients.empty());
  CHECK(report.inner.size() == 1);
  REQUIRE(report.further.size() == 1);
  CHECK(report.further[0].within == Within::Report);
  CHECK(report.further[0].sender == "deep@example.com");
  REQUIRE(report.further[0].recipients.size() == 1);
  CHECK(report.further[0].recipients[0].address == "hidden@example.com");
  CHECK(inner_of(mail, report.further[0].inner[0]) == "Subject: inner\r\n\r\nbody");
}

TEST_CASE("Every report that is attached to a mail is found") {
  std::string mail = "Content-Type: multipart/mixed; boundary=o\r\n\r\n";
  for (int i = 0; i < 3; ++i)
    mail += "--o\r\nContent-Type: message/rfc822\r\n\r\n" +
            report_with(kMarker, "Sender: " + std::to_string(i) + "@example.com\r\nMessage-ID: <1@x>\r\n") +
            "\r\n";
  const JournalReport report = read(mail + "--o--\r\n");
  CHECK(report.sender == "0@example.com");
  REQUIRE(report.further.size() == 2);
  CHECK(report.further[1].sender == "2@example.com");
  CHECK(all_inner(report).size() == 3);
}

TEST_CASE("The search ends at a depth of four mails and says so if it leaves out a report") {
  std::string mail = report_with(kMarker, kText);
  for (int depth = 1; depth <= 6; ++depth) {
    CAPTURE(depth);
    mail = "Content-Type: message/rfc822\r\n\r\n" + mail;
    const JournalReport report = read(mail);
    CHECK(report.is_journal_report == (depth < 4));
    CHECK(report.limit_reached == (depth == 4));
  }
}

TEST_CASE("The attached mail may precede the text, and may be a file") {
  const std::string text = "--b\r\n\r\n" + std::string(kText);
  const std::string start = std::string(kMarker) + "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  const std::string plain = "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nbody\r\n";
  const std::string file =
      "--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; "
      "filename*=UTF-8''a%20b.EML\r\n"
      "Content-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogaW5uZXINCg0KYm9keQ==\r\n";
  for (const std::string& mail : {start + plain + text + "--b--\r\n", start + text + file + "--b--\r\n",
                                  start + file + text + "--b--\r\n"}) {
    const JournalReport report = read(mail);
    REQUIRE(report.is_journal_report);
    REQUIRE(report.inner.size() == 1);
    CHECK(inner_of(mail, report.inner[0]) == "Subject: inner\r\n\r\nbody");
  }
  const std::string other = "--b\r\nContent-Type: application/octet-stream; name=a.txt\r\n\r\nx\r\n";
  CHECK_FALSE(read(start + text + other + "--b--\r\n").is_journal_report);
}

TEST_CASE("Text that a gateway has added before the report does not hide it") {
  const std::string mail =
      std::string(kMarker) +
      "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n\r\nSubject: [external]\r\n--o\r\n" +
      report_with("", kText) + "\r\n--o--\r\n";
  const JournalReport report = read(mail);
  CHECK(report.is_journal_report);
  CHECK_FALSE(report.subject == "[external]");
  CHECK(report.inner.size() == 1);
}

TEST_CASE("A truncated report yields the available part of the attached mail") {
  const std::string mail = report_with(kMarker, kText);
  const JournalReport report = read(mail.substr(0, mail.find("body") + 2));
  REQUIRE(report.inner.size() == 1);
  CHECK(report.inner[0].content.stored.end() == mail.find("body") + 2);
}

TEST_CASE("An attached mail that is wrongly labelled base64 is extracted unchanged") {
  std::string mail = report_with(kMarker, kText);
  mail.insert(mail.find("message/rfc822") + 14, "\r\nContent-Transfer-Encoding: base64");
  CountingSource source(mail);
  const Result<JournalReport> report = read_journal_report(source);
  REQUIRE(report);
  CHECK(decoded(source, report->inner[0].content) == "Subject: inner\r\n\r\nbody");
}

TEST_CASE("An attached mail in quoted-printable is decoded") {
  std::string mail = report_with(kMarker, kText);
  mail.insert(mail.find("message/rfc822") + 14, "\r\nContent-Transfer-Encoding: quoted-printable");
  mail.replace(mail.find("body"), 4, "b=6F=\r\ndy");
  CountingSource source(mail);
  const Result<JournalReport> report = read_journal_report(source);
  REQUIRE(report);
  CHECK(decoded(source, report->inner[0].content) == "Subject: inner\r\n\r\nbody");
}

TEST_CASE("A recipient line yields address, kind, list and former address") {
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

TEST_CASE("Words within a quoted local part belong to the address") {
  const Recipient quoted = recipient_in(R"(To: "x, Expanded: \" y"@example.com, Expanded: l@example.com)");
  CHECK(quoted.address == R"("x, Expanded: \" y"@example.com)");
  CHECK(quoted.expanded == "l@example.com");
  CHECK(recipient_in(R"(To: o"hara@example.com, Forwarded: f@example.com)").forwarded == "f@example.com");
}

TEST_CASE("The first of several lines counts, and malformed lines are skipped") {
  JournalReport report;
  CHECK(parse_report_text(
      "\xef\xbb\xbfSender: a@x\nSender: b@x\nSubject: \nSubject: two\n X: y\nnothing\n\nTo: c@x", report));
  CHECK(report.sender == "a@x");
  CHECK(report.subject == "");
  CHECK(report.recipients.size() == 1);
}

TEST_CASE("The block of Exchange 2003 ends at the first line that is not indented") {
  JournalReport report;
  CHECK(parse_report_text(
      "Sender: \"A\" <>\r\nRecipients: r@x\r\n\tP <p@x>\r\n\r\n q@x\r\nTo: t@x\r\n u@x\r\n", report));
  CHECK(report.sender == "<>");
  std::string all;
  for (const Recipient& recipient : report.recipients) all += recipient.address + " ";
  CHECK(all == "r@x p@x q@x t@x u@x ");
}

// Returns kind, address, list and former address of each recipient, and the other fields of the text.
std::string said(std::string_view text, Wrapping wrapping = {}) {
  JournalReport report;
  REQUIRE(parse_report_text("Sender: s@x\r\n" + std::string(text), report, wrapping));
  std::string all;
  for (const Recipient& each : report.recipients)
    all += std::to_string(static_cast<int>(each.kind)) + " " + each.address + "|" +
           each.expanded.value_or("") + "|" + each.forwarded.value_or("") + "\n";
  return all + report.subject.value_or("-") + "\n" + report.message_id.value_or("-");
}

TEST_CASE("A folded line of a report's text is one line") {
  CHECK(said("To: a@x,\r\n Expanded: l@x\r\nCc: c@x,\r\n\tForwarded: f@x\r\n") ==
        "0 a@x|l@x|\n1 c@x||f@x\n-\n-");
  CHECK(said("To: a@x, Expanded:\r\n l@x,\r\n Forwarded: f@x\r\n") == "0 a@x|l@x|f@x\n-\n-");
  CHECK(said("Bcc:\r\n b@x\r\nTo: \"A B\"\r\n <a@x>\r\n") == "2 b@x||\n0 a@x||\n-\n-");
  CHECK(said("To: a@x\r\n Expanded: l@x\r\n") == "0 a@x|l@x|\n-\n-");
  CHECK(said("To: a@x\r\n Note: ask me@x now\r\n") == "0 a@x||\n-\n-");
  CHECK(said("Subject: one\r\n two\r\n\tthree\r\nMessage-ID:\r\n <1@x>\r\n") == "one two\tthree\n<1@x>");
  CHECK(said("To: a@x\r\n\r\n not folded@x\r\n") == "0 a@x||\n-\n-");
  CHECK(said("Junk: 1\r\n To: b@x\r\nTo: a@x\r\n") == "0 a@x||\n-\n-");
}

TEST_CASE("A line that a gateway wrapped without an indent is one line") {
  CHECK(said("To: a@x,\r\nExpanded: l@x\r\n") == "0 a@x|l@x|\n-\n-");
  CHECK(said("To: a@x, Expanded:\r\nl@x\r\nCc:\r\nc@x\r\n") == "0 a@x|l@x|\n1 c@x||\n-\n-");
  CHECK(said("Message-ID:\r\n<1@x>\r\nBcc:\r\nTo: a@x\r\n") == "0 a@x||\n-\n<1@x>");
}

TEST_CASE("A flowed line continues if it ends with a space") {
  const Wrapping flowed{true, false};
  CHECK(said("To: a@x, \r\nExpanded: l@x\r\n", flowed) == "0 a@x|l@x|\n-\n-");
  CHECK(said("Subject: one \r\ntwo\r\nMessage-ID: <1@x>\r\n", flowed) == "one two\n<1@x>");
  CHECK(said("Subject: \r\nMessage-ID: <1@x>\r\n", flowed) == "\n<1@x>");
  CHECK(said("To: a.long. \r\nname@x\r\n", {true, true}) == "0 a.long.name@x||\n-\n-");
  CHECK(said("To: a@x\r\n-- \r\nb@x\r\n", flowed) == "0 a@x||\n-\n-");
  CHECK(said("Subject: one \r\ntwo\r\nTo: a@x\r\n") == "0 a@x||\none\n-");
}

TEST_CASE("No comma is part of an address that has an @") {
  CHECK(said("To: a@x,\r\nCc: c@x;\r\nBcc: b@x, d@x\r\n") == "0 a@x||\n1 c@x||\n2 b@x||\n2 d@x||\n-\n-");
  CHECK(said("To: Doe, John <j@x>\r\n") == "0 j@x||\n-\n-");
}

TEST_CASE("A report with more recipients than the limit is left out, and this is reported") {
  std::string text = "Sender: s@x\r\n";
  for (int i = 0; i < 100'001; ++i) text += "To: a@x\r\n";
  JournalReport report;
  CHECK_FALSE(parse_report_text(text, report));
  CHECK(report.limit_reached);
}

TEST_CASE("A value of any length is kept up to a limit") {
  JournalReport report;
  CHECK(parse_report_text("Sender: s@x\r\nTo: " + std::string(1 << 20, '"') + "\r\n", report));
  CHECK(report.limit_reached);
  REQUIRE(report.recipients.size() == 1);
  CHECK(report.recipients[0].address.size() == 64 << 10);
}

// These take hours if each line of a value has all of it examined again.
TEST_CASE("A value of many lines takes linear time") {
  const std::string blanks(2 << 20, ' ');
  const auto many = [](const std::string& line) {
    std::string lines;
    for (int i = 0; i < 1'000'000; ++i) lines += line;
    return lines;
  };
  JournalReport leading;
  CHECK(
      parse_report_text("Sender: s@x\nMessage-ID: <1@x>\nSubject:" + blanks + "\n" + many(" x\n"), leading));
  REQUIRE(leading.subject);
  CHECK(leading.subject->starts_with("x x x"));
  JournalReport trailing;
  CHECK(parse_report_text("Sender: s@x\nTo: a@x" + blanks + "\n" + many(" x\n"), trailing));
  REQUIRE(trailing.recipients.size() == 1);
  CHECK(trailing.recipients[0].address == "a@x");
  JournalReport without_at;
  CHECK(parse_report_text("Sender: s@x\nTo: a" + blanks + "\n" + many(" x\n"), without_at));
  CHECK(without_at.recipients.size() == 1);
}

TEST_CASE("A text with a line that no report has is not a report, and reaching a limit is reported") {
  const auto with = [](std::size_t size) {
    return read(report_with(kMarker, std::string(kText) + "To: " + std::string(size, 'x') + "@example.com"));
  };
  CHECK(with(60'000).is_journal_report);
  const JournalReport longer = with(70'000);
  CHECK_FALSE(longer.is_journal_report);
  CHECK(longer.limit_reached);
  // Many lines do not count as one long line.
  std::string many(kText);
  while (many.size() < 300'000) many += "To: bob" + std::to_string(many.size()) + "@example.com\r\n";
  CHECK(read(report_with(kMarker, many)).is_journal_report);
}

}  // namespace
}  // namespace gw::mime
