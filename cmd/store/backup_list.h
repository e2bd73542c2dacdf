// The lists of backup --list and restore --list.
#pragma once

#include <string>

#include "base/result.h"

namespace gw::cmd {

// Prints the backups in the directory, the oldest first, or the backup that the directory is. Reads
// only their manifests. Returns the exit status: 3 if a manifest is damaged or missing. Fails with
// NotFound if there is no backup.
Result<int> list_backups(const std::string& path, bool json);

}  // namespace gw::cmd
