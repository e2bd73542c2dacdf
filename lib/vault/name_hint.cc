#include "vault/name_hint.h"

#include "base/text.h"

namespace gw::vault {

std::string name_hint(std::string_view word, const std::vector<std::string>& names,
                      const std::string& otherwise) {
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const std::string_view near = nearest(lower(word), candidates);
  return near.empty() ? otherwise : "did you mean `" + std::string(near) + "`?";
}

std::string mailbox_hint(store::Store& store, std::string_view word, const std::string& otherwise) {
  const auto mailboxes = store.mailboxes();
  if (!mailboxes) return otherwise;
  std::vector<std::string> names;
  for (const store::MailboxRecord& mailbox : *mailboxes) {
    names.push_back(mailbox.name);
    names.insert(names.end(), mailbox.aliases.begin(), mailbox.aliases.end());
  }
  return name_hint(word, names, otherwise);
}

}  // namespace gw::vault
