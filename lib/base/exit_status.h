// Exit statuses that parts of the library attach to an Error (sysexits.h has the full list; gw(7) documents
// them).
#pragma once

namespace gw {

constexpr int kExitCannotCreate = 73;  // an output file or directory cannot be created
constexpr int kExitInputOutput = 74;   // reading or writing failed

}  // namespace gw
