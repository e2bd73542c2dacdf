#include "vault/change_note.h"

#include <catch2/catch.hpp>

#include "base/text.h"
#include "store/leaf.h"

namespace gw::vault::test {

TEST_CASE("A change names its object, and old and new values") {
  Differences found;
  found.value("tls", "starttls", "starttls");
  CHECK(found.text().empty());
  found.value("upstream", "a.example:587", "b.example:587");
  found.value("pin", "", "00ff");
  found.list("logins", {"a", "b"}, {"b", "c"});
  found.list("clients", {"x", "y"}, {"y", "x"});
  found.plain("sender token changed");
  CHECK(change_note("gw-store", "route out", found.text()) ==
        "gw-store, route out: upstream a.example:587 -> b.example:587, pin none -> 00ff, logins +c -a, "
        "clients reordered, sender token changed");
}

TEST_CASE("A change that is long or holds control characters fits an entry of the history") {
  Differences found;
  std::vector<std::string> many;
  for (int i = 0; i < 1000; ++i) many.push_back("someone" + std::to_string(i) + "@example.com");
  found.list("aliases", {}, many);
  found.value("description", "", "\x1b[31m" + std::string(500, 'x'));
  CHECK(found.text().find("+997 more") != std::string::npos);
  std::string letters;
  for (int i = 0; i < 300; ++i) letters += "ü";
  const std::string note =
      change_note("console " + std::string(64, 'a') + " from 192.0.2.1", "mailbox m", found.text() + letters);
  CHECK(note.size() <= kMaxChangeNote);
  CHECK(valid_utf8(note));
  CHECK_FALSE(has_control(note));
  CHECK(note.ends_with("…"));
  // With the longest text that the keeper puts before it.
  CHECK(std::string("uid=4294967295(12345678901234567890123456789012) admin ").size() + kMaxChangeNote <=
        store::kMaxActor);
}

TEST_CASE("A value cannot look like another difference, and a long name leaves the change its place") {
  Differences found;
  found.value("description", "x", "x, require tls yes -> no");
  CHECK(found.text() == "description x -> x; require tls yes > no");
  const std::string note =
      change_note("console " + std::string(64, 'a') + " from 2001:db8:1111:2222:3333:4444:5555:6666",
                  "mailbox " + std::string(64, 'm'), "password changed");
  CHECK(note.ends_with("…: password changed"));
}

TEST_CASE("The actor of an entry is split into user, socket, program, object and change") {
  const Author author =
      read_author("uid=0(root) admin gw-store, route out: tls starttls -> none, pin a -> b");
  CHECK(author.uid == "0");
  CHECK(author.user == "root");
  CHECK(author.socket == "admin");
  CHECK(author.by == "gw-store");
  CHECK(author.object == "route out");
  CHECK(author.change == "tls starttls -> none, pin a -> b");
  CHECK(read_author("gw-store, vault: host a -> b").object == "vault");
  // A change that names no object.
  const Author rejected = read_author("push mx.example, rejected: 550 no such user");
  CHECK(rejected.object.empty());
  CHECK(rejected.change == "rejected: 550 no such user");
  // As an older version wrote it.
  const Author older = read_author("uid=991 append smtp 192.0.2.1");
  CHECK(older.uid == "991");
  CHECK(older.user.empty());
  CHECK(older.by == "smtp 192.0.2.1");
  CHECK(older.object.empty());
  CHECK(older.change.empty());
  for (const char* odd : {"", "uid=", "uid=1", "uid=1 admin", "test", ", ", "uid=(x) a b"})
    CHECK(read_author(odd).by.size() <= std::string_view(odd).size());
  CHECK(read_author("test").by == "test");
}

}  // namespace gw::vault::test
