// The vault's recovery recipients: who can open what, and what somebody with write access can do.
#include "vault/recovery.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>

#include "seal/slot.h"
#include "support/faulty_store.h"
#include "support/store_shell.h"
#include "vault/diagnosis.h"
#include "vault/fixture.h"
#include "vault/keys.h"

namespace gw::vault::test {
namespace {

bool opens(store::Store& store, const store::MailboxRecord& mailbox, const seal::SecretKey& key) {
  return unlock_with_recovery(store, mailbox, key).has_value();
}

std::vector<std::string> present(store::Store& store) {
  std::vector<std::string> texts;
  const auto all = recovery_recipients(store);
  REQUIRE(all);
  for (const RecoveryRecipient& each : *all)
    if (!each.removed) texts.push_back(each.text);
  return texts;
}

std::string text_of(const seal::SecretKey& key) {
  return seal::recipient(seal::public_key(key));
}

std::string last_actor(store::Store& store, const MailboxId& log) {
  const auto head = store.history_head(log);
  REQUIRE(head);
  const auto leaves = store.history_read(log, head->size - 1, 1);
  REQUIRE(leaves);
  return store::decode_leaf(leaves->front())->actor;
}

TEST_CASE("a recipient that is added opens new mailboxes, and old ones after a change of the password") {
  Vault vault;
  const CreatedMailbox old = vault.mailbox();
  const seal::SecretKey second = seal::generate_key();
  CHECK(present(*vault.store) == std::vector{text_of(vault.recovery)});
  REQUIRE(add_recovery_recipient(*vault.store, seal::public_key(second), "test"));
  CHECK(present(*vault.store) == std::vector{text_of(vault.recovery), text_of(second)});
  CHECK(add_recovery_recipient(*vault.store, seal::public_key(second), "test").error().code() ==
        Code::Exists);

  const CreatedMailbox fresh = vault.mailbox("fresh");
  CHECK(opens(*vault.store, fresh.record, second));
  CHECK(opens(*vault.store, fresh.record, vault.recovery));
  CHECK_FALSE(opens(*vault.store, old.record, second));

  const Result<seal::KeyRing> ring = unlock(*vault.store, old.record, old.password);
  REQUIRE(ring);
  REQUIRE(change_password(*vault.store, old.record, *ring, generate_password(), "test"));
  CHECK(opens(*vault.store, old.record, second));
  CHECK(opens(*vault.store, old.record, vault.recovery));
}

TEST_CASE("a recovery key seals a mailbox to the present recipients, and rotation keeps them") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  const seal::SecretKey second = seal::generate_key();
  REQUIRE(add_recovery_recipient(*vault.store, seal::public_key(second), "test"));
  const auto recipients = recovery_recipients(*vault.store);
  REQUIRE(recipients);
  CHECK(recovery_slot_of(*vault.store, made.record.id, *recipients)->size() == 1);
  const Result<seal::KeyRing> recovered = unlock_with_recovery(*vault.store, made.record, vault.recovery);
  REQUIRE(recovered);
  REQUIRE(reseal_recovery(*vault.store, made.record, *recovered, "test"));
  CHECK(last_actor(*vault.store, made.record.id) == "test, mailbox journal: recovery slot sealed again");
  CHECK(recovery_slot_of(*vault.store, made.record.id, *recipients)->size() == 2);
  const Result<store::MailboxRecord> now = vault.store->mailbox(made.record.id);
  REQUIRE(now);
  CHECK(opens(*vault.store, *now, second));
  Result<seal::KeyRing> ring = unlock(*vault.store, *now, made.password);
  REQUIRE(ring);
  const auto rotated = rotate(*vault.store, *now, std::move(*ring), made.password, "test");
  REQUIRE(rotated);
  for (const seal::SecretKey* key : std::array<const seal::SecretKey*, 2>{&second, &vault.recovery}) {
    const Result<seal::KeyRing> both = unlock_with_recovery(*vault.store, *rotated, *key);
    REQUIRE(both);
    CHECK(both->keys.size() == 2);
  }
}

TEST_CASE("a recipient that is removed opens no new slot, and the last one stays") {
  Vault vault;
  const CreatedMailbox old = vault.mailbox();
  const seal::PublicKey founding = seal::public_key(vault.recovery);
  CHECK(remove_recovery_recipient(*vault.store, founding, "test").error().code() == Code::Conflict);
  const seal::SecretKey second = seal::generate_key();
  REQUIRE(add_recovery_recipient(*vault.store, seal::public_key(second), "test"));
  REQUIRE(remove_recovery_recipient(*vault.store, founding, "test"));
  CHECK(remove_recovery_recipient(*vault.store, founding, "test").error().code() == Code::Exists);
  const seal::PublicKey unknown = seal::public_key(seal::generate_key());
  CHECK(remove_recovery_recipient(*vault.store, unknown, "test").error().code() == Code::NotFound);
  CHECK(present(*vault.store) == std::vector{text_of(second)});
  const CreatedMailbox fresh = vault.mailbox("fresh");
  CHECK(opens(*vault.store, fresh.record, second));
  CHECK_FALSE(opens(*vault.store, fresh.record, vault.recovery));
  // The old slot is not touched before somebody has the keys.
  CHECK(opens(*vault.store, old.record, vault.recovery));
  // An older program compares the settings with the first history entry, and then makes no slot.
  CHECK(read_settings(*vault.store)->recovery_recipient.empty());
  // What salvage writes into the first entry of a history that was lost.
  const auto records = vault.store->scan(store::Kind::Setting, {}, {}, 100);
  REQUIRE(records);
  CHECK(recovery_digest(*records) == sha256(as_bytes(text_of(vault.recovery))));

  REQUIRE(add_recovery_recipient(*vault.store, founding, "test"));
  CHECK(read_settings(*vault.store)->recovery_recipient == text_of(vault.recovery));
  CHECK(present(*vault.store).size() == 2);
}

TEST_CASE("a list of recipients that is not the newest in the history gets no slot") {
  Vault vault;
  const seal::SecretKey second = seal::generate_key();
  REQUIRE(add_recovery_recipient(*vault.store, seal::public_key(second), "test"));
  const store::RecordKey key{store::Kind::Setting, {}, std::string(kRecoveryRecord)};
  const Result<store::Record> before = vault.store->get(key);
  REQUIRE(before);
  REQUIRE(add_recovery_recipient(*vault.store, seal::public_key(seal::generate_key()), "test"));
  const Result<store::Record> now = vault.store->get(key);
  REQUIRE(now);
  // The list of before, put back by somebody whose entry in the history does not say what it is.
  REQUIRE(vault.store->put_if(key, now->version, before->value, {store::LeafType::Setting, "intruder", 0}));
  CHECK(recovery_recipients(*vault.store).error().code() == Code::Corrupt);
  NewMailbox wanted;
  wanted.name = "second";
  CHECK(add_mailbox(*vault.store, wanted, generate_password(), "test").error().code() == Code::Corrupt);
}

TEST_CASE("a removed recipient does not return if the list of recipients is deleted") {
  Vault vault;
  const seal::SecretKey second = seal::generate_key();
  REQUIRE(add_recovery_recipient(*vault.store, seal::public_key(second), "test"));
  REQUIRE(remove_recovery_recipient(*vault.store, seal::public_key(vault.recovery), "test"));
  const store::RecordKey key{store::Kind::Setting, {}, std::string(kRecoveryRecord)};
  const Result<store::Record> record = vault.store->get(key);
  REQUIRE(record);
  REQUIRE(vault.store->erase_if(key, record->version, {store::LeafType::Setting, "intruder", 0}));
  Result<Settings> settings = read_settings(*vault.store);
  REQUIRE(settings);
  settings->recovery_recipient = text_of(vault.recovery);
  REQUIRE(write_settings(*vault.store, *settings, "intruder"));
  CHECK(recovery_recipients(*vault.store).error().code() == Code::Corrupt);
}

TEST_CASE("an entry about the settings is not a change of the recipients") {
  Vault vault;
  // Both fields change, as in the entry of `gw-store init`: `host …, recovery recipient … -> …`.
  Result<Settings> settings = read_settings(*vault.store);
  REQUIRE(settings);
  const Settings before = *settings;
  settings->host = "other.example";
  settings->recovery_recipient.clear();
  REQUIRE(write_settings(*vault.store, *settings, "test"));
  REQUIRE(write_settings(*vault.store, before, "test"));
  CHECK(present(*vault.store) == std::vector{text_of(vault.recovery)});
}

// Adds a recipient each time that the list of recipients has been read.
class RacingStore : public gw::test::StoreShell {
 public:
  RacingStore(store::Store& under, int races) : StoreShell(under), under_(under), races_(races) {}

  Result<store::Record> get(const store::RecordKey& key) override {
    Result<store::Record> found = StoreShell::get(key);
    if (key.kind != store::Kind::Setting || key.name != kRecoveryRecord || races_ == 0) return found;
    --races_;
    REQUIRE(add_recovery_recipient(under_, seal::public_key(seal::generate_key()), "test"));
    return found;
  }

 private:
  store::Store& under_;
  int races_;
};

TEST_CASE("a change of the recipients while they are read is not damage") {
  Vault vault;
  RacingStore twice(*vault.store, 2);
  const auto all = recovery_recipients(twice);
  REQUIRE(all);
  CHECK(all->size() == 3);
  RacingStore always(*vault.store, -1);
  CHECK(recovery_recipients(always).error().code() == Code::Busy);
}

TEST_CASE("a second run completes a change that was interrupted after the list was written") {
  Vault vault;
  const seal::PublicKey founding = seal::public_key(vault.recovery);
  REQUIRE(add_recovery_recipient(*vault.store, seal::public_key(seal::generate_key()), "test"));
  gw::test::FaultyStore store(*vault.store);
  int puts = 0;
  store.fail = [&puts](std::string_view operation) {
    return operation == "put_if" && ++puts == 2 ? std::optional(Error(Code::Unavailable, "interrupted"))
                                                : std::nullopt;
  };
  CHECK(remove_recovery_recipient(store, founding, "test").error().code() == Code::Unavailable);
  CHECK(remove_recovery_recipient(store, founding, "test").error().code() == Code::Exists);
  CHECK(read_settings(*vault.store)->recovery_recipient.empty());
  puts = 0;
  CHECK(add_recovery_recipient(store, founding, "test").error().code() == Code::Unavailable);
  CHECK(add_recovery_recipient(store, founding, "test").error().code() == Code::Exists);
  CHECK(read_settings(*vault.store)->recovery_recipient == text_of(vault.recovery));
}

TEST_CASE("history entries of a newer version do not hide the recipients") {
  Vault vault;
  REQUIRE(add_recovery_recipient(*vault.store, seal::public_key(seal::generate_key()), "test"));
  (void)vault.mailbox();
  const auto head = vault.store->history_head({});
  REQUIRE(head);
  gw::test::FaultyStore store(*vault.store);
  store.alter_leaves = [&](const MailboxId&, std::uint64_t from, std::vector<Bytes>& leaves) {
    // The first byte of an entry is its version.
    if (from + leaves.size() == head->size) leaves.back().front() = std::byte{99};
  };
  CHECK(recovery_recipients(store));
}

TEST_CASE("a mailbox without recovery changes its password also if the recipients are damaged") {
  Vault vault;
  NewMailbox wanted;
  wanted.recovery = false;
  const CreatedMailbox without = vault.mailbox("without", wanted);
  const CreatedMailbox with = vault.mailbox("with");
  const store::RecordKey key{store::Kind::Setting, {}, std::string(kRecoveryRecord)};
  REQUIRE(vault.store->put_if(key, 0, Bytes(1), {store::LeafType::Setting, "intruder", 0}));
  const auto change = [&](const CreatedMailbox& made) {
    const Result<seal::KeyRing> ring = unlock(*vault.store, made.record, made.password);
    REQUIRE(ring);
    return change_password(*vault.store, made.record, *ring, generate_password(), "test");
  };
  CHECK(change(without));
  CHECK(change(with).error().code() == Code::Corrupt);
}

TEST_CASE("a damaged recovery slot is reported with the other findings") {
  Vault vault;
  const CreatedMailbox damaged = vault.mailbox("damaged");
  (void)vault.mailbox("sound");
  REQUIRE(vault.store->put_mailbox(damaged.record, {{std::string(kRecoverySlot), Bytes(10)}},
                                   {store::LeafType::Slot, "test", 0}));
  std::vector<Diagnosis> findings;
  REQUIRE(examine_vault(*vault.store, "vault", {}, findings));
  const auto found = std::ranges::find_if(findings, [](const Diagnosis& each) {
    return each.check == "recovery" && each.level == Level::Trouble && each.about == "damaged";
  });
  REQUIRE(found != findings.end());
  CHECK(found->hint == "gw-store recovery apply damaged");
  // With the password, which that command can use, the slot is made again.
  const Result<store::MailboxRecord> now = vault.store->mailbox(damaged.record.id);
  REQUIRE(now);
  const Result<seal::KeyRing> ring = unlock(*vault.store, *now, damaged.password);
  REQUIRE(ring);
  REQUIRE(reseal_recovery(*vault.store, *now, *ring, "test"));
  CHECK(opens(*vault.store, *now, vault.recovery));
}

TEST_CASE("the number of recipients is limited") {
  Vault vault;
  for (std::size_t count = 1; count < kMaxRecoveryRecipients; ++count)
    REQUIRE(add_recovery_recipient(*vault.store, seal::public_key(seal::generate_key()), "test"));
  CHECK(add_recovery_recipient(*vault.store, seal::public_key(seal::generate_key()), "test").error().code() ==
        Code::Full);
  CHECK_FALSE(add_recovery_recipient(*vault.store, seal::PublicKey{}, "test"));
}

}  // namespace
}  // namespace gw::vault::test
