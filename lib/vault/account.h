// Accounts of the console: which people may sign in, and what each of them may see and do.
//
// An account is a small record of the vault (Kind::Admin, keyed by the account's name). It has its
// own key pair. The secret half is wrapped by the password in a slot, as a mailbox's keys are
// (seal/slot.h), and opening that slot is what signing in means. The secret of the second factor
// (TOTP) is sealed to the same key pair, so that a thief of the vault's files can neither sign in
// nor compute TOTP codes. Each change appends an entry to the vault's history; its actor says who
// changed which account and how.
//
// An account has no right to read mail: it holds no key of a mailbox.
//
// All functions report failures of the store unchanged (store/store.h); the comments name the
// others. The functions may be called from several threads.
//
//   Result<SignedIn> in = sign_in(store, "alice", password);
//   if (in && in->account.has_totp()) ...   // the caller asks for the second factor
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "seal/keypair.h"
#include "store/store.h"

namespace gw::vault {

// What an account may do. Each role includes the rights of the roles before it.
enum class Role : std::uint8_t {
  Viewer = 1,         // reads status and lists
  Operator = 2,       // also changes mailboxes, messages and routes
  Administrator = 3,  // also changes accounts
};
// Returns the name of the role as options and JSON spell it: `viewer`, `operator`, `administrator`.
std::string_view name(Role role);
// Returns the role of that name, or nullopt if there is no such role.
std::optional<Role> parse_role(std::string_view name);

// One account as read from the store. Plain data; a change takes effect only through the functions
// below.
struct Account {
  std::string name;  // [a-z0-9._-], 1 to 64 characters
  Role role = Role::Viewer;
  // Patterns for the names of the mailboxes and routes that the account may see, with `*` for any
  // run of characters; empty if it may see all of them.
  std::vector<std::string> only;
  // `en`, `it` or `de`; empty if the console follows the browser's Accept-Language.
  std::string language;
  bool disabled = false;
  // Grows by 1 with each new password. A console session remembers the value of its sign-in and
  // ends when the two differ.
  std::uint64_t password_generation = 0;
  Micros created = 0;         // microseconds since the epoch
  Micros password_since = 0;  // likewise
  // The slot is bound to this random id, as a mailbox's slot is bound to the mailbox id.
  MailboxId id;
  seal::PublicKey public_key{};
  Bytes slot;  // password slot (seal/slot.h)
  Bytes totp;  // sealed TOTP secret; empty if there is no second factor
  // Version of the record that was read; a change fails with Conflict if the store has another one.
  // 0 for an account that is not stored yet.
  std::uint64_t version = 0;
  // Serialised fields that a newer version of gw wrote. They are written back unchanged.
  std::string unknown;

  bool has_totp() const { return !totp.empty(); }
  // Checks whether the account may know of a mailbox or route with this name.
  bool may_see(std::string_view mailbox_or_route) const;
  bool is_unrestricted() const { return only.empty(); }
  // Checks whether the account may do everything, including changes to accounts: an administrator
  // that is restricted by no pattern and not disabled.
  bool rules() const { return role == Role::Administrator && is_unrestricted() && !disabled; }
};

// Checks name, patterns (at most 1000 of at most 128 bytes) and language. Fails with BadInput.
Result<void> check_account(const Account& account);

// Reads one account. Fails with NotFound if no account has this name, with Corrupt if its record
// cannot be decoded.
Result<Account> find_account(store::Store& store, std::string_view name);
// Reads all accounts, in order of their names. Fails with Corrupt if one of them cannot be decoded.
Result<std::vector<Account>> accounts(store::Store& store);

// An account together with the password that opens it.
struct MadeAccount {
  Account account;
  Secret password;
};
// Creates an account with the name, role, patterns and language of `wanted`; the other fields of
// `wanted` are ignored. The caller generates the password and shows it before the call, as for a
// mailbox (vault/mailbox.h). Takes a memory permit for Argon2id. Fails with Exists if the name is
// taken, with BadInput if a field or the password is not acceptable.
Result<MadeAccount> add_account(store::Store& store, const Account& wanted, Secret password,
                                std::string_view actor);

// Whether a change may leave the vault without an account that rules(). The console never allows
// this, because no account that signs in could create another administrator; a person with a shell
// on the host can, through gw-store.
enum class LastAdministrator : std::uint8_t { Stays, MayGo };
// Checks whether an account that rules() remains after `name` is replaced by `changed`, or removed
// if `changed` is null.
Result<bool> leaves_ruler(store::Store& store, std::string_view name, const Account* changed);

// Stores `account` with its role, patterns, language or `disabled` changed, in place of the version
// that was read. The history records which values became which; it records `what`, such as `role
// operator`, if the stored account cannot be read or nothing differs from it. Returns the account with its new version. Fails with Conflict if the stored version differs or if the last
// account that rules() would go.
//
// A change that takes an account which rules() first gives a new version to another one that does.
// So of two changes that count on each other's account, in any processes, at most one succeeds.
Result<Account> change_account(store::Store& store, Account account, std::string_view what,
                               std::string_view actor, LastAdministrator last = LastAdministrator::Stays);
// Removes the account. Fails with Conflict as change_account() does.
Result<void> remove_account(store::Store& store, const Account& account, std::string_view actor,
                            LastAdministrator last = LastAdministrator::Stays);

// The result of a sign-in: the account and the opened keys.
struct SignedIn {
  Account account;
  seal::KeyRing ring;
};
// Opens the account's slot with the password. Fails with Denied if the password is wrong, the
// account is unknown or it is disabled; the three cost the same Argon2id work, so that timing does
// not tell them apart. Takes a memory permit for that work and reports Busy if there is none. The
// caller asks for the second factor.
Result<SignedIn> sign_in(store::Store& store, std::string_view name, const Secret& password);

// Wraps the same keys under the new password `fresh`; a second factor stays valid. Fails with
// BadInput if the password is not acceptable, with Conflict if the account was changed since it was
// read.
Result<MadeAccount> change_password(store::Store& store, const SignedIn& who, Secret fresh,
                                    std::string_view actor);
// Replaces a password that is lost, with a new key pair. The second factor is sealed to the old
// keys and cannot be kept: fails with Conflict if there is one and `drop_totp` is false.
Result<MadeAccount> reset_password(store::Store& store, Account account, Secret fresh, bool drop_totp,
                                   std::string_view actor);

// Seals `secret` as the second factor that each sign-in asks for from now on, or removes the second
// factor if `secret` is nullopt. Fails with Conflict if the account was changed since it was read.
Result<Account> set_totp(store::Store& store, Account account, const std::optional<Secret>& secret,
                         std::string_view actor);
// Returns the secret of the second factor. Fails with NotFound if the account has none.
Result<Secret> open_totp(const SignedIn& who);

}  // namespace gw::vault
