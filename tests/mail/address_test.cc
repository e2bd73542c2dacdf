#include "mail/address.h"

#include <catch2/catch.hpp>

namespace gw::mail {
namespace {

TEST_CASE("An address is split at the last @ outside quotes") {
  CHECK(split_address("a@b")->local == "a");
  CHECK(split_address("a@b")->domain == "b");
  CHECK(split_address("a@b@c")->local == "a@b");
  CHECK(split_address("\"x@y\"@z")->local == "\"x@y\"");
  CHECK(split_address("\"x\\\"@y\"@z")->domain == "z");
  CHECK(split_address("postmaster")->domain.empty());
  CHECK(split_address("a@[192.0.2.1]")->domain == "[192.0.2.1]");
}

TEST_CASE("A text without a local part is not an address") {
  CHECK_FALSE(split_address(""));
  CHECK_FALSE(split_address("@example.org"));
  CHECK_FALSE(split_address("\"\"@example.org"));
}

TEST_CASE("All spellings of one address have the same comparable form") {
  CHECK(comparable("MBX-00@Example.ORG") == "mbx-00@example.org");
  for (const std::string_view bob :
       {"bob@example.org", "BOB@Example.ORG", "\"bob\"@example.org", "\"b\\o\\b\"@example.org",
        "bob (Bob) @ example.org", "(x(y))bob@(z)example.org", "bob@example.org.", " bob@\texample.org "}) {
    CAPTURE(bob);
    CHECK(comparable(bob) == "bob@example.org");
  }
  CHECK(comparable("\"ann\".smith@x") == "ann.smith@x");
  CHECK(comparable("\"a b\"@x") == "a b@x");
  CHECK(comparable("\"a@b\"@x") == "a@b@x");
  CHECK(comparable("a+tag@x") == "a+tag@x");
  CHECK(comparable("Joe") == "joe");
  CHECK(comparable("a@[IPv6:2001:DB8::1]") == "a@[ipv6:2001:db8::1]");
}

TEST_CASE("Letters outside ASCII are compared by character, not by their encoding") {
  const std::string composed = "j\xc3\xbcrgen@x";
  CHECK(comparable("ju\xcc\x88rgen@x") == composed);
  CHECK(comparable("J\xc3\x9cRGEN@x") == composed);
  CHECK(comparable("JU\xcc\x88RGEN@x") == composed);
  CHECK(comparable("gro\xc3\x9f@x") != comparable("gross@x"));
  CHECK(comparable("J\xfcRGEN@x") == "j\xfcrgen@x");
}

TEST_CASE("Domains are compared by their A-labels") {
  for (const std::string_view domain :
       {"xn--mller-kva.example", "XN--Mller-KVA.Example", "m\xc3\xbcller.example", "M\xc3\x9cLLER.EXAMPLE",
        "mu\xcc\x88ller.example",
        "m\xc3\xbcller\xe3\x80\x82"
        "example"}) {
    CAPTURE(domain);
    CHECK(comparable_domain(domain) == "xn--mller-kva.example");
    CHECK(comparable("a@" + std::string(domain)) == "a@xn--mller-kva.example");
  }
  CHECK(comparable_domain("under_score.example") == "under_score.example");
  CHECK(comparable_domain("\xff.Example") == "\xff.example");
  CHECK(comparable_domain(std::string(5000, 'a') + "\xc3\xbc").size() == 5002);
}

TEST_CASE("A text that is not an address has no comparable form") {
  for (const std::string_view none : {"", "@", "@example.org", "a@", "\"\"@x", "(c)@x", "\"a@b\""}) {
    CAPTURE(none);
    CHECK(comparable(none).empty());
  }
  CHECK(comparable("a\"b@x") == "a\"b@x");
  CHECK(comparable("a(b@x") == "a(b@x");
}

TEST_CASE("A tag ends the local part") {
  CHECK(without_tag("joe+tag+more@example.org") == "joe@example.org");
  CHECK(without_tag("joe+tag") == "joe");
  CHECK(without_tag("+x@y+z") == "+x@y+z");
  CHECK(without_tag("joe@y") == "joe@y");
}

TEST_CASE("Every address in a text is found, however it is written") {
  const auto found = [](std::string_view text) {
    std::string all;
    each_address(text, [&](const std::string& address) { all += address + ";"; });
    return all;
  };
  CHECK(found("Ann <a@x>, \"B, b@no\" <b@y> (c@no), d@z") == "a@x;b@y;d@z;");
  CHECK(found("bob (Bob) @ example.org") == "bob@example.org;");
  CHECK(found("\"ann\" . smith @ x . (c) example") == "ann.smith@x.example;");
  CHECK(found("group: a@x, b@y;") == "a@x;b@y;");
  CHECK(found("<@relay,@other:a@x>") == "a@x;");
  CHECK(found("a@[192.0.2.1], b@[") == "a@[192.0.2.1];b@[;");
  CHECK(found("Ann B\xc3\x84R b\xc3\x84r@b\xc3\x84r.example") == "b\xc3\xa4r@xn--br-via.example;");
  for (const std::string_view odd :
       {"", "@", "a@", "@x", "a@@b", "\"a@b", "(a@b", "<>", "\\", "[", "\"", "("})
    found(odd);
  found(std::string(100'000, '(') + std::string(100'000, '"') + std::string(100'000, '@'));
}

TEST_CASE("Names use a small alphabet and have a maximum length") {
  CHECK(valid_name("journal-2026_a.b"));
  CHECK(valid_name(std::string(64, 'a')));
  CHECK_FALSE(valid_name(std::string(65, 'a')));
  CHECK_FALSE(valid_name(""));
  CHECK_FALSE(valid_name("Journal"));
  CHECK_FALSE(valid_name("a b"));
  CHECK_FALSE(valid_name("a/b"));
}

TEST_CASE("Aliases are plain addresses") {
  CHECK(valid_alias("journal@example.org"));
  CHECK(valid_alias("a.b-c@localhost"));
  CHECK(valid_alias("m\xc3\xbcller@example.org"));
  CHECK_FALSE(valid_alias("m\xfcller@example.org"));
  CHECK_FALSE(valid_alias("journal"));
  CHECK_FALSE(valid_alias("@example.org"));
  CHECK_FALSE(valid_alias("a@"));
  CHECK_FALSE(valid_alias("a..b@example.org"));
  CHECK_FALSE(valid_alias(".a@example.org"));
  CHECK_FALSE(valid_alias("a+tag@example.org"));
  CHECK_FALSE(valid_alias("a b@example.org"));
  CHECK_FALSE(valid_alias("\"a\"@example.org"));
  CHECK_FALSE(valid_alias("a\r\n@example.org"));
  CHECK_FALSE(valid_alias(std::string(65, 'a') + "@example.org"));
}

TEST_CASE("Domains have labels of letters, digits and hyphens") {
  CHECK(valid_domain("example.org"));
  CHECK(valid_domain("xn--mller-kva.example"));
  CHECK_FALSE(valid_domain(""));
  CHECK_FALSE(valid_domain("example..org"));
  CHECK_FALSE(valid_domain("example.org."));
  CHECK_FALSE(valid_domain("-a.org"));
  CHECK_FALSE(valid_domain("a-.org"));
  CHECK_FALSE(valid_domain("[192.0.2.1]"));
  CHECK_FALSE(valid_domain(std::string(64, 'a') + ".org"));
}

TEST_CASE("A peer is in a block if its leading bits are those of the block") {
  CHECK(in_block("192.0.2.7", "192.0.2.0/24"));
  CHECK_FALSE(in_block("192.0.3.7", "192.0.2.0/24"));
  CHECK(in_block("192.0.2.7", "192.0.2.7"));
  CHECK_FALSE(in_block("192.0.2.8", "192.0.2.7"));
  CHECK(in_block("10.127.0.1", "10.64.0.0/10"));
  CHECK_FALSE(in_block("10.128.0.1", "10.64.0.0/10"));
  CHECK(in_block("203.0.113.9", "0.0.0.0/0"));
  CHECK(in_block("2001:db8:1::9", "2001:db8::/32"));
  CHECK_FALSE(in_block("2001:db9::9", "2001:db8::/32"));
  CHECK(in_block("fe80::1%eth0", "fe80::/10"));
}

TEST_CASE("An IPv4-mapped peer counts as IPv4, and IPv6 blocks contain no IPv4 peer") {
  CHECK(in_block("::ffff:192.0.2.7", "192.0.2.0/24"));
  CHECK(in_block("192.0.2.7", "::ffff:192.0.2.0/120"));
  CHECK_FALSE(in_block("192.0.2.7", "::/0"));
  CHECK_FALSE(in_block("2001:db8::1", "0.0.0.0/0"));
}

TEST_CASE("A text that is not a block is refused and contains no peer") {
  for (const char* bad :
       {"", "/", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2/24", "2001:db8::/129", "x/8",
        "192.0.2.0/24/8", "192.0.2.0/ 8", "fe80::1%eth0/64", "192.0.2.0/0024"}) {
    CAPTURE(bad);
    CHECK_FALSE(valid_block(bad));
    CHECK_FALSE(in_block("192.0.2.1", bad));
  }
  CHECK_FALSE(in_block("unix", "0.0.0.0/0"));
  CHECK_FALSE(in_block("", "0.0.0.0/0"));
}

}  // namespace
}  // namespace gw::mail
