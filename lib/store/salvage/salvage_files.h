// The files that salvage takes from a damaged vault, and those that it puts beside the new one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/id.h"
#include "base/result.h"
#include "store/salvage/salvage_source.h"

namespace gw::store {

// Creates the directory `to`, or accepts an empty one. Fails with Usage if it is inside of `from`,
// Exists if it is not empty.
Result<void> make_target(const std::string& from, const std::string& to);

// Returns true if the format file is intact but of a newer gw. A file that cannot be parsed might
// just be damaged: then salvage goes on.
bool names_newer_format(const std::string& vault);

// Links or copies a file, durably. Returns false and leaves nothing if the file is missing or does
// not have this digest.
Result<bool> take_file(const std::string& from, const std::string& to, const Digest& digest);

// Stores the remains of a container in VAULT/lost: as `<id>.age` if it has this digest (a zero
// digest matches any), which the stock age opens with the mailbox's key; otherwise as
// `<id>.damaged`, which age opens up to the damage. Returns the path below the vault; empty if
// there are no remains.
std::string set_aside(const std::string& vault, const MessageId& message,
                      const std::optional<FoundBody>& body, const std::string& large, const Digest& digest);

// Returns the names in `folder` that, without their extension, are in none of the other
// directories.
std::vector<std::string> files_without(const std::string& folder, const std::vector<std::string>& others);

// Copies the history key, certificates, and what earlier repairs had set aside. Failures are only
// logged.
void copy_other_files(const std::string& from, const std::string& to);

}  // namespace gw::store
