#include "smtp/refusals.h"

#include <catch2/catch.hpp>
#include <set>

using namespace gw;
using namespace gw::smtp;

TEST_CASE("Enhanced code and code have the same class, and no name is used twice") {
  std::set<std::string_view> names;
  for (const RefusalRow& row : refusals()) {
    CAPTURE(row.name);
    CHECK(names.insert(row.name).second);
    CHECK(row.code >= 400);
    CHECK(row.enhanced.substr(0, 2) == std::to_string(row.code / 100) + ".");
    CHECK_FALSE(row.text.empty());
    CHECK(reply(row.refusal)
              .wire()
              .starts_with(std::to_string(row.code) + " " + std::string(row.enhanced) + " "));
  }
}

TEST_CASE("An internal error is never a 5xx") {
  for (int code = 0; code <= static_cast<int>(Code::Internal); ++code) {
    CAPTURE(name(static_cast<Code>(code)));
    CHECK(reply(refusal_for(static_cast<Code>(code))).temporary());
  }
  CHECK(refusal_for(Code::Full) == Refusal::DiskLow);
  CHECK(refusal_for(Code::OverQuota) == Refusal::OverQuota);
  CHECK(refusal_for(Code::Unknown) == Refusal::StoreTrouble);
}

TEST_CASE("A reply's lines have the code, and only printable ASCII") {
  Reply reply(250, "2.0.0", "first");
  reply.lines.push_back("se\r\ncond\xff");
  CHECK(reply.wire() == "250-2.0.0 first\r\n250 2.0.0 se??cond?\r\n");
  CHECK(Reply(354, "", "go").wire() == "354 go\r\n");
  CHECK(Reply(250, "2.0.0", std::string(1000, 'x')).wire().size() == 512);
}
