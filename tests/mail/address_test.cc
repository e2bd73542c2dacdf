#include "mail/address.h"

#include <catch2/catch.hpp>

namespace gw::mail {
namespace {

std::string form(std::string_view address) {
  const std::optional<Address> split = split_address(address);
  return split ? lookup_form(*split) : "none";
}

TEST_CASE("An address is split at the last @ outside quotes") {
  CHECK(split_address("a@b")->local == "a");
  CHECK(split_address("a@b")->domain == "b");
  CHECK(split_address("a@b@c")->local == "a@b");
  CHECK(split_address("\"x@y\"@z")->local == "\"x@y\"");
  CHECK(split_address("\"x\\\"@y\"@z")->domain == "z");
  CHECK(split_address("postmaster")->domain.empty());
  CHECK(split_address("a@[192.0.2.1]")->domain == "[192.0.2.1]");
}

TEST_CASE("An address without a local part is none") {
  CHECK_FALSE(split_address(""));
  CHECK_FALSE(split_address("@example.org"));
  CHECK_FALSE(split_address("\"\"@example.org"));
}

TEST_CASE("Lookups ignore case, tags and needless quotes") {
  CHECK(form("MBX-00@Example.ORG") == "mbx-00@example.org");
  CHECK(form("joe+tag+more@example.org") == "joe@example.org");
  CHECK(form("\"Joe\"@example.org") == "joe@example.org");
  CHECK(form("\"a\\b\"@x") == "ab@x");
  CHECK(form("+x@y") == "+x@y");
  CHECK(form("Joe") == "joe");
}

TEST_CASE("Names are of a small alphabet and bounded") {
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

TEST_CASE("A peer is in a block when its leading bits are the block's") {
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

TEST_CASE("An IPv4-mapped peer counts as IPv4, and IPv6 blocks do not hold IPv4") {
  CHECK(in_block("::ffff:192.0.2.7", "192.0.2.0/24"));
  CHECK(in_block("192.0.2.7", "::ffff:192.0.2.0/120"));
  CHECK_FALSE(in_block("192.0.2.7", "::/0"));
  CHECK_FALSE(in_block("2001:db8::1", "0.0.0.0/0"));
}

TEST_CASE("What is no block is refused and holds nobody") {
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
