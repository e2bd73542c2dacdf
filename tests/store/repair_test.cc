// A loss is reported, the vault is writable again only after the loss was accepted, and the histories record it.
#include "local_vault.h"

namespace gw::store {
namespace {

using contract::deliver;
using contract::Mail;
using contract::new_mail;
using contract::new_mailbox;

constexpr std::size_t kBefore = 3;

// A vault that lost a large mail, a small one, and everything that was written after the first ones.
struct Behind {
  Behind() {
    vault.options.large_threshold = 5000;
    auto store = vault.open();
    mailbox = contract::put(*store, new_mailbox("journal")).id;
    for (std::size_t i = 0; i < kBefore; ++i) {
      kept.push_back(new_mail(3000));
      REQUIRE(deliver(*store, mailbox, kept.back()));
    }
    store.reset();
    const std::string copy = vault.options.path + "/../db";
    fs::copy(vault.options.path + "/db", copy, fs::copy_options::recursive);
    store = vault.open();
    REQUIRE(deliver(*store, mailbox, small));
    REQUIRE(deliver(*store, mailbox, large));
    store.reset();
    fs::remove_all(vault.options.path + "/db");
    fs::rename(copy, vault.options.path + "/db");
  }

  std::size_t gaps(Store& store, const MailboxId& log) const {
    std::size_t found = 0;
    const auto leaves = store.history_read(log, 0, 1000);
    REQUIRE(leaves);
    for (const Bytes& leaf : *leaves) found += decode_leaf(leaf).value().type == LeafType::Gap ? 1U : 0U;
    return found;
  }

  LocalVault vault;
  MailboxId mailbox;
  std::vector<Mail> kept;
  Mail small = new_mail(3000);
  Mail large = new_mail(9000);
};

TEST_CASE("a loss that is not accepted is reported and stays") {
  const Behind behind;
  for (int look = 0; look < 2; ++look) {
    const auto loss = repair_local_store(behind.vault.options, false, "test");
    REQUIRE(loss);
    REQUIRE(*loss);
    CHECK((*loss)->first <= (*loss)->last);
    CHECK((*loss)->last - (*loss)->first >= 1);
    CHECK((*loss)->files == 0);
  }
  auto store = behind.vault.open();
  CHECK_FALSE(store->health().value().writable);
  CHECK(behind.gaps(*store, behind.mailbox) == 0);
  CHECK(fs::exists(behind.vault.options.path + "/large/" + behind.large.id.hex()));
}

TEST_CASE("an accepted loss is a gap in every history, and the vault accepts mail again") {
  const Behind behind;
  const auto loss = repair_local_store(behind.vault.options, true, "test");
  REQUIRE(loss);
  REQUIRE(*loss);
  CHECK((*loss)->files == 1);
  for (int start = 0; start < 2; ++start) {
    auto store = behind.vault.open();
    CHECK(store->health().value().writable);
    CHECK(behind.gaps(*store, behind.mailbox) == 1);
    CHECK(behind.gaps(*store, {}) == 1);
    for (const Mail& mail : behind.kept)
      CHECK(contract::read_all(*store, behind.mailbox, mail.id) == mail.container);
    CHECK(store->find(behind.mailbox, behind.small.id).error().code() == Code::NotFound);
    CHECK(deliver(*store, behind.mailbox, new_mail(9000)));
  }
  const auto again = repair_local_store(behind.vault.options, true, "test");
  REQUIRE(again);
  CHECK_FALSE(*again);
}

TEST_CASE("the sealed file of a lost message is set aside unchanged, and survives an unclean stop") {
  Behind behind;
  REQUIRE(repair_local_store(behind.vault.options, true, "test"));
  LocalVault& vault = behind.vault;
  vault.kill(vault.open());
  vault.open();
  std::ifstream file(vault.options.path + "/lost/" + behind.large.id.hex(), std::ios::binary);
  const std::string found{std::istreambuf_iterator<char>(file), {}};
  CHECK(to_bytes(as_bytes(found)) == behind.large.container);
}

TEST_CASE("after a repair that cannot finish the loss is still reported") {
  const Behind behind;
  // A file in place of the directory.
  std::ofstream(behind.vault.options.path + "/lost") << "x";
  CHECK_FALSE(repair_local_store(behind.vault.options, true, "test"));
  CHECK_FALSE(behind.vault.open()->health().value().writable);
  CHECK(fs::exists(behind.vault.options.path + "/large/" + behind.large.id.hex()));
  fs::remove(behind.vault.options.path + "/lost");
  const auto loss = repair_local_store(behind.vault.options, true, "test");
  REQUIRE(loss);
  CHECK(*loss);
  CHECK(behind.vault.open()->health().value().writable);
}

TEST_CASE("an undamaged vault has nothing to repair, and an open one is Busy") {
  const LocalVault vault;
  const auto nothing = repair_local_store(vault.options, true, "test");
  REQUIRE(nothing);
  CHECK_FALSE(*nothing);
  auto store = vault.open();
  CHECK(repair_local_store(vault.options, true, "test").error().code() == Code::Busy);
}

TEST_CASE("damage that is not a known loss is not repaired") {
  const LocalVault vault;
  fs::remove(vault.options.path + "/head");
  CHECK(repair_local_store(vault.options, true, "test").error().code() == Code::Corrupt);
  CHECK_FALSE(vault.open()->health().value().writable);
}

}  // namespace
}  // namespace gw::store
