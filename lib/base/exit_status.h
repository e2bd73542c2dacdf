// The exit statuses of all programs. gw(7) documents them. Those from 64 on are values of
// sysexits.h. An Error chooses its own by its code (base/error.h) or by Error::with_exit_status().
#pragma once

namespace gw {

enum ExitStatus : int {
  kExitSuccess = 0,
  kExitNo = 1,             // the answer is no; only of commands that ask a question
  kExitSomeFailed = 3,     // some of many failed; each was reported
  kExitUsage = 64,         // the arguments are wrong
  kExitBadData = 65,       // damage or tampering was found, or the input is malformed
  kExitNoInput = 66,       // an input is missing
  kExitNoMailbox = 67,     // there is no such mailbox
  kExitUnavailable = 69,   // the keeper or another server is not there
  kExitBug = 70,           // a bug in gw
  kExitSystem = 71,        // the system has no more of a resource
  kExitCannotCreate = 73,  // an output file or directory cannot be created
  kExitInputOutput = 74,   // reading or writing failed
  kExitTryAgain = 75,      // busy, full, or possibly done
  kExitDenied = 77,        // no permission, or a wrong password
  kExitConfig = 78,        // the settings cannot be used, or a newer version is needed
};

}  // namespace gw
