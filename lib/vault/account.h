// Accounts of the console: who may sign in, and what he may do and see.
//
// An account is a small record of the vault (Kind::Admin, by its name). It has a key pair of its own, whose
// secret half is wrapped by the password in a slot as a mailbox's is (seal/slot.h): opening the slot is the
// sign-in. The secret of a second factor is sealed to that key pair, so that who copies the vault's folder
// can neither sign in nor show codes. Each change is a leaf of the vault's history whose actor says who did
// it and what.
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

// Each may what the one before it may.
enum class Role : std::uint8_t {
  Viewer = 1,         // looks
  Operator = 2,       // also works on mailboxes, messages and routes
  Administrator = 3,  // also on accounts
};
std::string_view name(Role role);  // `viewer`
std::optional<Role> parse_role(std::string_view name);

struct Account {
  std::string name;  // [a-z0-9._-], 1 to 64
  Role role = Role::Viewer;
  std::vector<std::string> only;  // patterns of names of mailboxes and routes; empty: all
  std::string language;           // `en`, `it`, `de`; empty: as the browser asks
  bool disabled = false;
  std::uint64_t password_generation = 0;  // grows with each new password: sessions of older ones end
  Micros created = 0;
  Micros password_since = 0;
  MailboxId id;  // the slot's place; as random as a mailbox's
  seal::PublicKey public_key{};
  Bytes slot;
  Bytes totp;                 // the second factor's secret, sealed; empty: none
  std::uint64_t version = 0;  // as read; a change checks it. 0: not yet stored
  std::string unknown;        // fields of newer versions, kept as they are

  bool has_totp() const { return !totp.empty(); }
  // Whether the account may know of a mailbox or route of this name.
  bool may_see(std::string_view mailbox_or_route) const;
  bool sees_all() const { return only.empty(); }
  // Whether it may do everything, on accounts too.
  bool rules() const { return role == Role::Administrator && sees_all() && !disabled; }
};

// BadInput for what no account may have: names, patterns, languages.
Result<void> check_account(const Account& account);

Result<Account> find_account(store::Store& store, std::string_view name);  // NotFound
Result<std::vector<Account>> accounts(store::Store& store);                // by name

struct MadeAccount {
  Account account;
  Secret password;
};
// Makes one with the name, role, patterns and language of `wanted`. As with mailboxes, the password is the
// caller's, who shows it before. Exists, BadInput.
Result<MadeAccount> add_account(store::Store& store, const Account& wanted, Secret password,
                                std::string_view actor);

// Whether a change may take the last account that rules. Nobody who signs in could then make another one:
// only who is on the host lets it go.
enum class LastRuler : std::uint8_t { Stays, MayGo };
// Whether an account that rules is left once `name` is as in `changed`, or removed (none).
Result<bool> leaves_ruler(store::Store& store, std::string_view name, const Account* changed);

// Replaces the version that was read with its role, patterns, language or `disabled` changed. `what` says for
// the history what is changed: `role operator`. Conflict: not that version, or the last ruler would go.
// Changes by one process do not cross each other.
Result<Account> change_account(store::Store& store, Account account, std::string_view what,
                               std::string_view actor, LastRuler last = LastRuler::Stays);
Result<void> remove_account(store::Store& store, const Account& account, std::string_view actor,
                            LastRuler last = LastRuler::Stays);

struct SignedIn {
  Account account;
  seal::KeyRing ring;
};
// Denied: not the password, no such account, or a disabled one; all three cost the same work, for which a
// permit is taken. The second factor is the caller's to ask for.
Result<SignedIn> sign_in(store::Store& store, std::string_view name, const Secret& password);

// Wraps the same keys under a new password; a second factor stays.
Result<MadeAccount> change_password(store::Store& store, const SignedIn& who, Secret fresh,
                                    std::string_view actor);
// For who lost it. New keys, so a second factor cannot stay: Conflict where there is one, unless `drop_totp`.
Result<MadeAccount> reset_password(store::Store& store, Account account, Secret fresh, bool drop_totp,
                                   std::string_view actor);

// The second factor's secret, from now on asked for; none: no longer.
Result<Account> set_totp(store::Store& store, Account account, const std::optional<Secret>& secret,
                         std::string_view actor);
Result<Secret> open_totp(const SignedIn& who);  // NotFound: there is none

}  // namespace gw::vault
