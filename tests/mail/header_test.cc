#include "mail/header.h"

#include <catch2/catch.hpp>

#include "support/cuts.h"

namespace gw::mail {
namespace {

struct Seen {
  std::string id;  // or `none`
  std::uint64_t octets = 0;
  std::size_t fields = 0;
  bool truncated = false;
  bool operator==(const Seen&) const = default;
};

Seen walk(std::string_view mail, std::size_t cut, HeaderLimits limits = {}) {
  HeaderWalker walker({"Message-ID", "Subject"}, limits);
  test::in_pieces(mail, cut, [&](ByteView piece) { walker.write(piece); });
  walker.finish();
  const std::string* id = walker.field("message-id");
  return {id != nullptr ? *id : "none", walker.octets(), walker.fields(), walker.truncated()};
}

// At every cut the same.
Seen walk_all(std::string_view mail, HeaderLimits limits = {}) {
  const Seen whole = walk(mail, std::max<std::size_t>(mail.size(), 1), limits);
  for (std::size_t cut = 1; cut < mail.size(); ++cut) {
    CAPTURE(cut);
    CHECK(walk(mail, cut, limits) == whole);
  }
  return whole;
}

TEST_CASE("A field is found by name, in any case, and the header ends behind the empty line") {
  CHECK(walk_all("From: a\r\nMESSAGE-id: <1@x>\r\n\r\nMessage-ID: <body@x>\r\n") == Seen{"<1@x>", 30, 2});
}

TEST_CASE("A folded value is unfolded") {
  CHECK(walk_all("Message-ID:\r\n <1@x>\r\n\t(c)\r\nTo: b\r\n\r\n").id == "<1@x>\t(c)");
}

TEST_CASE("The first of several fields counts") {
  CHECK(walk_all("Message-ID: 1\r\nMessage-ID: 2\r\n more\r\n\r\n").id == "1");
}

TEST_CASE("Bare CR and LF end lines as they do in the wire form") {
  CHECK(walk_all("A: b\nMessage-ID: 1\n\nbody").octets == 20);
  CHECK(walk_all("A: b\rMessage-ID: 1\r\rbody").id == "1");
}

TEST_CASE("A line that is no field begins the body") {
  const Seen seen = walk_all("A: b\r\nno field\r\nMessage-ID: 1\r\n");
  CHECK(seen == Seen{"none", 6, 1});
  CHECK(walk_all("no header at all") == Seen{"none", 0, 0});
  CHECK(walk_all(" folded at the start\r\nMessage-ID: 1\r\n") == Seen{"none", 0, 0});
}

TEST_CASE("An mbox line in front is passed over") {
  CHECK(walk_all("From a@b Mon Jan 1\r\nMessage-ID: 1\r\n\r\n").id == "1");
  CHECK(walk_all("X: 1\r\nFrom a@b Mon Jan 1\r\nMessage-ID: 1\r\n\r\n").id == "none");
}

TEST_CASE("A header that the message ends in is whole") {
  CHECK(walk_all("Message-ID: 1") == Seen{"1", 13, 1});
  CHECK(walk_all("Message-ID: 1\r") == Seen{"1", 14, 1});
  CHECK(walk_all("") == Seen{"none", 0, 0});
}

TEST_CASE("Over a cap the walk goes on or ends, and says so") {
  HeaderLimits limits;
  limits.value = 20;
  const Seen cut = walk_all("Message-ID: 123456789012345\r\n 1234567890123456\r\n\r\n", limits);
  CHECK(cut.truncated);
  CHECK(cut.id.size() <= 20);
  limits = {};
  limits.fields = 2;
  CHECK(walk_all("A: 1\r\nB: 2\r\nMessage-ID: 3\r\n\r\n", limits) == Seen{"none", 12, 2, true});
  limits = {};
  limits.octets = 100;
  HeaderWalker walker({"X"}, limits);
  const std::string piece(64, 'x');
  for (int i = 0; i < 3; ++i) walker.write(as_bytes(piece));
  CHECK(walker.done());
  CHECK(walker.truncated());
}

}  // namespace
}  // namespace gw::mail
