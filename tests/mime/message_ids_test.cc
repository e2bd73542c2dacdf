#include "mime/message_ids.h"

#include <catch2/catch.hpp>

#include "base/file.h"
#include "support/source_dir.h"

using namespace gw;

namespace {

mime::MessageIds ids_in(std::string_view mail, bool whole = true) {
  mime::MemorySource source(as_bytes(mail));
  auto ids = mime::read_message_ids(source, whole);
  REQUIRE(ids);
  return std::move(*ids);
}

using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE("a Message-ID has one form, however it is written") {
  for (const char* text : {"<a@b>", " <a@b> ", "a@b", "\ta@b\r\n", "<a@b> (comment)", "< a@b >"})
    CHECK(mime::comparable_message_id(text) == "a@b");
  CHECK(mime::comparable_message_id("") == "");
  CHECK(mime::comparable_message_id("<>") == "");
  // Parts of it are compared as they are.
  CHECK(mime::comparable_message_id("<A@b>") == "A@b");
  // Logs are UTF-8, and the ids in them have been made valid.
  CHECK(mime::comparable_message_id("<a\xff@b>") == "a\ufffd@b");
  CHECK(ids_in("Message-ID: <a\xff@b>\r\n\r\n").ids == Ids{"a\ufffd@b"});
}

TEST_CASE("the Message-IDs of a mail are its own and those of the mails in its journal reports") {
  CHECK(ids_in("Message-ID: <a@b>\r\n\r\nMessage-ID: <other@b>\r\n").ids == Ids{"a@b"});
  CHECK(ids_in("Message-ID:\r\n <a@b>\r\n\r\n").ids == Ids{"a@b"});
  CHECK(ids_in("Subject: none\r\n\r\n").ids.empty());
  CHECK(ids_in("Subject: none\r\n\r\n").complete);
  const auto report = read_file(gw::test::source_dir() + "/tests/corpus/01-basic-to-cc-bcc.eml");
  REQUIRE(report);
  CHECK(ids_in(*report).ids ==
        Ids{"8329d384-88fa-2e61-9626-b529e4447a7b@journal.report.generator", "7d1c0a55@mail.example.com"});
  CHECK(ids_in(*report).complete);
  // A mail that returns or quotes another one is not that one.
  CHECK(
      ids_in("Message-ID: <a@b>\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <inner@b>\r\n\r\n").ids ==
      Ids{"a@b"});
}

TEST_CASE("the start of a mail tells whether its Message-IDs are complete") {
  CHECK(ids_in("Message-ID: <a@b>\r\n\r\nbody", false).complete);
  CHECK_FALSE(ids_in("Message-ID: <a@b", false).complete);
  // The header goes on after the start, which ends within a name, a value or a line ending.
  for (const char* start : {"A: b\r\nMessage-I", "A: b\r\nMessage-ID", "A: b\r\nno field\r\n", "A: b\r\n",
                            "A: b\r", "A: b\r\r", "A: b\r\nno field\r\r", ""})
    CHECK_FALSE(ids_in(start, false).complete);
  CHECK(ids_in("A: b\r\n\r\n", false).complete);
  CHECK(ids_in("A: b\r\nno field\r\n\r\n", false).complete);
  // The header has more fields than are read.
  std::string fields;
  for (int i = 0; i < 10'000; ++i) fields += "A:\r\n";
  for (const bool whole : {false, true})
    CHECK_FALSE(ids_in(fields + "Message-ID: <a@b>\r\n\r\nbody", whole).complete);
  const auto report = read_file(gw::test::source_dir() + "/tests/corpus/01-basic-to-cc-bcc.eml");
  REQUIRE(report);
  const std::string_view mail = *report;
  const std::size_t text = mail.find("Message-Id: <7d1c");
  const std::size_t inner = mail.find("Message-ID: <7d1c");
  const std::size_t ended = mail.find("\n", inner) + 1;
  REQUIRE(text < inner);
  for (const std::size_t cut : {text, text + 20, inner, inner + 18})
    CHECK_FALSE(ids_in(mail.substr(0, cut), false).complete);
  CHECK(ids_in(mail.substr(0, ended), false).complete);
  CHECK(ids_in(mail.substr(0, ended), false).ids == ids_in(mail).ids);
}

TEST_CASE("the start of a delivery report is never complete, because several reports may be attached") {
  const auto report = read_file(gw::test::source_dir() + "/tests/corpus/01-basic-to-cc-bcc.eml");
  REQUIRE(report);
  const std::string attached = "--o\r\nContent-Type: message/rfc822\r\n\r\n" + *report + "\r\n";
  const std::string start =
      "Message-ID: <a@b>\r\nContent-Type: multipart/report; boundary=o\r\n\r\n" + attached;
  CHECK(ids_in(start + "--o--\r\n").complete);
  CHECK_FALSE(ids_in(start, false).complete);
}
