#include "transfer/trace_file.h"

#include <catch2/catch.hpp>

#include "base/file.h"
#include "support/temp_folder.h"

using namespace gw;
using namespace gw::transfer;

namespace {

struct Traced {
  TraceFacts facts;
  std::vector<TraceRow> rows;
};

Result<Traced> traced(std::string_view content, TraceOptions options = {}) {
  const gw::test::TempFolder folder;
  const std::string path = folder.path() + "/trace";
  REQUIRE(create_file(path, as_bytes(content), 0600));
  Traced traced;
  auto facts = read_trace(path, options, [&](const TraceRow& row) -> Result<void> {
    traced.rows.push_back(row);
    return {};
  });
  if (!facts) return facts.error();
  traced.facts = *facts;
  return traced;
}

// Returns the text as UTF-16; it must be ASCII, apart from U+00E9 as \xe9.
std::string utf16(std::string_view text, bool little, bool mark) {
  std::string out;
  const auto put = [&](char high, char low) {
    out += little ? low : high;
    out += little ? high : low;
  };
  if (mark) put('\xfe', '\xff');
  for (const char c : text) put('\0', c);
  return out;
}

std::string time_in(std::string_view text, TraceOptions options = {}) {
  const auto time = parse_trace_time(text, options);
  return time ? rfc3339(*time) : "-";
}

constexpr std::string_view kExported =
    "#TYPE Selected.Microsoft.Exchange\r\n"
    "\"MessageId\",\"Received\",\"SenderAddress\",\"RecipientAddress\",\"Subject\",\"Status\"\r\n"
    "\"<a@x>\",\"10/1/2026 2:05:06 PM\",\"s@x\",\"r@x\",\"one, \"\"two\"\"\r\nand three\",\"Delivered\"\r\n"
    "\"<a@x>\",\"10/1/2026 2:05:07 PM\",\"s@x\",\"q@x\",\"\",\"Quarantined\"\r\n";

}  // namespace

TEST_CASE("a message trace written by Export-Csv is read, with its quoted line endings") {
  const auto read = traced(kExported);
  REQUIRE(read);
  REQUIRE(read->rows.size() == 2);
  CHECK(read->rows[0].message_id == "a@x");
  CHECK(rfc3339(*read->rows[0].time) == "2026-10-01T14:05:06Z");
  CHECK(read->rows[0].subject == "one, \"two\"\r\nand three");
  CHECK(read->rows[0].line == 3);
  CHECK(read->rows[1].line == 5);
  CHECK(read->rows[1].recipient == "q@x");
  CHECK(read->rows[1].status == "Quarantined");
}

TEST_CASE("a downloaded message trace is read, with the status of each recipient") {
  const auto read = traced(
      "origin_timestamp_utc,sender_address,recipient_status,message_subject,total_bytes,message_id,"
      "network_message_id,original_client_ip,directionality\n"
      "2026-10-01T14:05:06.1234567Z,s@x,\"r@x##Receive, Deliver;q@x##Receive, Fail\",Hi,12,<a@x>,n,192.0.2.1,"
      "Originating\n");
  REQUIRE(read);
  REQUIRE(read->rows.size() == 2);
  CHECK(read->rows[0].recipient == "r@x");
  CHECK(read->rows[0].status == "Receive, Deliver");
  CHECK(read->rows[1].recipient == "q@x");
  CHECK(read->rows[1].status == "Receive, Fail");
  CHECK(rfc3339(*read->rows[0].time) == "2026-10-01T14:05:06.123456Z");
  CHECK(read->rows[0].direction == "Originating");
}

TEST_CASE("an email log search of Google Workspace is read") {
  const auto read = traced(
      "Message ID,Start date,End date,Sender,Message size,Subject,Direction,Attachments,Recipient "
      "address,Event "
      "target,Event date,Event status\n"
      "<a@x>,2026/10/01 14:05:06 UTC,2026/10/01 14:05:07 UTC,s@x,12,Hi,Received,0,\"r@x, "
      "q@x\",GMAIL_INBOX,,Delivered\n");
  REQUIRE(read);
  REQUIRE(read->rows.size() == 2);
  CHECK(read->rows[0].recipient == "r@x");
  CHECK(read->rows[1].recipient == "q@x");
  CHECK(rfc3339(*read->rows[0].time) == "2026-10-01T14:05:06Z");
  CHECK(read->rows[0].status == "Delivered");
}

TEST_CASE("a trace is the same in each coding and with each separator") {
  const auto plain = traced(kExported);
  REQUIRE(plain);
  const auto same = [&](const Result<Traced>& other) {
    REQUIRE(other);
    REQUIRE(other->rows.size() == plain->rows.size());
    for (std::size_t i = 0; i < plain->rows.size(); ++i) {
      CHECK(other->rows[i].message_id == plain->rows[i].message_id);
      CHECK(other->rows[i].subject == plain->rows[i].subject);
      CHECK(other->rows[i].time == plain->rows[i].time);
      CHECK(other->rows[i].line == plain->rows[i].line);
    }
  };
  same(traced("\xef\xbb\xbf" + std::string(kExported)));
  for (const bool little : {false, true})
    for (const bool mark : {false, true}) same(traced(utf16(kExported, little, mark)));
  const auto separated = traced("\xef\xbb\xbfMessage ID;Sender\n<a@x>;\"s;x\"\n");
  REQUIRE(separated);
  CHECK(separated->rows.at(0).sender == "s;x");
  CHECK(traced("Message ID\tSender\n<a@x>\ts,x\n")->rows.at(0).sender == "s,x");
  // Not ASCII; a character that is cut between two reads; surrogates without a partner.
  CHECK(traced(utf16("Message ID,Subject\na@x,\xe9\n", true, true))->rows.at(0).subject == "\u00e9");
  std::string odd = utf16("Message ID,Subject\na@x,", true, true) + std::string("\x3d\xd8\x00\xde", 4) +
                    std::string("\x3d\xd8", 2);
  CHECK(traced(odd)->rows.at(0).subject == "\U0001F600\ufffd");
}

TEST_CASE("columns can be named, and a file that is not a trace is refused with the line") {
  TraceOptions options;
  options.columns = {{"id", "Ref"}, {"time", "When"}};
  const auto read = traced("When,Ref\n2026-10-01 14:05,a@x\n", options);
  REQUIRE(read);
  CHECK(read->rows.at(0).message_id == "a@x");
  CHECK(rfc3339(*read->rows.at(0).time) == "2026-10-01T14:05:00Z");
  const auto fails = [](const Result<Traced>& result, const std::string& with) {
    REQUIRE_FALSE(result);
    CHECK(result.error().code() == Code::BadInput);
    CHECK_THAT(result.error().text(), Catch::Matchers::Contains(with));
  };
  fails(traced("When,Reference\n", options), "`Ref`");
  fails(traced("a,b\nc,d\n"), "no column with the Message-ID");
  fails(traced(""), "empty");
  fails(traced("Message ID,Subject\na@x,\"open\nb@x,\n"), "line 2: a quoted field does not end");
  fails(traced("Message ID\n\"" + std::string((1 << 20) + 10, 'x')), "longer than 1 MiB");
  const auto without = traced("Message ID,Sender\n,s@x\n<>,s@x\n\na@x,\n");
  REQUIRE(without);
  CHECK(without->facts.without_id == 2);
  CHECK(without->rows.size() == 1);
}

TEST_CASE("a log of Postfix is read") {
  TraceOptions options;
  options.now = parse_time("2027-01-02").value();
  options.zone = 3600;
  const auto read = traced(
      "Dec 31 23:30:00 mx postfix/cleanup[1]: 4XyZ: message-id=<a@x>\n"
      "Dec 31 23:30:00 mx postfix/qmgr[2]: 4XyZ: from=<s@x>, size=12, nrcpt=2 (queue active)\n"
      "Dec 31 23:30:01 mx postfix/smtp[3]: 4XyZ: to=<r@x>, orig_to=<o@x>, relay=a[192.0.2.1]:25, dsn=2.0.0, "
      "status=sent (250 "
      "ok)\n"
      "Dec 31 23:30:01 mx postfix/smtp[3]: 4XyZ: to=<q@x>, relay=none, dsn=5.0.0, status=bounced (no)\n"
      "Dec 31 23:30:01 mx postfix/qmgr[2]: 4XyZ: removed\n"
      "2026-12-01T00:00:00+00:00 mx postfix-out/cleanup[1]: 4Abc: message-id=<b@x>\n"
      "Jan  1 00:00:00 mx dovecot: something else\n",
      options);
  REQUIRE(read);
  REQUIRE(read->rows.size() == 3);
  CHECK(read->rows[0].message_id == "a@x");
  CHECK(read->rows[0].sender == "s@x");
  CHECK(read->rows[0].recipient == "r@x");
  CHECK(read->rows[0].status == "sent");
  CHECK(rfc3339(*read->rows[0].time) == "2026-12-31T22:30:00Z");
  CHECK(read->rows[1].recipient == "q@x");
  CHECK(read->rows[1].status == "bounced");
  // Still in the queue at the end.
  CHECK(read->rows[2].message_id == "b@x");
  CHECK(read->rows[2].recipient == "");
  // A queue id comes again before the log tells the end of the mail that had it.
  const auto again = traced(
      "Dec 31 23:30:00 mx postfix/cleanup[1]: 4XyZ: message-id=<a@x>\n"
      "Dec 31 23:31:00 mx postfix/cleanup[1]: 4XyZ: message-id=<b@x>\n",
      options);
  REQUIRE(again);
  REQUIRE(again->rows.size() == 2);
  CHECK(again->rows[0].message_id == "a@x");
  CHECK(again->rows[1].message_id == "b@x");
  const auto without = traced("Dec 31 23:30:00 mx postfix/smtp[3]: 4XyZ: to=<r@x>, status=sent (250 ok)\n");
  REQUIRE_FALSE(without);
  CHECK(without.error().code() == Code::BadInput);
  CHECK_THAT(without.error().text(), Catch::Matchers::Contains("no Message-ID in this log"));
}

TEST_CASE("times of traces are read in their zone") {
  TraceOptions east;
  east.zone = 2 * 3600;
  TraceOptions day_first;
  day_first.dates = DateOrder::DayFirst;
  CHECK(time_in("2026-10-01T14:05:06Z", east) == "2026-10-01T14:05:06Z");
  CHECK(time_in("2026-10-01T14:05:06+02:00") == "2026-10-01T12:05:06Z");
  CHECK(time_in("2026-10-01 14:05:06 +0200") == "2026-10-01T12:05:06Z");
  CHECK(time_in("2026-10-01 14:05", east) == "2026-10-01T12:05:00Z");
  CHECK(time_in("2026/10/01 14:05:06 GMT", east) == "2026-10-01T14:05:06Z");
  CHECK(time_in("10/1/2026 2:05:06 PM") == "2026-10-01T14:05:06Z");
  CHECK(time_in("10/1/2026 12:05:06 AM", day_first) == "2026-10-01T00:05:06Z");
  CHECK(time_in("10/01/2026 14:05:06") == "2026-10-01T14:05:06Z");
  CHECK(time_in("10/01/2026 14:05:06", day_first) == "2026-01-10T14:05:06Z");
  CHECK(time_in("1.10.2026 14:05") == "2026-10-01T14:05:00Z");
  CHECK(time_in("2026-10-01") == "2026-10-01T00:00:00Z");
  for (const char* wrong : {"", "yesterday", "2026-13-01", "13/13/2026 1:00", "2026-10-01 25:00",
                            "2026-10-01 14:05 CEST", "2026-10", "10/1/2026 13:00 PM", "0001-01-01 00:00"})
    CHECK(time_in(wrong) == "-");
}
