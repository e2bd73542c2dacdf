#include "vault/account.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "mail/address.h"
#include "seal/age.h"
#include "seal/slot.h"
#include "vault/account.pb.h"
#include "vault/change_note.h"
#include "vault/keys.h"
#include "vault/mailbox.h"
#include "vault/new_name.h"

namespace gw::vault {
namespace {

constexpr std::size_t kMaxPatterns = 1000;  // bounds the record, and the work of may_see()
constexpr std::size_t kMaxPattern = 128;
constexpr std::size_t kMaxTotp = 256;
// An account has one key pair at a time; the number only fills the ring's format.
constexpr std::uint32_t kGeneration = 1;
constexpr std::array<std::string_view, 4> kAccountLanguages{"", "en", "it", "de"};
// Tries to find an account to count on while other processes change accounts.
constexpr int kMaxTries = 5;
constexpr std::string_view kUnknown = "no such account";

store::RecordKey account_key(std::string_view name) {
  return {store::Kind::Admin, {}, std::string(name)};
}

Error wrong_password() {
  return Error(Code::Denied, "wrong password or no such account");
}

store::Note account_note(std::string_view actor, const std::string& name, std::string_view what) {
  return {store::LeafType::Admin, change_note(actor, "account " + name, what), 0};
}

// Begins with the fields that a newer version wrote, so that an older gw that edits an account does
// not drop them.
Bytes encode(const Account& account) {
  proto::Account out;
  (void)out.ParseFromString(account.unknown);
  out.set_id(std::string(as_text(account.id.view())));
  out.set_role(static_cast<std::uint32_t>(account.role));
  for (const std::string& pattern : account.only) out.add_only(pattern);
  out.set_language(account.language);
  out.set_disabled(account.disabled);
  out.set_public_key(std::string(as_text(account.public_key)));
  out.set_slot(std::string(as_text(account.slot)));
  out.set_totp(std::string(as_text(account.totp)));
  out.set_password_generation(account.password_generation);
  out.set_created(account.created);
  out.set_password_since(account.password_since);
  Bytes stored(out.ByteSizeLong());
  (void)out.SerializeToArray(stored.data(), static_cast<int>(stored.size()));
  return stored;
}

// Treats the record as untrusted input: a user who can write the vault's files must not be able to
// create an account that check_account() would refuse.
Result<Account> decode_account(const store::Record& record) {
  const Error corrupt(Code::Corrupt, "cannot read the account `" + printable(record.key.name) + "`");
  proto::Account in;
  if (!in.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) return corrupt;
  if (in.role() < 1 || in.role() > 3) return corrupt;
  Account account;
  account.name = record.key.name;
  account.version = record.version;
  account.id = MailboxId::from(as_bytes(in.id()));
  account.role = static_cast<Role>(in.role());
  account.only.assign(in.only().begin(), in.only().end());
  account.language = in.language();
  account.disabled = in.disabled();
  if (in.public_key().size() != account.public_key.size()) return corrupt;
  std::ranges::copy(as_bytes(in.public_key()), account.public_key.begin());
  account.slot = to_bytes(in.slot());
  account.totp = to_bytes(in.totp());
  account.password_generation = in.password_generation();
  account.created = in.created();
  account.password_since = in.password_since();
  if (!check_account(account)) return corrupt;
  // Whatever remains in the message after all known fields are cleared are the fields of newer
  // versions.
  in.clear_id();
  in.clear_role();
  in.clear_only();
  in.clear_language();
  in.clear_disabled();
  in.clear_public_key();
  in.clear_slot();
  in.clear_totp();
  in.clear_password_generation();
  in.clear_created();
  in.clear_password_since();
  account.unknown = in.SerializeAsString();
  return account;
}

// Stores the account under the version that was read. If the reply to the commit is lost, the
// record itself tells whether the commit was made: the encoded account contains the new slot or
// setting.
Result<Account> put(store::Store& store, Account account, const store::Note& why) {
  if (const Result<void> valid = check_account(account); !valid) return valid.error();
  if (account.version == 0 && !valid_new_name(account.name))
    return Error(Code::BadInput, "not a valid account name: " + printable(account.name));
  const Result<std::uint64_t> version =
      store.put_if(account_key(account.name), account.version, encode(account), why);
  if (version) {
    account.version = *version;
    return account;
  }
  if (version.error().code() == Code::Unknown) {
    Result<Account> found = find_account(store, account.name);
    if (!found && found.error().code() != Code::NotFound) return version.error();
    if (found && encode(*found) == encode(account)) return found;
    return Error(Code::Unavailable, version.error().text());
  }
  if (version.error().code() == Code::Exists)
    return Error(Code::Exists, "the account `" + account.name + "` already exists");
  return version.error().within("cannot write the account `" + account.name + "`");
}

// Wraps these keys under the password. Raising the generation ends the console sessions of the old
// password.
Result<MadeAccount> wrap(store::Store& store, Account account, const seal::KeyRing& ring, Secret password) {
  if (const Result<void> good = check_password(password); !good) return good.error();
  const Result<Settings> settings = read_settings(store);
  if (!settings) return settings.error();
  Result<store::Slot> slot = make_password_slot(store, *settings, account.id, ring, password);
  if (!slot) return slot.error();
  account.slot = std::move(slot->value);
  account.public_key = ring.keys.front().public_half;
  account.password_since = now();
  ++account.password_generation;
  return MadeAccount{std::move(account), std::move(password)};
}

// Returns the first account other than `name` that rules(); nullopt if there is none.
Result<std::optional<Account>> other_ruler(store::Store& store, std::string_view name) {
  Result<std::vector<Account>> all = accounts(store);
  if (!all) return all.error();
  const auto found =
      std::ranges::find_if(*all, [&](const Account& each) { return each.name != name && each.rules(); });
  return found == all->end() ? std::optional<Account>() : std::optional(std::move(*found));
}

// Fails with Conflict if the change would take the last account that rules(). Otherwise writes the
// record of another account that rules() again, with the same content, so that it gets a new
// version. Call it before the change, which must be made under the version of `name` that was read.
//
// This makes two changes exclude each other if each counts on the account that the other one takes,
// also in two processes and if one of them is killed. Each reads both accounts, then writes the
// other account, then changes its own. Its own change succeeds only if the other process wrote that
// account before this process read it. That cannot be true of both.
Result<void> allow(store::Store& store, const std::string& name, const Account* changed,
                   std::string_view actor, LastAdministrator last) {
  if (last == LastAdministrator::MayGo) return {};
  const Result<Account> before = find_account(store, name);
  if (!before) return before.error();
  // An account that does not rule cannot be the last one that does.
  if (!before->rules() || (changed != nullptr && changed->rules())) return {};
  for (int tries = 1;; ++tries) {
    Result<std::optional<Account>> other = other_ruler(store, name);
    if (!other) return other.error();
    if (!*other)
      return Error(Code::Conflict, "`" + name + "` is the last unrestricted administrator")
          .with_hint("gw-store admin add NAME --role administrator");
    const store::Note why = account_note(actor, (*other)->name, "stays when " + name + " goes");
    const std::uint64_t read = (*other)->version;
    const Result<Account> stays = put(store, std::move(**other), why);
    // If the reply was lost, put() compares the content, which is the same on purpose. Only another
    // version shows that the record was written after it was read.
    if (stays && stays->version != read) return {};
    // That account was changed or removed after it was read: look for another one.
    if (!stays && stays.error().code() != Code::Conflict) return stays.error();
    if (tries < kMaxTries) continue;
    if (!stays) return stays.error();
    return Error(Code::Unavailable, "it is unknown whether the account `" + stays->name + "` stays");
  }
}

seal::KeyRing fresh_ring() {
  seal::KeyRing ring;
  ring.keys.push_back(seal::ring_key(kGeneration, seal::generate_key()));
  return ring;
}

// Returns which values of the stored account the change replaces; `otherwise` if there are none or
// the account cannot be read.
std::string differences(store::Store& store, const Account& account, std::string_view otherwise) {
  Differences found;
  if (const Result<Account> before = find_account(store, account.name)) {
    // The most important change comes first, because a long text is cut.
    if (before->disabled != account.disabled) found.plain(account.disabled ? "disabled" : "enabled");
    found.value("role", name(before->role), name(account.role));
    found.list("only", before->only, account.only);
    found.value("language", before->language, account.language);
  }
  const std::string text = found.text();
  return text.empty() ? std::string(otherwise) : text;
}

}  // namespace

std::string_view name(Role role) {
  return role == Role::Viewer ? "viewer" : role == Role::Operator ? "operator" : "administrator";
}

std::optional<Role> parse_role(std::string_view word) {
  for (const Role role : {Role::Viewer, Role::Operator, Role::Administrator})
    if (word == name(role)) return role;
  return std::nullopt;
}

bool Account::may_see(std::string_view mailbox_or_route) const {
  return only.empty() || std::ranges::any_of(only, [&](const std::string& pattern) {
           return fits_pattern(mailbox_or_route, pattern);
         });
}

Result<void> check_account(const Account& account) {
  if (!mail::valid_name(account.name))
    return Error(Code::BadInput, "not a valid account name: " + printable(account.name));
  if (account.only.size() > kMaxPatterns) return Error(Code::BadInput, "too many patterns for one account");
  for (const std::string& pattern : account.only) {
    const bool good =
        !pattern.empty() && pattern.size() <= kMaxPattern && std::ranges::all_of(pattern, [](char c) {
          return c == '*' || mail::valid_name(std::string_view(&c, 1));
        });
    if (!good)
      return Error(Code::BadInput, "not a valid pattern of mailbox and route names: " + printable(pattern));
  }
  if (std::ranges::find(kAccountLanguages, account.language) == kAccountLanguages.end())
    return Error(Code::BadInput, "not a supported language: " + printable(account.language));
  return {};
}

// An invalid name cannot be in the store; asking for it would only give a less clear error.
Result<Account> find_account(store::Store& store, std::string_view name) {
  if (!mail::valid_name(name)) return Error(Code::NotFound, "no account `" + printable(name) + "`");
  const Result<store::Record> record = store.get(account_key(name));
  if (record) return decode_account(*record);
  if (record.error().code() != Code::NotFound) return record.error().within("cannot read the account");
  return Error(Code::NotFound, "no account `" + std::string(name) + "`");
}

Result<std::vector<Account>> accounts(store::Store& store) {
  constexpr std::size_t kPage = 100;
  std::vector<Account> all;
  std::string after;
  for (;;) {
    const Result<std::vector<store::Record>> page = store.scan(store::Kind::Admin, {}, after, kPage);
    if (!page) return page.error().within("cannot read the accounts");
    // API tokens are records of the same kind. Their names contain a colon, which no account name
    // may.
    for (const store::Record& record : *page) {
      if (!mail::valid_name(record.key.name)) continue;
      Result<Account> account = decode_account(record);
      if (!account) return account.error();
      all.push_back(std::move(*account));
    }
    if (page->size() < kPage) return all;
    after = page->back().key.name;
  }
}

// Copies only the fields that the caller may choose, so that a request cannot bring its own slot or
// keys.
Result<MadeAccount> add_account(store::Store& store, const Account& wanted, Secret password,
                                std::string_view actor) {
  Account account;
  account.name = wanted.name;
  account.role = wanted.role;
  account.only = wanted.only;
  account.language = wanted.language;
  if (const Result<void> valid = check_account(account); !valid) return valid.error();
  account.id = random_id<MailboxId>();
  account.created = now();
  Result<MadeAccount> made = wrap(store, std::move(account), fresh_ring(), std::move(password));
  if (!made) return made.error();
  const std::string what = "added, " + std::string(name(wanted.role));
  Result<Account> stored = put(store, std::move(made->account), account_note(actor, wanted.name, what));
  if (!stored) return stored.error();
  return MadeAccount{std::move(*stored), std::move(made->password)};
}

Result<bool> leaves_ruler(store::Store& store, std::string_view name, const Account* changed) {
  if (changed != nullptr && changed->rules()) return true;
  const Result<std::optional<Account>> other = other_ruler(store, name);
  if (!other) return other.error();
  return other->has_value();
}

Result<Account> change_account(store::Store& store, Account account, std::string_view what,
                               std::string_view actor, LastAdministrator last) {
  if (const Result<void> allowed = allow(store, account.name, &account, actor, last); !allowed)
    return allowed.error();
  const store::Note why = account_note(actor, account.name, differences(store, account, what));
  return put(store, std::move(account), why);
}

Result<void> remove_account(store::Store& store, const Account& account, std::string_view actor,
                            LastAdministrator last) {
  if (const Result<void> allowed = allow(store, account.name, nullptr, actor, last); !allowed)
    return allowed.error();
  const Result<void> gone = store.erase_if(account_key(account.name), account.version,
                                           account_note(actor, account.name, "removed"));
  // The reply was lost. An account of this version that is still there was not removed.
  if (!gone && gone.error().code() == Code::Unknown) {
    const Result<Account> left = find_account(store, account.name);
    if (!left) return left.error().code() == Code::NotFound ? Result<void>() : gone;
    return left->version == account.version ? Error(Code::Unavailable, gone.error().text()) : Result<void>();
  }
  if (!gone) return gone.error().within("cannot remove the account `" + account.name + "`");
  return {};
}

Result<SignedIn> sign_in(store::Store& store, std::string_view name, const Secret& password) {
  Result<Account> account = find_account(store, name);
  if (!account && account.error().code() != Code::NotFound) return account.error();
  const Result<Settings> settings = read_settings(store);
  if (!settings) return settings.error();
  const Result<VaultId> vault = store.vault_id();
  if (!vault) return vault.error();
  seal::Argon2Cost cost{settings->argon2_memory, settings->argon2_passes};
  const seal::SlotPlace place{*vault, account ? account->id : MailboxId()};
  // An unknown or disabled account goes through the same Argon2id work at the vault's cost, so that
  // the response time tells no stranger which accounts exist.
  const bool opens = account && !account->disabled;
  if (opens) {
    const Result<seal::Argon2Cost> own = seal::slot_cost(place, account->slot, floor_of(*settings));
    if (!own) return own.error();
    cost = *own;
  }
  // The permit covers the real work and the pretended one alike. Without it a flood of sign-ins
  // would exhaust the memory of the host.
  const Result<std::unique_ptr<store::MemoryPermit>> permit = store.permit(cost.memory);
  if (!permit) return permit.error();
  if (!opens) {
    // The name only selects the salt of the pretended work; it must not be one that a person can
    // choose.
    const std::string nobody = account ? "disabled account" : std::string(kUnknown);
    const Result<void> worked = work_as_open_slot(*vault, nobody, password, cost);
    return worked ? wrong_password() : worked.error();
  }
  Result<seal::KeyRing> ring = open_slot(place, account->slot, password, *settings);
  if (!ring) return ring.error().code() == Code::Denied ? wrong_password() : ring.error();
  // The slot is authenticated, but `public_key` in the record is not. A foreign key there would let
  // its owner read the TOTP secret that is sealed to it next.
  if (ring->keys.size() != 1 || ring->keys.front().public_half != account->public_key)
    return Error(Code::Corrupt, "the account's key does not match its slot");
  return SignedIn{std::move(*account), std::move(*ring)};
}

Result<MadeAccount> change_password(store::Store& store, const SignedIn& who, Secret fresh,
                                    std::string_view actor) {
  Result<MadeAccount> made = wrap(store, who.account, who.ring, std::move(fresh));
  if (!made) return made.error();
  Result<Account> stored =
      put(store, std::move(made->account), account_note(actor, who.account.name, "password"));
  if (!stored) return stored.error();
  return MadeAccount{std::move(*stored), std::move(made->password)};
}

// New keys cannot open what is sealed to the old ones. Dropping the second factor must be the
// caller's explicit decision, since otherwise a password reset would silently weaken the account.
Result<MadeAccount> reset_password(store::Store& store, Account account, Secret fresh, bool drop_totp,
                                   std::string_view actor) {
  const bool dropped = account.has_totp();
  if (dropped && !drop_totp)
    return Error(Code::Conflict,
                 "the second factor of `" + account.name + "` cannot be kept with a new password");
  account.totp.clear();
  const std::string name = account.name;
  Result<MadeAccount> made = wrap(store, std::move(account), fresh_ring(), std::move(fresh));
  if (!made) return made.error();
  Result<Account> stored =
      put(store, std::move(made->account),
          account_note(actor, name, dropped ? "password reset, second factor removed" : "password reset"));
  if (!stored) return stored.error();
  return MadeAccount{std::move(*stored), std::move(made->password)};
}

Result<Account> set_totp(store::Store& store, Account account, const std::optional<Secret>& secret,
                         std::string_view actor) {
  const store::Note why =
      account_note(actor, account.name, secret ? "second factor set" : "second factor removed");
  account.totp.clear();
  if (secret) {
    Result<Bytes> sealed = seal::seal_file(*secret, account.public_key);
    if (!sealed) return sealed.error();
    account.totp = std::move(*sealed);
  }
  return put(store, std::move(account), why);
}

// The secret is collected in memory of fixed size that is wiped afterwards. set_totp() seals far
// less than kMaxTotp bytes; more would be cut.
Result<Secret> open_totp(const SignedIn& who) {
  if (!who.account.has_totp()) return Error(Code::NotFound, "the account has no second factor");
  Secret secret(kMaxTotp);
  std::size_t used = 0;
  const Result<void> opened = seal::open_file(who.account.totp, who.ring.keys, [&](ByteView data) {
    const std::size_t count = std::min(data.size(), kMaxTotp - used);
    std::copy_n(data.begin(), count, secret.span().begin() + static_cast<std::ptrdiff_t>(used));
    used += count;
  });
  if (!opened) return opened.error().within("cannot read the second factor");
  secret.shorten(used);
  return secret;
}

}  // namespace gw::vault
