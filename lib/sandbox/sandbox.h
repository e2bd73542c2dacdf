// Sandboxes the process with Landlock (files, TCP ports, signals) and seccomp (system calls), so
// that an attacker who takes over a server that reads from the network gains little.
//
//   auto closed = sandbox::close(Mode::Auto, {.readable = {"/etc/gw/tls"}, .outgoing = false});
//
// The sandbox applies to this process and all threads that it starts later, and cannot be removed.
//
// Landlock: no file can be written, created or executed, and no file can be read except those below
// `readable` and those that the C library and OpenSSL need. No TCP port can be bound, and unless
// `outgoing`, none can be connected to. No process outside can be sent a signal. What of this holds
// depends on the kernel's Landlock version: TCP needs version 4, signals need version 6.
//
// seccomp: only the system calls that an initialised server makes are allowed. Others fail with
// ENOSYS, as on a kernel that does not have them, so that libraries fall back to older calls. Calls
// that only an intruder makes (execve, ptrace, mount, bpf, loading of keys or modules, …) kill the
// process with SIGSYS.
//
// All capabilities are dropped as well, so a server that stays root, because it serves root's own
// vault, is confined like any other.
//
// A build with sanitizers cannot be sandboxed: the sanitizers trace the process at its end and read
// /proc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gw::sandbox {

// How much the caller insists on.
enum class Mode {
  Auto,     // uses what the kernel has; a failure is logged as a warning
  Off,      // no sandbox
  Require,  // fails with Config unless the kernel has both mechanisms
};

// What the process must still be able to do.
struct Needs {
  // Directories and files that can still be read. Paths that do not exist are skipped.
  std::vector<std::string> readable;
  // The process connects to servers and looks up names. Also makes /etc readable.
  bool outgoing = false;
};

// What close() achieved.
struct Closed {
  int landlock = 0;      // version of Landlock in this kernel; 0: no restriction
  bool seccomp = false;  // whether the filter is installed
};

// Installs the sandbox. Call while the process has one thread, because both mechanisms apply to the
// calling thread and its descendants, and after all listening sockets are open. Fails only in mode
// Require, or if no_new_privs cannot be set or capabilities cannot be dropped.
Result<Closed> close(Mode mode, const Needs& needs);

// Forbids this process, and every program that it starts, to create sockets other than Unix sockets,
// and to gain privileges by executing a program. Cannot be undone. Fails with Config if the kernel
// cannot filter system calls. Call while the process has one thread.
Result<void> forbid_network();

// Returns false in builds with sanitizers, where close() does nothing.
bool can_close();

// Returns the directory of `file`, and if `file` is a symbolic link, the directory of its target as
// well. Use it for files that are replaced while the server runs, such as renewed certificates: a
// rule on the file itself would not cover its successor.
std::vector<std::string> folders_of(const std::string& file);

}  // namespace gw::sandbox
