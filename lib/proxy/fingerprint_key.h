// The fingerprint key of gw-proxy: 32 bytes with which it recognises mails that it has copied
// before (seal/fingerprint.h, gw-vault(7)).
//
// The key is stored outside the vault, so that a thief of the vault cannot test whether a known
// mail is in it. The file has one line of 64 hex digits. If the file is lost, mails that were
// copied before are copied a second time; nothing else breaks.
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace gw::proxy {

// Returns the path of the key file, the first of:
//   - `chosen` (--fingerprint-key), if it is not empty;
//   - `fingerprint.key` in $CREDENTIALS_DIRECTORY (systemd credentials), if that file exists;
//   - `fingerprint.key` in the first directory of $STATE_DIRECTORY, if that is set;
//   - ~/.local/state/gw/fingerprint.key.
// Fails with Config if the last case applies and the home directory is unknown.
Result<std::string> fingerprint_key_file(const std::string& chosen);

// Returns the key in `file`. Creates the file (mode 0600) and its missing parent directories (mode
// 0700) with a random key if the file does not exist. Processes that start at the same time all get
// the same key. Fails with Config if the file holds no valid key, and with the error of the system
// if the file can be neither read nor created.
Result<Secret> fingerprint_key(const std::string& file);

}  // namespace gw::proxy
