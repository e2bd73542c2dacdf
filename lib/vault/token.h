// API tokens of the console: what a program presents instead of signing in.
//
// A token is `gw_<name>_<32 characters>`, with 160 random bits; it is shown once, when it is
// created. The vault keeps a small record (Kind::Admin, `token:<name>`) with its SHA-256; so many
// random bits need no slow hash. Creating and revoking a token are entries in the vault's history.
//
// Not to be confused with a mailbox's sender token (vault/mailbox.h), which is for SMTP AUTH.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "base/result.h"
#include "base/secret.h"
#include "store/store.h"
#include "vault/account.h"

namespace gw::vault {

// What a token may do. The first three correspond to the roles viewer, operator and administrator.
// `metrics` may only read the numbers of the whole vault, so that a monitoring system needs no
// further rights. The values are stored.
enum class Scope : std::uint8_t { Read = 1, Operate = 2, Administer = 3, Metrics = 4 };
// Returns `read`, `operate`, `administer` or `metrics`.
std::string_view name(Scope scope);
// Returns the scope of that name, or nullopt if there is no such scope.
std::optional<Scope> parse_scope(std::string_view word);
// Returns the scope with the rights of this role.
Scope scope_of(Role role);

struct ApiToken {
  std::string name;  // [a-z0-9._-], 1 to 64 characters
  Scope scope = Scope::Read;
  // Patterns for the names of the mailboxes and routes that it may see; empty if it may see all.
  std::vector<std::string> only;
  Micros created = 0;         // microseconds since the epoch
  Micros expires = 0;         // likewise; 0 if it never expires
  std::string made_by;        // the actor that created it
  Digest hash{};              // SHA-256 of the whole token
  std::uint64_t version = 0;  // of the record as read
};

// Returns the text of a new token. It has no effect until make_api_token() has stored it; the
// caller shows it before that. Fails with BadInput if `name` is not a valid name.
Result<Secret> generate_api_token(std::string_view name);
// Stores a token with the name, scope, patterns, expiry and creation time (0 for now) of `wanted`.
// If the reply to the commit is lost, it asks the store once. Fails with Exists if the name is
// taken, with BadInput if a field is invalid or `text` is not what generate_api_token() produces
// for this name.
Result<ApiToken> make_api_token(store::Store& store, const ApiToken& wanted, const Secret& text,
                                std::string_view actor);
// Reads all tokens, in order of their names.
Result<std::vector<ApiToken>> api_tokens(store::Store& store);
// Reads one token. Fails with NotFound.
Result<ApiToken> find_api_token(store::Store& store, std::string_view name);
// Removes the token. Fails with Conflict if the stored version differs, with NotFound if it is
// gone.
Result<void> revoke_api_token(store::Store& store, const ApiToken& token, std::string_view actor);

// Returns the token with this text. Fails with Denied if there is none or it has expired; the two
// are not told apart. The hash is compared in constant time.
Result<ApiToken> check_api_token(store::Store& store, ByteView text, Micros now);

// Returns an account with the rights of the token, for code that checks rights of accounts. A
// `metrics` token acts as a viewer; the caller restricts it further.
Account account_of(const ApiToken& token);

}  // namespace gw::vault
