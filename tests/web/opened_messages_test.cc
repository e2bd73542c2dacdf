// Opened messages end with their time, also where nobody asks for them.
#include "web/opened_messages.h"

#include "support/await.h"
#include "web/browser.h"

using namespace gw;
using namespace gw::test;
using namespace std::literals;

namespace {

std::shared_ptr<web::OpenView> opened(ConsoleVault& vault, const store::MailboxRecord& mailbox) {
  const MessageId id = vault.deliver(mailbox, "Subject: x\r\n\r\nbody\r\n");
  const auto ring = vault::unlock(vault.store, mailbox, Secret(as_bytes(kConsolePassword)));
  REQUIRE(ring);
  const auto record = vault.store.find(mailbox.id, id);
  REQUIRE(record);
  auto message = vault::open_message(vault.store, *ring, *vault.store.vault_id(), mailbox.id, *record);
  REQUIRE(message);
  return std::make_shared<web::OpenView>(std::move(*message), *record);
}

}  // namespace

TEST_CASE("An opened message is forgotten after its time, without a request") {
  ConsoleVault vault;
  const store::MailboxRecord mailbox = vault.add_mailbox("journal");
  std::atomic<std::int64_t> passed = 0;
  web::OpenedMessages views([&] { return BootClock::now() + std::chrono::seconds(passed.load()); }, 1ms);
  const auto view = opened(vault, mailbox);
  views.open("session", mailbox.id, view);
  CHECK(views.find("session", mailbox.id, view->record.id) == view);
  CHECK(views.find("another", mailbox.id, view->record.id) == nullptr);
  CHECK(views.find("session", random_id<MailboxId>(), view->record.id) == nullptr);
  passed = 299;
  CHECK(views.count() == 1);
  passed = 301;
  await("the view to go", [&] { return views.count() == 0; });
  // A request that reads it still may: only then its key goes.
  CHECK(view->message.size() == 20);
}

TEST_CASE("The oldest message of a session, or of all, is closed for a new one") {
  ConsoleVault vault;
  const store::MailboxRecord mailbox = vault.add_mailbox("journal");
  web::OpenedMessages views;
  std::vector<std::shared_ptr<web::OpenView>> all;
  for (std::size_t i = 0; i < web::OpenedMessages::kMaxCount + 4; ++i) {
    all.push_back(opened(vault, mailbox));
    views.open("session " + std::to_string(i / 4), mailbox.id, all.back());
  }
  CHECK(views.count() == web::OpenedMessages::kMaxCount);
  CHECK(views.find("session 0", mailbox.id, all[0]->record.id) == nullptr);
  views.open("session 5", mailbox.id, opened(vault, mailbox));
  CHECK(views.find("session 5", mailbox.id, all[20]->record.id) == nullptr);
  CHECK(views.find("session 5", mailbox.id, all[23]->record.id) != nullptr);
  views.close("session 5", mailbox.id, all[23]->record.id);
  CHECK(views.find("session 5", mailbox.id, all[23]->record.id) == nullptr);
  views.close_all("session 6");
  CHECK(views.find("session 6", mailbox.id, all[24]->record.id) == nullptr);
}

TEST_CASE("An opened message is read by one request at a time, and no request waits for ever") {
  ConsoleVault vault;
  const auto view = opened(vault, vault.add_mailbox("journal"));
  std::optional<web::ReadLock> first(std::in_place, *view, 0ms);
  CHECK(*first);
  CHECK_FALSE(web::ReadLock(*view, 0ms));
  std::atomic<bool> waited = false;
  std::jthread second([&] {
    const web::ReadLock turn(*view, 1min);
    waited = static_cast<bool>(turn);
  });
  first.reset();
  second.join();
  CHECK(waited);
  CHECK(web::ReadLock(*view, 0ms));
}
