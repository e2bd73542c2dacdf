// Exit statuses that library functions attach to an Error with Error::with_exit_status(). They are
// values of sysexits.h; gw(7) documents the whole table.
#pragma once

namespace gw {

constexpr int kExitCannotCreate = 73;  // an output file or directory cannot be created
constexpr int kExitInputOutput = 74;   // reading or writing failed

}  // namespace gw
