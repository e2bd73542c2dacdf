#include <catch2/catch.hpp>

#include "store/rados/place.h"

namespace gw::store {
namespace {

const std::string kId = "0123456789abcdef0123456789abcdef";

TEST_CASE("a place in a Ceph cluster is read and printed") {
  const auto parsed = parse_rados_place("rados:gw-meta,gw_data.2@/etc/ceph/ceph.conf?user=mail&vault=" + kId);
  REQUIRE(parsed);
  CHECK(parsed->meta_pool == "gw-meta");
  CHECK(parsed->data_pool == "gw_data.2");
  CHECK(parsed->conf == "/etc/ceph/ceph.conf");
  CHECK(parsed->user == "mail");
  CHECK(parsed->vault == VaultId::parse(kId));

  const auto shortest = parse_rados_place("rados:gw@/c");
  REQUIRE(shortest);
  CHECK(*shortest == RadosPlace{"gw", "gw", "/c"});
  CHECK(shortest->user == "gw");
  CHECK_FALSE(shortest->vault);
}

TEST_CASE("the printed place is the shortest, and is read as the same") {
  const std::pair<std::string, std::string> texts[] = {
      {"rados:a@/c", "rados:a@/c"},
      {"rados:a,a@/c", "rados:a@/c"},
      {"rados:a,b@/c", "rados:a,b@/c"},
      {"rados:a@/c@d/e,f", "rados:a@/c@d/e,f"},
      {"rados:a@/c?user=gw", "rados:a@/c"},
      {"rados:a@/c?user=gw2", "rados:a@/c?user=gw2"},
      {"rados:a@/c?vault=" + kId, "rados:a@/c?vault=" + kId},
      {"rados:a@/c?vault=0123456789ABCDEF0123456789abcdef&user=x", "rados:a@/c?user=x&vault=" + kId},
  };
  for (const auto& [text, shortest] : texts) {
    INFO(text);
    const auto parsed = parse_rados_place(text);
    REQUIRE(parsed);
    CHECK(print(*parsed) == shortest);
    CHECK(parse_rados_place(shortest).value() == *parsed);
  }
}

TEST_CASE("a text that is not a place in a Ceph cluster is refused with the reason") {
  const std::pair<std::string, std::string> texts[] = {
      {"", "rados:"},
      {"/var/lib/gw", "rados:"},
      {"RADOS:a@/c", "rados:"},
      {"rados:", "`@`"},
      {"rados:a", "`@`"},
      {"rados:@/c", "the name of a pool"},
      {"rados:a,@/c", "the name of a pool"},
      {"rados:,a@/c", "the name of a pool"},
      {"rados:a,b,c@/c", "the name of a pool"},
      {"rados:a b@/c", "the name of a pool"},
      {"rados:a/b@/c", "the name of a pool"},
      {"rados:a@", "absolute path"},
      {"rados:a@c", "absolute path"},
      {"rados:a@?user=x", "absolute path"},
      {"rados:a@/c\n", "absolute path"},
      {"rados:a@/c?", "`` is not"},
      {"rados:a@/c?user=x&", "`` is not"},
      {"rados:a@/c?pool=x", "`pool` is not"},
      {"rados:a@/c?User=x", "`User` is not"},
      {"rados:a@/c?user", "`user` needs"},
      {"rados:a@/c?user=", "`user` needs"},
      {"rados:a@/c?user=a=b", "`user` needs"},
      {"rados:a@/c?user=x&user=x", "`user` needs"},
      {"rados:a@/c?vault=", "`vault` needs"},
      {"rados:a@/c?vault=" + kId + "0", "`vault` needs"},
      {"rados:a@/c?vault=" + kId + "&vault=" + kId, "`vault` needs"},
      {"rados:a@/c?user=x?vault=" + kId, "`user` needs"},
  };
  for (const auto& [text, why] : texts) {
    INFO(text);
    const auto parsed = parse_rados_place(text);
    REQUIRE_FALSE(parsed);
    INFO(parsed.error().text());
    CHECK(parsed.error().code() == Code::Usage);
    CHECK(parsed.error().text().find(why) != std::string::npos);
  }
  CHECK(is_rados_place("rados:"));
  CHECK_FALSE(is_rados_place("/rados:"));
}

}  // namespace
}  // namespace gw::store
