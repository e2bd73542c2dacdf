// The files that salvage takes from a damaged vault, and those that it leaves beside the new one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/id.h"
#include "base/result.h"
#include "store/local/salvage_source.h"

namespace gw::store {

// An absent or empty folder, which is not within `from`.
Result<void> make_target(const std::string& from, const std::string& to);

// Whether the format file is whole and of a newer gw: one that is not understood may be damaged instead.
bool names_newer_format(const std::string& vault);

// A link or a synced copy under the new name. False: it is not there or has another digest, and no copy
// stays.
Result<bool> take_file(const std::string& from, const std::string& to, const Digest& digest);

// What is left of a container, put into VAULT/lost: `<id>.age` where it has this digest (zero: not known),
// which the stock age opens with the mailbox's key; else `<id>.damaged`, which it opens up to the damage.
// Gives the path below the vault; empty: nothing is left.
std::string set_aside(const std::string& vault, const MessageId& message,
                      const std::optional<FoundBody>& body, const std::string& large, const Digest& digest);

// Names in `folder` that stand in none of the others, with whatever ending.
std::vector<std::string> files_without(const std::string& folder, const std::vector<std::string>& others);

// Key files, certificates, and what earlier repairs had set aside.
void copy_other_files(const std::string& from, const std::string& to);

}  // namespace gw::store
