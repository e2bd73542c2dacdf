// Tokens of the console's API: what a program shows instead of signing in.
//
// A token is `gw_<name>_<32 characters>`, of which 160 bits are random; it is shown once, when it is made.
// The vault keeps a small record (Kind::Admin, `token:<name>`) with its SHA-256: so many random bits need no
// slow hash. Each token made or revoked is a leaf of the vault's history.
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

// The first three may what an account of that role may; `metrics` may ask for the numbers of the whole vault
// and nothing else, so that who watches needs no more.
enum class Scope : std::uint8_t { Read = 1, Operate = 2, Administer = 3, Metrics = 4 };
std::string_view name(Scope scope);  // `read`
std::optional<Scope> parse_scope(std::string_view word);
Scope scope_of(Role role);

struct ApiToken {
  std::string name;  // [a-z0-9._-], 1 to 64
  Scope scope = Scope::Read;
  std::vector<std::string> only;  // patterns of names of mailboxes and routes; empty: all
  Micros created = 0;
  Micros expires = 0;         // 0: never
  std::string made_by;        // an actor
  Digest hash{};              // of the whole token
  std::uint64_t version = 0;  // as read
};

// The text of a fresh token of this name. It is nothing until make_api_token() has put it into the vault: the
// caller shows it before. BadInput: not a name for a token.
Result<Secret> generate_api_token(std::string_view name);
// With the name, scope, patterns, expiry and time of making (0: now) of `wanted`. Exists; BadInput, also for
// a text that is not of the form that generate_api_token() makes for this name.
Result<ApiToken> make_api_token(store::Store& store, const ApiToken& wanted, const Secret& text,
                                std::string_view actor);
Result<std::vector<ApiToken>> api_tokens(store::Store& store);                // by name
Result<ApiToken> find_api_token(store::Store& store, std::string_view name);  // NotFound
Result<void> revoke_api_token(store::Store& store, const ApiToken& token, std::string_view actor);

// Denied: no such token, or one whose time is over.
Result<ApiToken> check_api_token(store::Store& store, ByteView text, Micros now);

// As the account that it acts like; of scope `metrics`, one that looks.
Account account_of(const ApiToken& token);

}  // namespace gw::vault
