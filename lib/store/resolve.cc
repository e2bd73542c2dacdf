#include "store/resolve.h"

#include <algorithm>

#include "base/text.h"
#include "mail/address.h"

namespace gw::store {
namespace {

constexpr std::string_view kPrefix = "mbx-";
// Bytes; an address has at most 320 (RFC 5321, section 4.5.3.1).
constexpr std::size_t kMaxAddress = 512;

// Reads an index record, whose value is a mailbox id.
Result<MailboxId> follow(const Get& get, Kind kind, std::string name) {
  auto record = get({kind, {}, std::move(name)});
  if (!record) return record.error();
  const MailboxId id = MailboxId::from(record->value);
  if (id.zero()) return Error(Code::Corrupt, "the index record names no mailbox");
  return id;
}

// Returns the id if it is valid and there is such a mailbox.
Result<MailboxId> existing(const Get& get, std::string_view hex) {
  const auto id = MailboxId::parse(hex);
  if (!id) return Error(Code::NotFound, "no such mailbox");
  if (auto record = get({Kind::Mailbox, *id, {}}); !record) return record.error();
  return *id;
}

// Only NotFound lets the search go on. With any other error the answer is unknown, and going on
// could find another mailbox for the address.
bool absent(const Result<MailboxId>& found) {
  return !found && found.error().code() == Code::NotFound;
}

}  // namespace

std::string alias_key(const VaultId& vault, std::string_view address_or_domain) {
  const std::string text = lower(address_or_domain);
  return to_hex(Sha256().update(vault.view()).update(as_bytes(text)).finish());
}

namespace {

// Resolves an address in one of its forms.
Result<MailboxId> resolve_form(const VaultId& vault, const Get& get, const std::string& address,
                               Lookup lookup) {
  const std::size_t at = address.rfind('@');
  const bool bare = at == std::string::npos;
  const std::string untagged = mail::without_tag(address);

  // The built-in address works at every domain, because it must work before anything is configured.
  if (untagged.starts_with(kPrefix)) {
    auto found =
        existing(get, std::string_view(untagged).substr(0, untagged.rfind('@')).substr(kPrefix.size()));
    if (!absent(found)) return found;
  }
  // A name or an id without a domain is a login only.
  if (bare) {
    if (lookup != Lookup::Login) return Error(Code::NotFound, "no such mailbox");
    auto found = follow(get, Kind::Name, address);
    return absent(found) ? existing(get, address) : found;
  }
  // The exact alias first, then without the tag, then the domain: `me+x@a.example` may be an alias
  // of its own.
  auto found = follow(get, Kind::Alias, alias_key(vault, address));
  if (absent(found) && untagged != address) found = follow(get, Kind::Alias, alias_key(vault, untagged));
  if (absent(found) && lookup == Lookup::Recipient)
    found = follow(get, Kind::Alias, alias_key(vault, std::string_view(address).substr(at)));
  return found;
}

}  // namespace

Result<MailboxId> resolve(const VaultId& vault, const Get& get, std::string_view address, Lookup lookup) {
  if (address.size() > kMaxAddress) return Error(Code::NotFound, "no such mailbox");
  const std::string form = mail::comparable(address);
  if (form.empty()) return Error(Code::NotFound, "no such mailbox");
  auto found = resolve_form(vault, get, form, lookup);
  // Version 0.1.0 stored aliases outside of ASCII as they were given, with ASCII letters in lower
  // case. Such a record is found by that form.
  const std::string written = lower(address);
  if (absent(found) && has_8bit(written) && written != form)
    found = resolve_form(vault, get, written, lookup);
  return found;
}

std::vector<RecordKey> index_keys(const VaultId& vault, const MailboxRecord& record) {
  std::vector<RecordKey> keys{{Kind::Name, {}, record.name}};
  for (const std::string& alias : record.aliases) keys.push_back({Kind::Alias, {}, alias_key(vault, alias)});
  for (const std::string& domain : record.domains)
    keys.push_back({Kind::Alias, {}, alias_key(vault, "@" + domain)});
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

Recipient recipient(const MailboxRecord& record, const MailboxStat& stat) {
  Recipient result{record, std::numeric_limits<std::uint64_t>::max()};
  // A receiver does not need the description, which people write for themselves.
  result.mailbox.description.clear();
  if (record.quota != 0) result.room = record.quota - std::min(record.quota, stat.live_bytes);
  return result;
}

}  // namespace gw::store
