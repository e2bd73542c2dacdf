// Opened mailboxes end with their time, also if nobody asks for them.
#include "web/opened_mailboxes.h"

#include "support/await.h"
#include "web/browser.h"

using namespace gw;
using namespace gw::test;
using namespace std::literals;

namespace {

seal::KeyRing some_ring() {
  seal::KeyRing ring;
  ring.keys.push_back(seal::ring_key(1, seal::generate_key()));
  return ring;
}

}  // namespace

TEST_CASE("The keys of a mailbox are forgotten after their time, without a request") {
  std::atomic<std::int64_t> passed = 0;
  web::OpenedMailboxes open([&] { return BootClock::now() + std::chrono::seconds(passed.load()); }, 1ms);
  const auto mailbox = random_id<MailboxId>();
  open.open("session", mailbox, 1, some_ring());
  const auto found = open.find("session", mailbox, 1);
  REQUIRE(found);
  CHECK(found->left <= web::OpenedMailboxes::kLife);
  CHECK(found->left > 4min);
  CHECK_FALSE(open.find("another", mailbox, 1));
  CHECK_FALSE(open.find("session", random_id<MailboxId>(), 1));
  passed = 301;
  await("the keys to go", [&] { return open.count() == 0; });
  // A request that uses them still may.
  CHECK(found->ring->keys.size() == 1);
}

TEST_CASE("The oldest mailbox of a session, or of all, is closed for a new one") {
  web::OpenedMailboxes open;
  std::vector<MailboxId> all;
  for (std::size_t i = 0; i < web::OpenedMailboxes::kMaxCount + 4; ++i) {
    all.push_back(random_id<MailboxId>());
    open.open("session " + std::to_string(i / 4), all.back(), 1, some_ring());
  }
  CHECK(open.count() == web::OpenedMailboxes::kMaxCount);
  CHECK_FALSE(open.find("session 0", all[0], 1));
  open.open("session 5", random_id<MailboxId>(), 1, some_ring());
  CHECK_FALSE(open.find("session 5", all[20], 1));
  CHECK(open.find("session 5", all[23], 1));
  open.open("session 7", all[23], 1, some_ring());
  open.close_mailbox(all[23]);
  CHECK_FALSE(open.find("session 5", all[23], 1));
  CHECK_FALSE(open.find("session 7", all[23], 1));
  open.close_all("session 5");
  CHECK_FALSE(open.find("session 5", all[22], 1));
}

TEST_CASE("A mailbox whose record has changed since is not open any more") {
  web::OpenedMailboxes open;
  const auto mailbox = random_id<MailboxId>();
  open.open("session", mailbox, 7, some_ring());
  CHECK(open.find("session", mailbox, 7));
  CHECK_FALSE(open.find("session", mailbox, 8));
  CHECK(open.count() == 0);
}
