// Grace times across restarts, jumps of the clock and restored copies: only time during which a keeper
// has the vault open counts.
#include "local_vault.h"
#include "store/keys.h"
#include "store/local/engine.h"

namespace gw::store {
namespace {

using contract::deliver;
using contract::kDay;
using contract::kSecond;
using contract::Mail;

constexpr Micros kHour = 3600 * kSecond;

// A vault with a drained mail whose grace time is a day.
struct Drained {
  Drained() {
    auto store = vault.open();
    MailboxRecord record = contract::new_mailbox("journal");
    record.grace = 86'400;
    mailbox = contract::put(*store, record).id;
    REQUIRE(deliver(*store, mailbox, mail));
    REQUIRE(contract::move(*store, mailbox, {mail.id}, State::Live, State::Drained));
  }

  // Returns the number of hours that a keeper has the vault open before the mail is swept.
  int hours_left(Store& store) {
    for (int hours = 0; hours < 100; ++hours) {
      REQUIRE(store.sweep(10, false));
      if (!store.find(mailbox, mail.id)) return hours;
      vault.clocks->pass(kHour);
    }
    return -1;
  }

  LocalVault vault;
  MailboxId mailbox;
  Mail mail = contract::sealed_mail(3000);
};

TEST_CASE("a vault that was not open for long has aged by an hour, whatever the clock says") {
  Drained drained;
  drained.vault.clocks->wall += GENERATE(2 * kHour, 10 * kDay, 10'000 * kDay);
  const auto store = drained.vault.open();
  CHECK(drained.hours_left(*store) == 23);
}

TEST_CASE("a vault whose clock was put back meanwhile has not aged") {
  Drained drained;
  drained.vault.clocks->wall -= GENERATE(1, 100 * kDay);
  const auto store = drained.vault.open();
  CHECK(drained.hours_left(*store) == 24);
}

TEST_CASE("a clock that jumps ages nothing at later starts, whatever was written with the wrong time") {
  Drained drained;
  Micros jump = 30 * kDay;
  for (int start = 0; start < 3; ++start) {
    auto store = drained.vault.open();
    drained.vault.clocks->wall += jump;
    jump = -jump;
    REQUIRE(deliver(*store, drained.mailbox, contract::new_mail()));
    REQUIRE(store->sweep(10, false).value().expired == 0);
    drained.vault.kill(std::move(store));
  }
  CHECK(drained.hours_left(*drained.vault.open()) >= 22);
}

TEST_CASE("the sleep of a machine ages nothing by more than an hour") {
  Drained drained;
  const auto store = drained.vault.open();
  drained.vault.clocks->pass(20 * kDay);
  CHECK(drained.hours_left(*store) == 23);
}

TEST_CASE("a restored copy of the vault goes on with the age that it had when it was made") {
  Drained drained;
  const std::string copy = drained.vault.options.path + "-copy";
  fs::copy(drained.vault.options.path, copy, fs::copy_options::recursive);
  {
    const auto store = drained.vault.open();
    CHECK(drained.hours_left(*store) == 24);
  }
  fs::remove_all(drained.vault.options.path);
  fs::rename(copy, drained.vault.options.path);
  {
    // The time of the restore, which gw-store restore records.
    const auto store = drained.vault.open();
    Leaf leaf;
    leaf.type = LeafType::Setting;
    REQUIRE(store->note({}, leaf));
  }
  const auto store = drained.vault.open();
  REQUIRE(store->find(drained.mailbox, drained.mail.id));
  CHECK(drained.hours_left(*store) >= 22);
}

TEST_CASE("a keeper that ends and starts often loses little of the time that it counted") {
  Drained drained;
  int starts = 0;
  for (; starts < 1000; ++starts) {
    const auto store = drained.vault.open();
    REQUIRE(store->sweep(10, false));
    if (!store->find(drained.mailbox, drained.mail.id)) break;
    drained.vault.clocks->pass(kHour / 4);  // a quarter of an hour with it, a quarter without
    REQUIRE(store->sweep(10, false));
    drained.vault.clocks->pass(kHour / 4);
  }
  CHECK(starts >= 48);
  CHECK(starts <= 60);
}

TEST_CASE("a removal record outlives a jump of the clock, and a time without a keeper") {
  Drained drained;
  drained.vault.options.most_unseen = std::chrono::hours(24);
  {
    const auto store = drained.vault.open();
    drained.vault.clocks->pass(kDay);
    REQUIRE(store->sweep(10, false).value().expired == 1);
  }
  drained.vault.clocks->wall += 1000 * kDay;
  const auto store = drained.vault.open();
  const auto receipts = [&] { return store->removal_records(drained.mailbox, {}, 10).value().size(); };
  for (int days = 1; days < 90; ++days) {
    REQUIRE(store->sweep(10, false).value().receipts == 0);
    REQUIRE(receipts() == 1);
    drained.vault.clocks->pass(kDay);
  }
  CHECK(store->sweep(10, false).value().receipts == 1);
  CHECK(receipts() == 0);
}

// A vault of a version that recorded no kept time, and one that salvage has written.
TEST_CASE("what was drained without a kept time has its complete grace time again") {
  Drained drained;
  {
    auto engine = Engine::open(drained.vault.options.path + "/db", Engine::Mode::ReadWrite, 1 << 20);
    REQUIRE(engine);
    rocksdb::WriteBatch batch;
    std::size_t entries = 0;
    REQUIRE((*engine)->scan(Family::Messages, Key('d'), after(Key('d')), [&](ByteView key, ByteView) {
      batch.Put((*engine)->family(Family::Messages), slice(key), "");
      ++entries;
      return true;
    }));
    REQUIRE(entries == 1);
    if (GENERATE(true, false)) batch.Delete((*engine)->family(Family::Heads), slice(kept_key()));
    REQUIRE((*engine)->write(batch));
  }
  drained.vault.clocks->wall += 100 * kDay;
  {
    const auto store = drained.vault.open();
    CHECK(store->sweep(10, false).value().expired == 0);
  }
  const auto store = drained.vault.open();
  CHECK(drained.hours_left(*store) == 24);
}

}  // namespace
}  // namespace gw::store
