// Mailboxes and what opens them.
//
// A mailbox is a record, a key pair for each generation, and slots that wrap the secret keys: one under the
// password, one to the vault's recovery recipient. Opening a slot is the login.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "seal/keypair.h"
#include "store/store.h"

namespace gw::vault {

// Vault-wide settings, one small record.
struct Settings {
  std::string host;                         // domain of the mailboxes' addresses
  std::string recovery_recipient;           // `age1…`; empty: none
  std::uint64_t argon2_memory = 128 << 20;  // octets, from 64 MiB to 1 GiB
  std::uint32_t argon2_passes = 3;          // 1 to 10
  bool cheap_passwords = false;  // for tests: lets the memory go down to 8 KiB. The vault remembers it
};
// `recovery_recipient` must be the text that the vault was made with: its first history leaf holds the
// digest, and where they differ no slot is made (Corrupt).
Result<void> write_settings(store::Store& store, const Settings& settings, std::string_view actor);
Result<Settings> read_settings(store::Store& store);  // the defaults where none were written
// What the vault's first history leaf says of the recovery recipient, by these records of settings.
Digest recovery_digest(const std::vector<store::Record>& settings);

struct NewMailbox {
  std::string name;
  std::string description;
  std::vector<std::string> aliases;
  std::vector<std::string> domains;
  std::uint64_t quota = 0;
  std::int64_t grace = 86'400;
  std::int64_t receipts = store::kReceipts;
  std::vector<std::string> allow;
  store::Trace trace = store::Trace::Auto;
  bool recovery = true;         // a recovery slot, if the vault has a recipient
  std::optional<MailboxId> id;  // its id, if the caller has told it already; random otherwise
};

struct MadeMailbox {
  store::MailboxRecord record;
  std::string address;  // `mbx-…@host`
  Secret password;
  std::optional<Secret> token;
};

// `mbx-…@host`; without a host only the local part.
std::string address_of(const store::MailboxRecord& mailbox, const Settings& settings);

// A sender token (vault.md section 1): 160 random bits, of which the record keeps a hash only. It opens no
// slot.
Secret generate_token();
// BadInput: not of the form that generate_token() makes.
Result<void> check_token(const Secret& token);
Digest token_hash(const MailboxId& mailbox, ByteView token);
bool token_matches(const store::MailboxRecord& mailbox, ByteView token);  // in constant time

// 32 characters that no shell, URL or configuration file needs to quote; over 150 bits.
Secret generate_password();
// The form in which passwords are compared, that of RFC 8265 section 4.2.2 (OpaqueString): spaces of all
// kinds are U+0020, and characters are composed (NFC). What is not UTF-8 stays as it is.
Secret normal_password(const Secret& password);
// BadInput: shorter than 16 characters, or longer than 1,024 octets.
Result<void> check_password(const Secret& password);

// No function below makes a password or token: the caller makes it (generate_password()) and shows it before
// it takes effect, so that what is in force is never what nobody has seen. When the answer to a commit is
// lost, these functions ask the store once whether it was made; only what cannot be found out is Unknown.

// With a sender token, if one is given. BadInput for a bad name, address, block, password or token; Exists
// for a name or alias that is taken.
Result<MadeMailbox> add_mailbox(store::Store& store, const NewMailbox& wanted, Secret password,
                                std::string_view actor, std::optional<Secret> token = std::nullopt);
// Corrupt, where the vault's recovery recipient is not the one that its history began with.
Result<void> check_recovery_recipient(store::Store& store);
// By name, id, `mbx-<id>` or address. NotFound.
Result<store::MailboxRecord> find_mailbox(store::Store& store, std::string_view name);

// Takes a permit for the Argon2id work. Denied: not the password. Corrupt: the keys are not the record's own.
Result<seal::KeyRing> unlock(store::Store& store, const store::MailboxRecord& mailbox,
                             const Secret& password);
// The same work and the same Denied for a mailbox that is not there.
Error refuse_unknown(store::Store& store, const Secret& password);
Result<seal::KeyRing> unlock_with_recovery(store::Store& store, const store::MailboxRecord& mailbox,
                                           const seal::SecretKey& recovery);

// Wraps the ring under `fresh`; touches no message. BadInput: not a good password. Conflict: the mailbox was
// changed in the meantime.
Result<void> change_password(store::Store& store, const store::MailboxRecord& mailbox,
                             const seal::KeyRing& ring, const Secret& fresh, std::string_view actor);
// For one whose password is lost, and whose mail nobody can lose by it: new keys under a new password. What
// was sealed to the keys of before, receipts too, opens for nobody any more. Conflict: it is not suspended,
// or holds a message in any state.
Result<void> reset_password(store::Store& store, const store::MailboxRecord& mailbox, const Secret& fresh,
                            std::string_view actor);
// A new generation; new mail is sealed to it, old mail stays readable with the same password.
Result<store::MailboxRecord> rotate(store::Store& store, const store::MailboxRecord& mailbox,
                                    seal::KeyRing ring, const Secret& password, std::string_view actor);

}  // namespace gw::vault
