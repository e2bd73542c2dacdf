// After a purge no file of the vault contains what was removed or replaced: the tests search for its bytes.
#include <optional>
#include <sstream>

#include "local_vault.h"

namespace gw::store {
namespace {

using contract::deliver;
using contract::Mail;

// Returns the names of the files of the vault that contain these bytes; nullopt if a file vanished during
// the walk, because its content may be in a file that was created meanwhile.
std::optional<std::vector<std::string>> walk(const LocalVault& vault, ByteView data) {
  std::vector<std::string> names;
  std::error_code error;
  const fs::recursive_directory_iterator end;
  for (fs::recursive_directory_iterator at(vault.options.path, error); !error && at != end;
       at.increment(error)) {
    if (at->is_directory(error) || error) continue;
    std::ifstream file(at->path(), std::ios::binary);
    if (!file) return std::nullopt;
    std::ostringstream all;
    all << file.rdbuf();
    if (all.view().find(as_text(data)) != std::string_view::npos)
      names.push_back(at->path().lexically_relative(vault.options.path));
  }
  if (error) return std::nullopt;
  return names;
}

// RocksDB removes files in the background, and soon there are none left to remove.
std::vector<std::string> holders(const LocalVault& vault, ByteView data) {
  for (;;) {
    if (auto names = walk(vault, data)) return *names;
  }
}

bool any_ends(const std::vector<std::string>& names, std::string_view end) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return name.ends_with(end); });
}

void purge(Store& store) {
  Purge purge = store.purge(0).value();
  while (!purge.done) purge = store.purge(purge.number).value();
}

ByteView middle(const Mail& mail) {
  return ByteView(mail.container).subspan(mail.container.size() / 2, 64);
}

TEST_CASE("after a purge no file contains what was removed or replaced, and everything else is there") {
  LocalVault vault;
  auto store = vault.open();
  MailboxRecord record = contract::new_mailbox("journal");
  record.grace = 0;
  record.receipts = 0;
  record = contract::put(*store, record);
  const auto set_slot = [&](const Bytes& slot) {
    REQUIRE(store->put_mailbox(store->mailbox(record.id).value(), {{"password", slot}},
                               {LeafType::Slot, "test", 0}));
  };
  const auto random = [](std::size_t size) {
    Bytes some(size);
    random_bytes(some);
    return some;
  };
  const bool logged = GENERATE(true, false);  // it is still in the write-ahead log; it is in tables and blobs
  const Bytes old_slot = random(80);
  const Bytes new_slot = random(80);
  set_slot(old_slot);
  std::vector<Mail> gone;
  std::vector<Mail> kept;
  // In a table, in a blob file, and in a separate file.
  for (const std::size_t size : {300UL, 20'000UL, 600'000UL}) {
    for (std::vector<Mail>* mails : {&gone, &kept}) {
      mails->push_back(contract::sealed_mail(size));
      REQUIRE(deliver(*store, record.id, mails->back()));
    }
  }
  if (!logged) {
    store.reset();
    store = vault.open();
  }
  CHECK(any_ends(holders(vault, old_slot), logged ? ".log" : ".sst"));
  CHECK(any_ends(holders(vault, middle(gone[0])), logged ? ".log" : ".sst"));
  CHECK(any_ends(holders(vault, middle(gone[1])), logged ? ".log" : ".blob"));
  CHECK(holders(vault, middle(gone[2])) == std::vector<std::string>{"large/" + gone[2].id.hex()});

  set_slot(new_slot);
  for (const Mail& mail : gone)
    REQUIRE(contract::move(*store, record.id, {mail.id}, State::Live, State::Drained));
  CHECK_FALSE(holders(vault, old_slot).empty());
  CHECK_FALSE(holders(vault, middle(gone[0])).empty());
  CHECK_FALSE(holders(vault, middle(gone[1])).empty());
  CHECK_FALSE(holders(vault, gone[2].commit.envelope).empty());
  purge(*store);
  CHECK(holders(vault, old_slot).empty());
  CHECK_FALSE(holders(vault, new_slot).empty());
  for (const Mail& mail : gone) {
    CHECK(holders(vault, middle(mail)).empty());
    CHECK(holders(vault, mail.commit.envelope).empty());
  }
  for (const Mail& mail : kept) {
    CHECK_FALSE(holders(vault, middle(mail)).empty());
    CHECK(contract::read_all(*store, record.id, mail.id) == mail.container);
  }
}

TEST_CASE(
    "a removal record is in the files while it is kept, without the content, and a later purge leaves "
    "nothing") {
  LocalVault vault;
  const auto store = vault.open();
  const MailboxRecord record = contract::put(*store, contract::new_mailbox("journal"));
  const Mail mail = contract::sealed_mail(20'000);
  REQUIRE(deliver(*store, record.id, mail));
  REQUIRE(contract::move(*store, record.id, {mail.id}, State::Live, State::Drained));
  vault.clocks->wall += contract::kDay;
  REQUIRE(store->sweep(10, true)->expired == 1);
  purge(*store);
  CHECK(holders(vault, middle(mail)).empty());
  CHECK_FALSE(holders(vault, mail.commit.envelope).empty());
  vault.clocks->wall += 91 * contract::kDay;
  REQUIRE(store->sweep(10, true)->receipts == 1);
  purge(*store);
  CHECK(holders(vault, mail.commit.envelope).empty());
}

TEST_CASE("a purge waits for a snapshot that was made before it, and not for a later one") {
  LocalVault vault;
  const auto store = vault.open();
  const MailboxRecord record = contract::put(*store, contract::new_mailbox("journal"));
  const Mail mail = contract::sealed_mail(20'000);
  REQUIRE(deliver(*store, record.id, mail));
  auto snapshot = store->snapshot();
  REQUIRE(snapshot);
  REQUIRE(contract::move(*store, record.id, {mail.id}, State::Live, std::nullopt));
  Purge purge = store->purge(0).value();
  CHECK_FALSE(purge.done);
  for (const std::string& name : holders(vault, middle(mail))) CHECK(name.starts_with("snapshot/"));
  CHECK_FALSE(holders(vault, middle(mail)).empty());
  snapshot->reset();
  auto later = store->snapshot();
  REQUIRE(later);
  while (!purge.done) purge = store->purge(purge.number).value();
  CHECK(holders(vault, middle(mail)).empty());
}

TEST_CASE("a purge that is interrupted by the end of its store leaves a vault that opens") {
  LocalVault vault;
  auto store = vault.open();
  const MailboxRecord record = contract::put(*store, contract::new_mailbox("journal"));
  REQUIRE(deliver(*store, record.id, contract::sealed_mail(20'000)));
  const std::string before = contract::dump(*store);
  auto snapshot = store->snapshot();
  REQUIRE(snapshot);
  CHECK_FALSE(store->purge(0)->done);
  SECTION("closed") {
    snapshot->reset();
    store.reset();
  }
  SECTION("killed") {
    snapshot->reset();
    vault.kill(std::move(store));
  }
  CHECK(contract::dump(*vault.open()) == before);
}

}  // namespace
}  // namespace gw::store
