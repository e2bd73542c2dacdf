// The two mechanisms of sandbox.h, each by itself. Private to sandbox.
#pragma once

#include "sandbox/sandbox.h"

namespace gw::sandbox {

// Returns the Landlock version of this kernel; 0 if it has none.
int landlock_version();
// Restricts the calling thread with Landlock to `needs`, as far as `version` allows.
Result<void> restrict_files(int version, const Needs& needs);
// Installs the seccomp filter on the calling thread. Returns false if the kernel cannot filter
// system calls, or not with the actions used.
Result<bool> filter_system_calls(const Needs& needs);

}  // namespace gw::sandbox
