#include "store/resolve.h"

#include <algorithm>

#include "base/text.h"

namespace gw::store {
namespace {

constexpr std::string_view kPrefix = "mbx-";
constexpr std::size_t kMaxAddress = 512;  // an address has at most 320 octets (RFC 5321 section 4.5.3.1)

// A record whose value is a mailbox's id.
Result<MailboxId> follow(const Get& get, Kind kind, std::string name) {
  auto record = get({kind, {}, std::move(name)});
  if (!record) return record.error();
  const MailboxId id = MailboxId::from(record->value);
  if (id.zero()) return Error(Code::Corrupt, "an index record that names no mailbox");
  return id;
}

// The id itself, if there is such a mailbox.
Result<MailboxId> existing(const Get& get, std::string_view hex) {
  const auto id = MailboxId::parse(hex);
  if (!id) return Error(Code::NotFound, "no such mailbox");
  if (auto record = get({Kind::Mailbox, *id, {}}); !record) return record.error();
  return *id;
}

// What a quoted local part stands for: all quoted forms of one are the same address (RFC 5321 section 4.1.2).
// No alias has quotes in it.
std::string unquoted(std::string_view local) {
  if (local.size() < 2 || local.front() != '"' || local.back() != '"') return std::string(local);
  std::string text;
  for (std::size_t i = 1; i + 1 < local.size(); ++i) {
    if (local[i] == '\\' && i + 2 < local.size()) ++i;
    text += local[i];
  }
  return text;
}

bool absent(const Result<MailboxId>& found) {
  return !found && found.error().code() == Code::NotFound;
}

}  // namespace

std::string alias_key(const VaultId& vault, std::string_view address_or_domain) {
  const std::string text = lower(address_or_domain);
  return to_hex(Sha256().update(vault.view()).update(as_bytes(text)).finish());
}

Result<MailboxId> resolve(const VaultId& vault, const Get& get, std::string_view address, Lookup lookup) {
  if (address.size() > kMaxAddress || address.empty()) return Error(Code::NotFound, "no such mailbox");
  const std::string given = lower(address);
  const std::size_t at = given.rfind('@');
  const bool bare = at == std::string::npos;
  const std::string local = bare ? given : unquoted(std::string_view(given).substr(0, at));
  const std::string domain = bare ? std::string() : given.substr(at + 1);
  const std::size_t plus = local.find('+');
  const std::string untagged = plus == 0 ? local : local.substr(0, plus);

  if (untagged.starts_with(kPrefix)) {
    auto found = existing(get, std::string_view(untagged).substr(kPrefix.size()));
    if (!absent(found)) return found;
  }
  if (bare) {
    if (lookup != Lookup::Login) return Error(Code::NotFound, "no such mailbox");
    auto found = follow(get, Kind::Name, local);
    return absent(found) ? existing(get, local) : found;
  }
  // Without a local part it is the key of a whole domain, which is looked up last and for recipients only.
  auto found = local.empty() ? Error(Code::NotFound, "no such mailbox")
                             : follow(get, Kind::Alias, alias_key(vault, local + "@" + domain));
  if (absent(found) && untagged != local)
    found = follow(get, Kind::Alias, alias_key(vault, untagged + "@" + domain));
  if (absent(found) && lookup == Lookup::Recipient && !domain.empty())
    found = follow(get, Kind::Alias, alias_key(vault, "@" + domain));
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
  result.mailbox.description.clear();
  if (record.quota != 0) result.room = record.quota - std::min(record.quota, stat.live_octets);
  return result;
}

}  // namespace gw::store
