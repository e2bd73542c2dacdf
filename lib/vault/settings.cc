#include "mail/address.h"
#include "seal/slot.h"
#include "vault/change_note.h"
#include "vault/keys.h"
#include "vault/mailbox.h"
#include "vault/recovery.pb.h"
#include "vault/settings.pb.h"

namespace gw::vault {
namespace {

const store::RecordKey kSettingsKey{store::Kind::Setting, {}, "vault"};

// Checks settings from any source, also when they are read back: a thief with write access must not
// be able to make password slots cheap without the flag that `gw-store doctor` reports.
Result<void> check(const Settings& settings) {
  if (!settings.host.empty() && !mail::valid_domain(settings.host))
    return Error(Code::BadInput, "not a valid host name: " + settings.host);
  if (!settings.recovery_recipient.empty()) {
    const Result<seal::PublicKey> key = seal::parse_recipient(settings.recovery_recipient);
    if (!key) return key.error().within("recovery recipient");
  }
  const std::uint64_t floor = settings.cheap_passwords ? seal::kArgon2TestFloor : seal::kArgon2Floor;
  if (!seal::valid_cost({settings.argon2_memory, settings.argon2_passes}, floor))
    return Error(Code::BadInput, "the password cost is out of range");
  return {};
}

Result<Settings> decode(ByteView stored) {
  proto::Settings in;
  if (!in.ParseFromArray(stored.data(), static_cast<int>(stored.size())))
    return Error(Code::Corrupt, "the vault's settings are malformed");
  Settings settings;
  settings.host = in.host();
  settings.recovery_recipient = in.recovery_recipient();
  settings.argon2_memory = in.argon2_memory();
  settings.argon2_passes = in.argon2_passes();
  settings.cheap_passwords = in.cheap_passwords();
  if (const Result<void> valid = check(settings); !valid)
    return Error(Code::Corrupt, valid.error().within("the vault's settings").text());
  return settings;
}

}  // namespace

namespace {

std::string differences(const Settings& before, const Settings& after) {
  Differences found;
  found.value("host", before.host, after.host);
  found.value("recovery recipient", before.recovery_recipient, after.recovery_recipient);
  found.value("argon2 memory", std::to_string(before.argon2_memory), std::to_string(after.argon2_memory));
  found.value("argon2 passes", std::to_string(before.argon2_passes), std::to_string(after.argon2_passes));
  found.value("cheap passwords", before.cheap_passwords ? "yes" : "no", after.cheap_passwords ? "yes" : "no");
  const std::string text = found.text();
  return text.empty() ? "written again" : text;
}

}  // namespace

Result<void> write_settings(store::Store& store, const Settings& settings, std::string_view actor) {
  if (const Result<void> valid = check(settings); !valid) return valid;
  proto::Settings out;
  std::uint64_t version = 0;
  const Result<store::Record> before = store.get(kSettingsKey);
  if (before) {
    version = before->version;
    // Starts from the stored record, so that fields of a newer version are kept.
    (void)out.ParseFromArray(before->value.data(), static_cast<int>(before->value.size()));
  } else if (before.error().code() != Code::NotFound) {
    return before.error();
  }
  out.set_host(settings.host);
  out.set_recovery_recipient(settings.recovery_recipient);
  out.set_argon2_memory(settings.argon2_memory);
  out.set_argon2_passes(settings.argon2_passes);
  out.set_cheap_passwords(settings.cheap_passwords);
  Bytes value(out.ByteSizeLong());
  (void)out.SerializeToArray(value.data(), static_cast<int>(value.size()));
  const Result<Settings> old = before ? decode(before->value) : Result<Settings>(Settings{});
  const std::string change = old ? differences(*old, settings) : "written again";
  const Result<std::uint64_t> written = store.put_if(
      kSettingsKey, version, value, {store::LeafType::Setting, change_note(actor, "vault", change), 0});
  if (!written) return written.error().within("cannot write the vault's settings");
  return {};
}

Result<Settings> read_settings(store::Store& store) {
  const Result<store::Record> record = store.get(kSettingsKey);
  if (record) return decode(record->value);
  if (record.error().code() == Code::NotFound) return Settings{};
  return record.error().within("cannot read the vault's settings");
}

Digest recovery_digest(const std::vector<store::Record>& settings) {
  for (const store::Record& record : settings) {
    proto::RecoveryRecipients list;
    if (record.key.kind != store::Kind::Setting || record.key.name != kRecoveryRecord ||
        !list.ParseFromArray(record.value.data(), static_cast<int>(record.value.size())))
      continue;
    return list.founding().empty() ? Digest{} : sha256(as_bytes(list.founding()));
  }
  for (const store::Record& record : settings) {
    if (record.key != kSettingsKey) continue;
    // Settings that cannot be decoded count as settings without recipient; the caller compares the
    // digest and reports the difference.
    const Result<Settings> decoded = decode(record.value);
    if (decoded && !decoded->recovery_recipient.empty()) return sha256(as_bytes(decoded->recovery_recipient));
  }
  return {};
}

}  // namespace gw::vault
