// The two walls of sandbox.h, each by itself. Inside confine only.
#pragma once

#include "confine/sandbox.h"

namespace gw::confine {

// Its version in this kernel; 0: none.
int landlock_version();
Result<void> restrict_files(int version, const Needs& needs);
// False: the kernel has no filters.
Result<bool> filter_system_calls(const Needs& needs);

}  // namespace gw::confine
