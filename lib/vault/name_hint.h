// Hints for a name that does not exist: the nearest one that does, for "did you mean …?".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace gw::vault {

// Returns "did you mean `NAME`?" with the nearest of `names`; `otherwise` if none is near.
std::string name_hint(std::string_view word, const std::vector<std::string>& names,
                      const std::string& otherwise);
// Does the same with the names and aliases of all mailboxes. Returns `otherwise` also if the store
// fails. For tools that work for an administrator: a server must not tell such names to a client.
std::string mailbox_hint(store::Store& store, std::string_view word, const std::string& otherwise);

}  // namespace gw::vault
