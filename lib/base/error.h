// Errors: a code for the program, a text for people.
//
// The code tells the caller what it can do next: retry, give up, report. The text tells what
// happened, with the outermost context first, as in `cannot open the vault: /var/lib/gw/db: No such
// file or directory`.
//
// An Error means that this program failed. A client that sends a wrong command does not cause an
// Error: the session refuses the command and continues.
#pragma once

#include <string>
#include <string_view>

namespace gw {

enum class Code {
  // The outcomes of a Store (store/store.h); every layer above passes them on.
  NotFound,     // the named thing does not exist
  Exists,       // a thing of this name exists already
  Conflict,     // it is not in the state or version that the request names
  Denied,       // this caller has no permission; also a wrong password
  LeaseLost,    // the lease that the request depends on has ended
  Busy,         // another holder has it, or the load is too high: try again
  Full,         // no space on the disk: try again later
  OverQuota,    // the mailbox has reached its quota
  Corrupt,      // the stored bytes are not the ones that were written
  Version,      // written by a newer version of gw
  Unavailable,  // certainly not done: the other side cannot be reached
  Unknown,      // may have been done: find out before trying again
  // Errors outside the store.
  Usage,     // wrong options or arguments on the command line
  BadInput,  // the data given does not have the required form
  Config,    // a configuration file or the environment cannot be used
  Timeout,   // the other side took too long
  Closed,    // the other side closed the connection
  Io,        // reading or writing failed
  Internal,  // a bug in gw, or the system lacks a resource
};

// Returns the code's name in lower case with spaces, for example `not found`.
std::string_view name(Code code);

// Returns the exit status of a command that ends with this error. The values are those of
// sysexits.h; gw(7) has the table.
int exit_status(Code code);

// An immutable value: within() and the with_ functions return changed copies.
class Error {
 public:
  Error(Code code, std::string text) : code_(code), text_(std::move(text)) {}

  // Creates an error with the text `what: strerror(number)` and the code that fits this errno: Full
  // for ENOSPC and EDQUOT, NotFound for ENOENT, Denied for EACCES and EPERM, Exists for EEXIST,
  // Closed for EPIPE and ECONNRESET, Busy for EMFILE, ENFILE and ENOMEM, and Io for all others.
  static Error from_errno(std::string_view what, int number);
  // Does the same with the current errno.
  static Error from_errno(std::string_view what);

  Code code() const { return code_; }
  int number() const { return number_; }  // the errno; 0 if the error has none
  const std::string& text() const { return text_; }
  const std::string& hint() const { return hint_; }  // what the user can do; may be empty

  // Returns this error with the text `context: text`. Code, errno, hint and exit status stay the
  // same.
  Error within(std::string_view context) const;
  Error with_hint(std::string hint) const;
  // Returns this error with an exit status of its own, for the few that the code cannot
  // distinguish: a missing mailbox is NotFound like a missing file, but exits with 67 and not 66.
  Error with_exit_status(int status) const;
  int exit_status() const { return status_ != 0 ? status_ : gw::exit_status(code_); }

 private:
  Code code_;
  int number_ = 0;
  int status_ = 0;
  std::string text_;
  std::string hint_;
};

}  // namespace gw
