#include "vault/maintenance_log.h"

#include "vault/fixture.h"
#include "vault/verify.h"

using namespace gw;
using namespace gw::vault;
using namespace gw::vault::test;

namespace {

store::Leaf last_leaf(store::Store& store) {
  const auto head = store.history_head({});
  const auto leaves = store.history_read({}, head->size - 1, 1);
  const auto leaf = store::decode_leaf(leaves->front());
  REQUIRE(leaf);
  return *leaf;
}

}  // namespace

TEST_CASE("A vault knows nothing of its upkeep before there was any") {
  Vault vault;
  CHECK_FALSE(*last_backup(*vault.store));
  CHECK_FALSE(*last_verify(*vault.store));
}

TEST_CASE("The last verify is known with its findings, and the history says who did it") {
  Vault vault;
  REQUIRE(note_verify(*vault.store, {1'000'000, 2, 30, 0}, "gw-store"));
  CHECK(last_leaf(*vault.store).type == store::LeafType::Setting);
  CHECK(last_leaf(*vault.store).actor == "gw-store, verified, no findings");
  REQUIRE(note_verify(*vault.store, {2'000'000, 3, 40, 5}, "gw-store"));
  CHECK(last_leaf(*vault.store).actor == "gw-store, verified, findings: 5");
  const auto note = last_verify(*vault.store);
  REQUIRE(note);
  REQUIRE(*note);
  CHECK((*note)->time == 2'000'000);
  CHECK((*note)->mailboxes == 3);
  CHECK((*note)->messages == 40);
  CHECK((*note)->findings == 5);
  CHECK_FALSE(*last_backup(*vault.store));
  const auto whole = verify(*vault.store);
  REQUIRE(whole);
  CHECK(whole->findings.empty());
}

TEST_CASE("Notes of one vault do not mix, and one that cannot be read is damage") {
  Vault vault;
  REQUIRE(note_backup(*vault.store, {7'000'000, 12, 3, 4096}, "test"));
  REQUIRE(note_verify(*vault.store, {8'000'000, 1, 1, 0}, "test"));
  const auto backup = last_backup(*vault.store);
  REQUIRE(backup);
  REQUIRE(*backup);
  CHECK((*backup)->time == 7'000'000);
  CHECK((*backup)->commits == 12);
  CHECK((*backup)->size == 4096);
  const store::RecordKey key{store::Kind::Setting, {}, "verify"};
  const auto record = vault.store->get(key);
  REQUIRE(record);
  REQUIRE(vault.store->put_if(key, record->version, as_bytes("\xff"), {store::LeafType::Setting, "test", 0}));
  CHECK(last_verify(*vault.store).error().code() == Code::Corrupt);
}
