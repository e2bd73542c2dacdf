// Mailboxes, their settings, and the passwords and keys that open them.
//
// A mailbox is a record, one key pair per generation, and slots that wrap the secret keys: one slot
// under the mailbox's password and, if the vault has recovery recipients, one sealed to them.
// Opening a slot is what logging in means: the store keeps no password hash.
//
// All functions may be called from several threads. Failures of the store are passed on unchanged
// (store/store.h); the comments name the others.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "seal/keypair.h"
#include "store/store.h"
#include "vault/mailbox_settings.h"

namespace gw::vault {

// Settings of the whole vault, stored as one small record.
struct Settings {
  std::string host;                         // domain of the mailboxes' addresses
  std::string recovery_recipient;           // of the new vault, `age1…`, or empty; see vault/recovery.h
  std::uint64_t argon2_memory = 128 << 20;  // bytes, from 64 MiB to 1 GiB
  std::uint32_t argon2_passes = 3;          // 1 to 10
  // For tests only: allows argon2_memory down to 8 KiB. The vault stores the flag, and `gw-store
  // doctor` reports it.
  bool cheap_passwords = false;
};
// Stores the settings. `recovery_recipient` must be the text that the vault was created with: the
// vault's first history entry holds its digest, and recovery_recipients() fails with Corrupt if the
// two differ. Fails with BadInput if a field is out of range.
Result<void> write_settings(store::Store& store, const Settings& settings, std::string_view actor);
// Reads the settings; returns the defaults if none were stored. Fails with Corrupt if the record is
// invalid.
Result<Settings> read_settings(store::Store& store);
// Returns the digest that the vault's first history entry holds for the recovery recipient in these
// setting records: SHA-256 of its text, or zeros if there is none.
Digest recovery_digest(const std::vector<store::Record>& settings);

// A new mailbox: its settings, which must have a name, and what cannot be changed later.
struct NewMailbox : MailboxSettings {
  // Whether to create a recovery slot, provided that the vault has recovery recipients.
  bool recovery = true;
  // The id, if the caller has already announced it; nullopt for a random one.
  std::optional<MailboxId> id = {};
};

struct CreatedMailbox {
  store::MailboxRecord record;
  std::string address;  // `mbx-…@host`
  Secret password;
  std::optional<Secret> token;  // sender token, if one was given
};

// Returns `mbx-…@host`, or only `mbx-…` if the settings have no host.
std::string address_of(const store::MailboxRecord& mailbox, const Settings& settings);

// Returns a new sender token: 160 random bits in 32 characters, as in gw-vault(7). The mailbox
// record keeps only its hash. The token is for SMTP AUTH and opens no slot.
Secret generate_token();
// Checks that the token has the form that generate_token() produces. Fails with BadInput.
Result<void> check_token(const Secret& token);
// Returns the hash that the record keeps; it depends on the mailbox id, so that two mailboxes with
// the same token have different hashes.
Digest token_hash(const MailboxId& mailbox, ByteView token);
// Checks a token against the record's hash in constant time. Returns false if the mailbox has no
// sender token.
bool token_matches(const store::MailboxRecord& mailbox, ByteView token);

// Returns a new password of 32 characters, 160 random bits, without characters that a shell, a URL
// or a configuration file would need to quote.
Secret generate_password();
// Returns the password in the form that is hashed, OpaqueString of RFC 8265, section 4.2.2: every
// kind of space becomes U+0020, and characters are composed (NFC). A password that is not UTF-8 is
// returned unchanged.
Secret normal_password(const Secret& password);
// Checks a password that a person chose. Fails with BadInput if it has fewer than 16 characters,
// more than 1,024 bytes, or control characters.
Result<void> check_password(const Secret& password);

// The functions below never generate a password or token. The caller generates it
// (generate_password()) and shows it before the call, so that a password that the user has not seen
// is never in force. If the reply to a commit is lost, these functions ask the store once whether the
// commit was made; they fail with Unknown only if that question cannot be answered either.
//
// Creates a mailbox with its first key pair and its slots, and with a sender token if one is given.
// Takes a memory permit for Argon2id. Fails with BadInput if a name, address, CIDR block, password
// or token is not acceptable, with Exists if a name or alias is taken, with Corrupt as
// recovery_recipients() (vault/recovery.h).
Result<CreatedMailbox> add_mailbox(store::Store& store, const NewMailbox& wanted, Secret password,
                                   std::string_view actor, std::optional<Secret> token = std::nullopt);
// Checks that the recovery recipients are those in the vault's history (vault/recovery.h). Fails with
// Corrupt otherwise.
Result<void> check_recovery_recipient(store::Store& store);
// Finds a mailbox by name, id, `mbx-<id>` or address. Fails with NotFound.
Result<store::MailboxRecord> find_mailbox(store::Store& store, std::string_view name);

// Opens the password slot of the mailbox and returns its keys. Takes a memory permit for Argon2id
// and fails with Busy if there is none. Fails with Denied if the password is wrong, with Corrupt if
// the keys in the slot are not those that the record publishes.
Result<seal::KeyRing> unlock(store::Store& store, const store::MailboxRecord& mailbox,
                             const Secret& password);
// Does the same work as unlock() with a wrong password and returns the same Denied, for a login
// that names no mailbox. Returns another error if that work could not be done.
Error refuse_unknown(store::Store& store, const Secret& password);
// Opens the recovery slot with a recovery key. Fails with NotFound if the mailbox has no recovery
// slot, with Denied if it is sealed to other keys than `recovery`, with Corrupt as unlock().
Result<seal::KeyRing> unlock_with_recovery(store::Store& store, const store::MailboxRecord& mailbox,
                                           const seal::SecretKey& recovery);

// Wraps the keys in `ring` under the new password `fresh`, and for the present recovery recipients if
// the mailbox has a recovery slot; no message is touched. Takes a memory permit. Fails with BadInput
// if the password is not acceptable, with Conflict if the mailbox was changed since `mailbox` was
// read.
Result<void> change_password(store::Store& store, const store::MailboxRecord& mailbox,
                             const seal::KeyRing& ring, const Secret& fresh, std::string_view actor);
// Sets a new key pair and the password `fresh` where the password is lost. Whatever was
// sealed to the old keys, removal records included, can never be opened again; therefore the
// mailbox must hold no message. Fails with Conflict if it is not suspended or holds a message in
// any state.
Result<void> reset_password(store::Store& store, const store::MailboxRecord& mailbox, const Secret& fresh,
                            std::string_view actor);
// Adds a generation and returns the new record. New mail is sealed to the new key; old mail stays
// readable with the same password, which is needed to wrap the larger ring. Fails with Conflict if
// the mailbox was changed since `mailbox` was read.
Result<store::MailboxRecord> rotate(store::Store& store, const store::MailboxRecord& mailbox,
                                    seal::KeyRing ring, const Secret& password, std::string_view actor);

}  // namespace gw::vault
