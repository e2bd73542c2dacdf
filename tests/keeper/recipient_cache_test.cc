// What a client has looked up counts only as long as it holds.
#include "keeper/recipient_cache.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/log.h"
#include "keeper/change_counter.h"
#include "keeper/linked.h"
#include "support/store_contract.h"

namespace gw::keeper::test {
namespace {

namespace contract = gw::store::contract;
using store::Lookup;

struct Fixture {
  Link link{store::make_memory_store({})};
  std::unique_ptr<store::Store> admin = link.connect();
  std::unique_ptr<store::Store> receiver = link.connect(Role::Append);
  store::MailboxRecord mailbox = contract::new_mailbox("journal");

  Fixture() {
    log::open("test", log::Target::Nowhere);
    mailbox.aliases = {"archive@example.com"};
    mailbox = contract::put(*admin, mailbox);
  }
  Result<store::Recipient> look(std::string_view address = "archive@example.com") {
    return receiver->resolve(address, Lookup::Recipient);
  }
};

TEST_CASE_METHOD(Fixture, "a recipient is looked up once as long as no record changes") {
  // Behind the keeper's back, so only who asks would see it. A second may pass, then it is asked; not always.
  const auto asks = [&] {
    REQUIRE(look());
    const bool tls = !mailbox.require_tls;
    mailbox.require_tls = tls;
    mailbox = contract::put(*link.store, mailbox);
    REQUIRE(look());
    return look()->mailbox.require_tls == tls;
  };
  int asked = 0;
  while (asked < 10 && asks()) ++asked;
  CHECK(asked < 10);
}

TEST_CASE_METHOD(Fixture, "a change by any client takes effect with the next lookup") {
  REQUIRE(look());
  mailbox.status = store::Status::Suspended;
  mailbox = contract::put(*admin, mailbox);
  REQUIRE(look());
  CHECK(look()->mailbox.status == store::Status::Suspended);

  store::MailboxRecord other = contract::new_mailbox("other");
  mailbox.aliases = {};
  mailbox = contract::put(*admin, mailbox);
  CHECK(look().error().code() == Code::NotFound);
  other.aliases = {"archive@example.com"};
  other = contract::put(*admin, other);
  REQUIRE(look());
  CHECK(look()->mailbox.id == other.id);
  other.status = store::Status::Suspended;
  other = contract::put(*admin, other);
  REQUIRE(admin->remove_mailbox(other.id, "test"));
  CHECK(look().error().code() == Code::NotFound);
}

TEST_CASE_METHOD(Fixture, "an address that is closer than a domain takes effect immediately") {
  mailbox.aliases = {};
  mailbox.domains = {"example.com"};
  mailbox = contract::put(*admin, mailbox);
  REQUIRE(look()->mailbox.id == mailbox.id);
  store::MailboxRecord closer = contract::new_mailbox("closer");
  closer.aliases = {"archive@example.com"};
  closer = contract::put(*admin, closer);
  CHECK(look()->mailbox.id == closer.id);
}

TEST_CASE_METHOD(Fixture, "facts that depend on the content of a mailbox are read each time") {
  mailbox.quota = 1 << 20;
  mailbox = contract::put(*admin, mailbox);
  std::uint64_t room = look()->room;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(contract::deliver(*link.store, mailbox.id, contract::new_mail(5000)));
    const std::uint64_t left = look()->room;
    CHECK(left < room);
    room = left;
  }
}

TEST_CASE_METHOD(Fixture, "the cache is empty after the keeper has ended") {
  REQUIRE(look());
  REQUIRE(look());
  link.end();
  CHECK(look().error().code() == Code::Unavailable);
  // What changes while the client is not connected.
  mailbox.status = store::Status::Suspended;
  contract::put(*link.store, mailbox);
  link.start_again();
  REQUIRE(look());
  CHECK(look()->mailbox.status == store::Status::Suspended);
}

TEST_CASE("a client can read the number of changes and not write to it") {
  auto count = ChangeCounter::make();
  REQUIRE(count);
  const Fd memory(::fcntl(count->descriptor(), F_DUPFD_CLOEXEC, 0));
  auto view = ChangeCounterView::map(memory);
  REQUIRE(view);
  const std::uint64_t before = (*view)->now();
  count->grow();
  CHECK((*view)->now() == before + 1);

  CHECK(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0) == MAP_FAILED);
  CHECK(::write(memory.get(), "x", 1) < 0);
  CHECK(::ftruncate(memory.get(), 0) < 0);
}

TEST_CASE("memory that could shrink is not accepted as that of the keeper") {
  const Fd memory(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  REQUIRE(::ftruncate(memory.get(), 4096) == 0);
  CHECK_FALSE(ChangeCounterView::map(memory));
  CHECK_FALSE(ChangeCounterView::map(Fd()));
}

}  // namespace
}  // namespace gw::keeper::test
