// gw-proxy's fingerprint key (vault.md section 1): 32 octets of its own that are never in the vault.
//
// A file with one line of 64 hex digits. Lost, it costs duplicates and nothing else.
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace gw::gate {

// The file's place: `chosen` (an option) if it is not empty; else `fingerprint.key` among the credentials of
// the service manager ($CREDENTIALS_DIRECTORY), where there is one; else in $STATE_DIRECTORY, or for a user
// in ~/.local/state/gw. Config where not even a home is known.
Result<std::string> fingerprint_key_file(const std::string& chosen);

// The key; made, 0600, with the folders above it (0700), where it is not there yet. Several processes that
// start at the same time get the same one. Config: the file holds no such key.
Result<Secret> fingerprint_key(const std::string& file);

}  // namespace gw::gate
