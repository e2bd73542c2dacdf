// The last door: what a server that reads from the network can still ask of the system.
//
//   auto closed = confine::close(Mode::Auto, {.readable = {"/etc/gw/tls"}, .outgoing = false});
//
// Two walls, each of the kernel's, for this process and all threads that it makes later. Landlock: no file
// is written, run or made, and none is read but those below `readable` and what the C library and OpenSSL
// need; no TCP port is bound, and without `outgoing` none connected to; no signal to a process outside. A
// seccomp filter: only the system calls that a server that is set up makes. Any other is answered with
// ENOSYS, as by a kernel that has not heard of it; those that only an intruder makes (execve, ptrace,
// mount, bpf, loading keys or modules, …) end the process at once with SIGSYS.
//
// Capabilities are given up too, so that a root that has a vault of its own is confined like anybody else.
//
// A build under sanitizers cannot be closed: at its end it traces itself and reads /proc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gw::confine {

enum class Mode {
  Auto,     // what the kernel has
  Off,      // nothing
  Require,  // Config where the kernel does not have both
};

struct Needs {
  std::vector<std::string> readable;  // folders and files; what is not there is passed over
  bool outgoing = false;              // connects to servers and looks up names
};

struct Closed {
  int landlock = 0;      // its version; 0: not there
  bool seccomp = false;  // whether the filter is on
};

// Call where the process has one thread and holds every socket that it will listen on.
Result<Closed> close(Mode mode, const Needs& needs);

// Whether this build can be closed at all.
bool can_close();

// The folder of a file that may be replaced: its own, and the one of the file that a link leads to now.
std::vector<std::string> folders_of(const std::string& file);

}  // namespace gw::confine
