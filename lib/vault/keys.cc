#include "vault/keys.h"

#include <algorithm>

#include "base/log.h"

namespace gw::vault {
namespace {

Result<seal::SlotPlace> place_of(store::Store& store, const MailboxId& mailbox) {
  const Result<VaultId> vault = store.vault_id();
  if (!vault) return vault.error();
  return seal::SlotPlace{*vault, mailbox};
}

bool same_keys(const store::MailboxRecord& mailbox, const seal::KeyRing& ring) {
  return std::ranges::equal(mailbox.generations, ring.keys,
                            [](const store::Generation& listed, const seal::RingKey& key) {
                              return listed.number == key.generation && listed.public_key == key.public_half;
                            });
}

// Compares the public keys in the record with the keys in the slot. New mail is sealed to what the
// record says; if a thief with write access put their own key there, they could read all new mail.
Result<seal::KeyRing> checked(store::Store& store, const store::MailboxRecord& mailbox, seal::KeyRing ring) {
  if (same_keys(mailbox, ring)) return ring;
  // The caller may have read the record before a rotation. Only the current record decides.
  const Result<store::MailboxRecord> now = store.mailbox(mailbox.id);
  if (!now) return now.error();
  if (same_keys(*now, ring)) return ring;
  log::error("mailbox keys do not match their slot", {{"mailbox", mailbox.id.hex()}});
  return Error(Code::Corrupt, "the mailbox's public keys do not match its slot");
}

Result<Bytes> slot_value(store::Store& store, const MailboxId& mailbox, std::string_view name) {
  const Result<store::Record> record = store.get({store::Kind::Slot, mailbox, std::string(name)});
  if (!record) return record.error();
  return record->value;
}

Error denied() {
  return Error(Code::Denied, "wrong password or no such mailbox");
}

// Does the work of a wrong password. It needs a memory permit like the real work does.
Result<void> work_without_slot(store::Store& store, const Settings& settings, std::string_view name,
                               const Secret& password) {
  const Result<VaultId> vault = store.vault_id();
  if (!vault) return vault.error();
  const Result<std::unique_ptr<store::MemoryPermit>> permit = store.permit(settings.argon2_memory);
  if (!permit) return permit.error();
  return work_as_open_slot(*vault, name, password, {settings.argon2_memory, settings.argon2_passes});
}

}  // namespace

Result<seal::KeyRing> open_slot(const seal::SlotPlace& place, ByteView slot, const Secret& password,
                                const Settings& settings) {
  const Secret normal = normal_password(password);
  Result<seal::KeyRing> ring = seal::open_password_slot(place, slot, normal, floor_of(settings));
  // Slots of version 0.1.0 were made from the password as typed. The second attempt happens only if
  // normalising changes the password, so that ordinary logins cost Argon2id once.
  if (ring || ring.error().code() != Code::Denied || equal_secrets(normal.view(), password.view()))
    return ring;
  return seal::open_password_slot(place, slot, password, floor_of(settings));
}

// Repeats the second attempt of open_slot() as well; otherwise its time would tell that a mailbox
// exists.
Result<void> work_as_open_slot(const VaultId& vault, std::string_view name, const Secret& password,
                               const seal::Argon2Cost& cost) {
  const Secret normal = normal_password(password);
  Result<void> worked = seal::work_for_nothing(vault, name, normal, cost);
  if (worked && !equal_secrets(normal.view(), password.view()))
    worked = seal::work_for_nothing(vault, name, password, cost);
  return worked;
}

std::uint64_t floor_of(const Settings& settings) {
  return settings.cheap_passwords ? seal::kArgon2TestFloor : seal::kArgon2Floor;
}

Result<store::Slot> make_password_slot(store::Store& store, const Settings& settings,
                                       const MailboxId& mailbox, const seal::KeyRing& ring,
                                       const Secret& password) {
  const Result<seal::SlotPlace> place = place_of(store, mailbox);
  if (!place) return place.error();
  const Result<std::unique_ptr<store::MemoryPermit>> permit = store.permit(settings.argon2_memory);
  if (!permit) return permit.error();
  Result<Bytes> slot =
      seal::seal_password_slot(*place, ring, normal_password(password),
                               {settings.argon2_memory, settings.argon2_passes}, floor_of(settings));
  if (!slot) return slot.error();
  return store::Slot{std::string(kPasswordSlot), std::move(*slot)};
}

Result<store::Slot> make_recovery_slot(store::Store& store, const MailboxId& mailbox,
                                       const seal::KeyRing& ring,
                                       const std::vector<seal::PublicKey>& recipients) {
  const Result<seal::SlotPlace> place = place_of(store, mailbox);
  if (!place) return place.error();
  Result<Bytes> slot = seal::seal_recovery_slot(*place, ring, recipients);
  if (!slot) return slot.error();
  return store::Slot{std::string(kRecoverySlot), std::move(*slot)};
}

Result<seal::KeyRing> unlock(store::Store& store, const store::MailboxRecord& mailbox,
                             const Secret& password) {
  const Result<Settings> settings = read_settings(store);
  if (!settings) return settings.error();
  const Result<Bytes> slot = slot_value(store, mailbox.id, kPasswordSlot);
  if (!slot && slot.error().code() != Code::NotFound) return slot.error();
  // A mailbox without a password slot must answer like one with it, and take as long.
  if (!slot) {
    const Result<void> worked = work_without_slot(store, *settings, mailbox.name, password);
    return worked ? denied() : worked.error();
  }
  const Result<seal::SlotPlace> place = place_of(store, mailbox.id);
  if (!place) return place.error();
  // The cost is that of the slot and not of the settings, which may have changed since the slot was
  // made.
  const Result<seal::Argon2Cost> cost = seal::slot_cost(*place, *slot, floor_of(*settings));
  if (!cost) return cost.error();
  const Result<std::unique_ptr<store::MemoryPermit>> permit = store.permit(cost->memory);
  if (!permit) return permit.error();
  Result<seal::KeyRing> ring = open_slot(*place, *slot, password, *settings);
  if (!ring && ring.error().code() == Code::Denied) return denied();
  if (!ring) return ring.error();
  return checked(store, mailbox, std::move(*ring));
}

Error refuse_unknown(store::Store& store, const Secret& password) {
  const Result<Settings> settings = read_settings(store);
  if (!settings) return settings.error();
  // Asks the store for a slot that cannot exist, so that the exchange is the same as for a known
  // mailbox.
  const MailboxId nobody = random_id<MailboxId>();
  const Result<Bytes> slot = slot_value(store, nobody, kPasswordSlot);
  if (!slot && slot.error().code() != Code::NotFound) return slot.error();
  const Result<void> worked = work_without_slot(store, *settings, nobody.hex(), password);
  return worked ? denied() : worked.error();
}

Result<seal::KeyRing> unlock_with_recovery(store::Store& store, const store::MailboxRecord& mailbox,
                                           const seal::SecretKey& recovery) {
  const Result<Bytes> slot = slot_value(store, mailbox.id, kRecoverySlot);
  if (!slot && slot.error().code() == Code::NotFound)
    return Error(Code::NotFound, "the mailbox " + mailbox.name + " has no recovery slot");
  if (!slot) return slot.error();
  const Result<seal::SlotPlace> place = place_of(store, mailbox.id);
  if (!place) return place.error();
  Result<seal::KeyRing> ring = seal::open_recovery_slot(*place, *slot, recovery);
  if (!ring && ring.error().code() == Code::Denied)
    return Error(Code::Denied, "this is not a recovery key of the mailbox " + mailbox.name);
  if (!ring) return ring.error();
  return checked(store, mailbox, std::move(*ring));
}

}  // namespace gw::vault
