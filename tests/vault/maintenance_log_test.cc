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

TEST_CASE("A new vault has no notes of backups and verifications") {
  Vault vault;
  CHECK_FALSE(*last_backup(*vault.store));
  CHECK_FALSE(*last_verify(*vault.store));
}

TEST_CASE("The last verification is stored with its findings, and the history names its user") {
  Vault vault;
  REQUIRE(note_verify(*vault.store, {1'000'000, 2, 30, 0}, "gw-store"));
  CHECK(last_leaf(*vault.store).type == store::LeafType::Verified);
  CHECK(last_leaf(*vault.store).actor == "gw-store, vault: verified, no findings, messages 30");
  REQUIRE(note_verify(*vault.store, {2'000'000, 3, 40, 5}, "gw-store"));
  CHECK(last_leaf(*vault.store).actor == "gw-store, vault: verified, findings 5, messages 40");
  const auto note = last_verify(*vault.store);
  REQUIRE(note);
  REQUIRE(*note);
  CHECK((*note)->time == 2'000'000);
  CHECK((*note)->mailboxes == 3);
  CHECK((*note)->messages == 40);
  CHECK((*note)->findings == 5);
  CHECK(last_leaf(*vault.store).value == 5);
  CHECK_FALSE(*last_backup(*vault.store));
  const auto whole = verify(*vault.store);
  REQUIRE(whole);
  CHECK(whole->findings.empty());
}

TEST_CASE("Notes of a vault are separate, and one that cannot be read is Corrupt") {
  Vault vault;
  REQUIRE(note_backup(*vault.store, {7'000'000, 12, 3, 4096}, "test"));
  CHECK(last_leaf(*vault.store).type == store::LeafType::Backup);
  CHECK(last_leaf(*vault.store).actor == "test, vault: backup of 1970-01-01T00:00:07Z, files 3, bytes 4096");
  REQUIRE(note_restore(*vault.store, {7'000'000, 12, 3, 4096}, "test"));
  CHECK(last_leaf(*vault.store).type == store::LeafType::Restored);
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
