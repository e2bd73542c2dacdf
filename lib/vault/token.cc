#include "vault/token.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "mail/address.h"
#include "vault/change_note.h"
#include "vault/new_name.h"
#include "vault/token.pb.h"

namespace gw::vault {
namespace {

constexpr std::string_view kRecord = "token:";  // no account name contains a colon
// By this prefix, scanners for leaked secrets recognise a token.
constexpr std::string_view kTokenPrefix = "gw_";
constexpr std::size_t kRandom = 20;
constexpr std::size_t kTokenCharacters = kRandom * 8 / 5;
constexpr std::string_view kTokenAlphabet =
    "abcdefghijklmnopqrstuvwxyz234567";  // base32, RFC 4648, section 6

store::RecordKey token_key(std::string_view name) {
  return {store::Kind::Admin, {}, std::string(kRecord) + std::string(name)};
}

store::Note token_note(std::string_view actor, const std::string& name, std::string_view what) {
  return {store::LeafType::Admin, change_note(actor, "token " + name, what), 0};
}

// Returns `gw_<name>_` and 160 random bits, five per character. Encodes by itself, since a base32
// function that returns a std::string would leave a copy of the secret in memory.
Secret fresh_text(const std::string& name) {
  const std::string head = std::string(kTokenPrefix) + name + "_";
  Secret random(kRandom);
  random_bytes(random.span());
  Secret text(head.size() + kTokenCharacters);
  std::ranges::copy(as_bytes(head), text.span().begin());
  for (std::size_t at = 0; at < kTokenCharacters; ++at) {
    unsigned value = 0;
    for (std::size_t bit = at * 5; bit < at * 5 + 5; ++bit)
      value = value * 2 + (std::to_integer<unsigned>(random.view()[bit / 8]) >> (7 - bit % 8) & 1U);
    text.span()[head.size() + at] = static_cast<std::byte>(kTokenAlphabet[value]);
  }
  return text;
}

bool is_text_of(std::string_view text, const std::string& name) {
  const std::string head = std::string(kTokenPrefix) + name + "_";
  return text.starts_with(head) && text.size() == head.size() + kTokenCharacters &&
         text.substr(head.size()).find_first_not_of(kTokenAlphabet) == std::string_view::npos;
}

Digest hash_of(ByteView text) {
  return Sha256().update(text).finish();
}

Bytes encode(const ApiToken& token) {
  proto::Token out;
  out.set_hash(std::string(as_text(token.hash)));
  out.set_role(static_cast<std::uint32_t>(token.scope));
  for (const std::string& pattern : token.only) out.add_only(pattern);
  out.set_created(token.created);
  out.set_expires(token.expires);
  out.set_made_by(token.made_by);
  Bytes stored(out.ByteSizeLong());
  (void)out.SerializeToArray(stored.data(), static_cast<int>(stored.size()));
  return stored;
}

Result<ApiToken> decode_token(const store::Record& record) {
  const Error corrupt(Code::Corrupt, "cannot read the token `" + printable(record.key.name) + "`");
  proto::Token in;
  if (!in.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) return corrupt;
  ApiToken token;
  if (in.role() < 1 || in.role() > 4 || in.hash().size() != token.hash.size()) return corrupt;
  token.name = record.key.name.substr(kRecord.size());
  token.version = record.version;
  std::ranges::copy(as_bytes(in.hash()), token.hash.begin());
  token.scope = static_cast<Scope>(in.role());
  token.only.assign(in.only().begin(), in.only().end());
  token.created = in.created();
  token.expires = in.expires();
  token.made_by = in.made_by();
  return token;
}

}  // namespace

std::string_view name(Scope scope) {
  switch (scope) {
    case Scope::Read:
      return "read";
    case Scope::Operate:
      return "operate";
    case Scope::Administer:
      return "administer";
    case Scope::Metrics:
      return "metrics";
  }
  return "read";
}

std::optional<Scope> parse_scope(std::string_view word) {
  for (const Scope scope : {Scope::Read, Scope::Operate, Scope::Administer, Scope::Metrics})
    if (word == name(scope)) return scope;
  return std::nullopt;
}

Scope scope_of(Role role) {
  return role == Role::Viewer ? Scope::Read : role == Role::Operator ? Scope::Operate : Scope::Administer;
}

Account account_of(const ApiToken& token) {
  Account account;
  account.name = token.name;
  account.role = token.scope == Scope::Administer ? Role::Administrator
                 : token.scope == Scope::Operate  ? Role::Operator
                                                  : Role::Viewer;
  account.only = token.only;
  return account;
}

Result<Secret> generate_api_token(std::string_view name) {
  if (!valid_new_name(name)) return Error(Code::BadInput, "not a valid token name: " + printable(name));
  return fresh_text(std::string(name));
}

Result<ApiToken> make_api_token(store::Store& store, const ApiToken& wanted, const Secret& text,
                                std::string_view actor) {
  if (!valid_new_name(wanted.name))
    return Error(Code::BadInput, "not a valid token name: " + printable(wanted.name));
  if (!is_text_of(text.text(), wanted.name))
    return Error(Code::BadInput, "a token must be one that gw generated for this name");
  // Names and patterns follow the same rules as those of accounts.
  if (const Result<void> valid = check_account(account_of(wanted)); !valid) return valid.error();
  ApiToken token = wanted;
  if (token.created == 0) token.created = now();
  token.made_by = actor;
  token.hash = hash_of(text.view());
  const auto version =
      store.put_if(token_key(token.name), 0, encode(token),
                   token_note(actor, token.name, "created, " + std::string(name(token.scope))));
  // The reply was lost. The hash in the record tells whether the commit was made.
  if (!version && version.error().code() == Code::Unknown) {
    Result<ApiToken> found = find_api_token(store, token.name);
    if (!found && found.error().code() != Code::NotFound) return version.error();
    if (found && found->hash == token.hash) return found;
    return Error(Code::Unavailable, version.error().text());
  }
  if (!version && version.error().code() == Code::Exists)
    return Error(Code::Exists, "the token `" + token.name + "` already exists");
  if (!version) return version.error().within("cannot write the token `" + token.name + "`");
  token.version = *version;
  return token;
}

Result<std::vector<ApiToken>> api_tokens(store::Store& store) {
  constexpr std::size_t kPage = 100;
  std::vector<ApiToken> all;
  // Records are sorted by name. All tokens are in one run that begins after the bare prefix.
  std::string after(kRecord);
  for (;;) {
    const auto page = store.scan(store::Kind::Admin, {}, after, kPage);
    if (!page) return page.error().within("cannot read the tokens");
    for (const store::Record& record : *page) {
      if (!record.key.name.starts_with(kRecord)) return all;
      Result<ApiToken> token = decode_token(record);
      if (!token) return token.error();
      all.push_back(std::move(*token));
    }
    if (page->size() < kPage) return all;
    after = page->back().key.name;
  }
}

Result<ApiToken> find_api_token(store::Store& store, std::string_view name) {
  const Error none(Code::NotFound, "no token `" + printable(name) + "`");
  if (!mail::valid_name(name)) return none;
  const Result<store::Record> record = store.get(token_key(name));
  if (record) return decode_token(*record);
  return record.error().code() == Code::NotFound ? none : record.error().within("cannot read the token");
}

Result<void> revoke_api_token(store::Store& store, const ApiToken& token, std::string_view actor) {
  const Result<void> revoked =
      store.erase_if(token_key(token.name), token.version, token_note(actor, token.name, "revoked"));
  if (revoked || revoked.error().code() != Code::Unknown) return revoked;
  // The reply was lost. A token of this version that is still there was not revoked.
  const Result<ApiToken> left = find_api_token(store, token.name);
  if (!left) return left.error().code() == Code::NotFound ? Result<void>() : revoked;
  return left->version == token.version ? Error(Code::Unavailable, revoked.error().text()) : Result<void>();
}

Result<ApiToken> check_api_token(store::Store& store, ByteView text, Micros now) {
  const Error denied(Code::Denied, "no such token, or it has expired");
  const std::string_view shown = as_text(text);
  // A name may contain underscores, the random part cannot.
  const std::size_t end = shown.rfind('_');
  if (!shown.starts_with(kTokenPrefix) || end == std::string_view::npos || end < kTokenPrefix.size())
    return denied;
  Result<ApiToken> token =
      find_api_token(store, shown.substr(kTokenPrefix.size(), end - kTokenPrefix.size()));
  if (!token) return token.error().code() == Code::NotFound ? denied : token.error();
  // The name is public, only the comparison of the hash must take constant time.
  if (!equal_secrets(hash_of(text), token->hash)) return denied;
  if (token->expires != 0 && token->expires <= now) return denied;
  return token;
}

}  // namespace gw::vault
