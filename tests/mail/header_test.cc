#include "mail/header.h"

#include <catch2/catch.hpp>

#include "support/cuts.h"

namespace gw::mail {
namespace {

struct Seen {
  std::string id;  // or `none`
  std::uint64_t size = 0;
  std::size_t fields = 0;
  bool truncated = false;
  bool operator==(const Seen&) const = default;
};

Seen walk(std::string_view mail, std::size_t cut, HeaderLimits limits = {}) {
  HeaderWalker walker({"Message-ID", "Subject"}, limits);
  test::in_pieces(mail, cut, [&](ByteView piece) { walker.write(piece); });
  walker.finish();
  const std::string* id = walker.field("message-id");
  return {id != nullptr ? *id : "none", walker.size(), walker.fields(), walker.truncated()};
}

// The result must be the same for every cut.
Seen walk_all(std::string_view mail, HeaderLimits limits = {}) {
  const Seen whole = walk(mail, std::max<std::size_t>(mail.size(), 1), limits);
  for (std::size_t cut = 1; cut < mail.size(); ++cut) {
    CAPTURE(cut);
    CHECK(walk(mail, cut, limits) == whole);
  }
  return whole;
}

TEST_CASE("A field is found by name, in any case, and the header ends after the empty line") {
  CHECK(walk_all("From: a\r\nMESSAGE-id: <1@x>\r\n\r\nMessage-ID: <body@x>\r\n") == Seen{"<1@x>", 30, 2});
}

TEST_CASE("A folded value is unfolded") {
  CHECK(walk_all("Message-ID:\r\n <1@x>\r\n\t(c)\r\nTo: b\r\n\r\n").id == "<1@x>\t(c)");
}

TEST_CASE("If a field is repeated, the first one counts") {
  CHECK(walk_all("Message-ID: 1\r\nMessage-ID: 2\r\n more\r\n\r\n").id == "1");
}

TEST_CASE("Bare CR and LF end lines as in the wire form") {
  CHECK(walk_all("A: b\nMessage-ID: 1\n\nbody").size == 20);
  CHECK(walk_all("A: b\rMessage-ID: 1\r\rbody").id == "1");
}

TEST_CASE("CRs before an LF are one line ending, and CRs without an LF are one line ending each") {
  CHECK(walk_all("A: b\r\r\nMessage-ID: 1\r\r\n\r\r\nbody\r\r\n") == Seen{"1", 26, 2});
  CHECK(walk_all("A: b\r\r\r\r\nMessage-ID: 1\r\n\r\n").id == "1");
  CHECK(walk_all("A: b\r\rMessage-ID: 1\r\n") == Seen{"none", 6, 1});
  CHECK(walk_all("\r\rMessage-ID: 1\r\n") == Seen{"none", 1, 0});
}

TEST_CASE("A line that is not a field does not hide the fields after it") {
  for (const std::string odd : {"no field", "X Spam: no", "X-\xe4: 1", ">From - Mon Jan 26 17:20:56 2009",
                                ": x", "From x", "\xff\xfe"}) {
    CAPTURE(odd);
    CHECK(walk_all("A: b\r\n" + odd + "\r\nMessage-ID: 1\r\n\r\nbody").id == "1");
    CHECK(walk_all(odd + "\r\n folded\r\nMessage-ID: 1\r\n\r\nbody").id == "1");
  }
  CHECK(walk_all(" folded at the start\r\nMessage-ID: 1\r\n\r\nbody") == Seen{"1", 39, 1});
  CHECK(walk_all("Subject: a\rb\r\nMessage-ID: 1\r\n\r\n").id == "1");
  CHECK(walk_all("Message-ID: 1\r\nodd\r\n of the odd line\r\nA: b\r\n\r\n").id == "1");
}

TEST_CASE("Lines that are not fields and have no field after them are the body") {
  CHECK(walk_all("A: b\r\nno field\r\nnor this\r\n\r\nMessage-ID: 1\r\n") == Seen{"none", 6, 1});
  CHECK(walk_all("A: b\r\nno field") == Seen{"none", 6, 1});
  CHECK(walk_all("no header at all") == Seen{"none", 0, 0});
  HeaderLimits limits;
  limits.odd = 20;
  CHECK(walk_all("A: b\r\nlong enough\r\nto be the body\r\nMessage-ID: 1\r\n\r\n", limits) ==
        Seen{"none", 6, 1});
}

TEST_CASE("A byte order mark is not part of the first field's name") {
  CHECK(walk_all("\xef\xbb\xbfMessage-ID: 1\r\n\r\n") == Seen{"1", 20, 1});
  CHECK(walk_all("\xef\xbb\xbf\r\nMessage-ID: 1\r\n") == Seen{"none", 5, 0});
  CHECK(walk_all("A: b\r\n\xef\xbb\xbfMessage-ID: 1\r\n\r\n").id == "none");
}

TEST_CASE("Every field is visited in order, also a repeated one") {
  std::string seen;
  HeaderWalker walker = HeaderWalker::each([&](std::string_view name, std::string_view value) {
    seen.append(name).append("=").append(value).append(";");
  });
  walker.write(as_bytes("To: a\r\nodd\r\nTo : b,\r\n\tc \r\nCc:\r\n\r\nTo: d\r\n"));
  walker.finish();
  CHECK(seen == "To=a;To=b,\tc;Cc=;");
}

TEST_CASE("Lines that may precede the first field are recognised") {
  const auto lead = [](std::string_view mail) {
    HeaderWalker walker({});
    walker.write(as_bytes(mail));
    walker.finish();
    return walker.lead();
  };
  CHECK(lead("A: b\r\n\r\n") == 0);
  CHECK(lead("\xef\xbb\xbf"
             "A: b\r\n\r\n") == 3);
  CHECK(lead("From x\r\nA: b\r\n\r\n") == 8);
  CHECK(lead("\xef\xbb\xbf>From x\r\n y\r\nA: b\r\n c\r\n\r\n") == 16);
  CHECK(lead("odd\r\nFrom x\r\nA: b\r\n\r\n") == 0);
}

TEST_CASE("A header that ends at the end of the message is complete") {
  CHECK(walk_all("Message-ID: 1") == Seen{"1", 13, 1});
  CHECK(walk_all("Message-ID: 1\r") == Seen{"1", 14, 1});
  CHECK(walk_all("") == Seen{"none", 0, 0});
}

TEST_CASE("When a limit is reached the walk continues or ends, and reports it") {
  HeaderLimits limits;
  limits.value = 20;
  const Seen cut = walk_all("Message-ID: 123456789012345\r\n 1234567890123456\r\n\r\n", limits);
  CHECK(cut.truncated);
  CHECK(cut.id.size() <= 20);
  limits = {};
  limits.fields = 2;
  CHECK(walk_all("A: 1\r\nB: 2\r\nMessage-ID: 3\r\n\r\n", limits) == Seen{"none", 12, 2, true});
  limits = {};
  limits.size = 100;
  HeaderWalker walker({"X"}, limits);
  const std::string piece(64, 'x');
  for (int i = 0; i < 3; ++i) walker.write(as_bytes(piece));
  CHECK(walker.done());
  CHECK(walker.truncated());
}

}  // namespace
}  // namespace gw::mail
