#include "web/sessions.h"

#include <catch2/catch.hpp>

using namespace gw;
using namespace gw::web;
using namespace std::literals;

namespace {

struct Steered {
  BootClock::time_point time = BootClock::now();
  SessionPolicy policy() {
    SessionPolicy policy;
    policy.clock = [this] { return time; };
    return policy;
  }
};

vault::Account account(const std::string& name, vault::Role role = vault::Role::Viewer) {
  vault::Account account;
  account.name = name;
  account.role = role;
  return account;
}

}  // namespace

TEST_CASE("A session ends when it was not used for a while, and when it is old") {
  Steered clock;
  Sessions sessions(clock.policy());
  const std::string id = sessions.begin(account("anna"));
  CHECK(id.size() == 64);
  for (int i = 0; i < 51; ++i) {  // 12 hours and a little less than 14 minutes at a time
    clock.time += 14min;
    CHECK(sessions.find(id).has_value());
  }
  clock.time += 14min;
  CHECK_FALSE(sessions.find(id));
  const std::string other = sessions.begin(account("anna"));
  clock.time += 15min + 1s;
  CHECK_FALSE(sessions.find(other));
  CHECK(sessions.count() == 0);
}

TEST_CASE("A renewed session has a new id and a new token, and the old id is not valid") {
  Sessions sessions;
  const std::string id = sessions.begin(account("anna"));
  const std::string token = sessions.find(id)->csrf;
  const std::string fresh = sessions.renew(id, account("anna", vault::Role::Operator));
  CHECK_FALSE(sessions.find(id));
  REQUIRE(sessions.find(fresh));
  CHECK(sessions.find(fresh)->role == vault::Role::Operator);
  CHECK(sessions.find(fresh)->csrf != token);
  CHECK(sessions.renew("unknown", account("anna")).empty());
}

TEST_CASE("Sessions are bounded, in all and for each account") {
  Steered clock;
  SessionPolicy policy = clock.policy();
  policy.most = 5;
  policy.most_of_account = 2;
  Sessions sessions(policy);
  const std::string first = sessions.begin(account("anna"));
  clock.time += 1s;
  const std::string second = sessions.begin(account("anna"));
  clock.time += 1s;
  sessions.begin(account("anna"));
  CHECK_FALSE(sessions.find(first));
  CHECK(sessions.find(second));
  for (const char* name : {"b", "c", "d", "e"}) {
    clock.time += 1s;
    sessions.begin(account(name));
  }
  CHECK(sessions.count() == 5);
}

TEST_CASE("Signing out ends one session, a new password all of an account") {
  Sessions sessions;
  const std::string one = sessions.begin(account("anna"));
  const std::string two = sessions.begin(account("anna"));
  const std::string other = sessions.begin(account("bob"));
  sessions.end(one);
  CHECK_FALSE(sessions.find(one));
  CHECK(sessions.find(two));
  sessions.end_all("anna");
  CHECK_FALSE(sessions.find(two));
  CHECK(sessions.find(other));
}

TEST_CASE("A secret that waits for its confirmation is removed with the session") {
  Sessions sessions;
  const std::string id = sessions.begin(account("anna"));
  CHECK_FALSE(sessions.kept(id));
  sessions.keep(id, Secret(as_bytes("secret")));
  REQUIRE(sessions.kept(id));
  CHECK(sessions.kept(id)->text() == "secret");
  sessions.drop_kept(id);
  CHECK_FALSE(sessions.kept(id));
  sessions.keep("unknown", Secret(as_bytes("secret")));
  CHECK_FALSE(sessions.kept("unknown"));
}
