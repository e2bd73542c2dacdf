// The directories of gw-store migrate, and the files in them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace gw::cmd {

// Returns the absolute path that `--to` names: a path or a URL. The scheme of a URL says what kind
// of store it is, and file is the only one so far. Fails with Usage if it names no directory.
Result<std::string> folder_named(const std::string& to);
// Returns true if `inner` is `outer` or inside it.
bool is_within(const std::filesystem::path& inner, const std::filesystem::path& outer);
// Returns the bytes of all files below the directory. Errors are ignored, since the keeper may remove
// files at any time, so the sum is an estimate.
std::uint64_t bytes_in(const std::string& folder);
// Returns the files that move together with the store: the history key and the certificate of
// `init`, if they are in the vault. The keeper's snapshot does not contain them, so backups do not
// contain them either.
std::vector<std::string> secrets_of(const std::string& vault);

}  // namespace gw::cmd
