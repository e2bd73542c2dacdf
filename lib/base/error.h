// What went wrong, for the caller to act on.
//
// The code answers "what should I do now"; the text answers "what happened", with the outermost context
// first, as in `cannot open the vault: /var/lib/gw/db: No such file or directory`. A peer's mistake is not
// an Error: sessions refuse it and go on. An Error is for us failing.
#pragma once

#include <string>
#include <string_view>

namespace gw {

enum class Code {
  // The outcomes of a Store (store/store.h); every layer above passes them on.
  NotFound,     // there is no such thing
  Exists,       // there is one already
  Conflict,     // it is not in the state or version that the request names
  Denied,       // this caller may not; also a wrong password
  LeaseLost,    // the lease that the request rests on has ended
  Busy,         // somebody else has it, or too much is going on: try again
  Full,         // no room on the disk: try again later
  OverQuota,    // the mailbox has reached its quota
  Corrupt,      // the bytes are not what was written
  Version,      // written by a newer version than this one
  Unavailable,  // surely not done: the other side is not there
  Unknown,      // perhaps done: ask before doing it again
  // Beyond the store.
  Usage,     // the caller was used wrongly: options, arguments
  BadInput,  // the data given is not of the form that it must have
  Config,    // a configuration file or environment that cannot be used
  Timeout,   // the other side took too long
  Closed,    // the other side has gone
  Io,        // reading or writing failed
  Internal,  // a bug of ours, or the system has no more of something
};

// The code's name in lower case with blanks, as `not found`.
std::string_view name(Code code);

// The exit status of a command that ends with this error (sysexits; man/gw.7 has the table).
int exit_status(Code code);

class Error {
 public:
  Error(Code code, std::string text) : code_(code), text_(std::move(text)) {}

  // `what: strerror(errno)`, with the code that fits this errno (ENOSPC and EDQUOT are Full, ENOENT is
  // NotFound, EACCES and EPERM are Denied, EEXIST is Exists, EPIPE and ECONNRESET are Closed, else Io).
  static Error from_errno(std::string_view what, int number);
  // The same with the current errno.
  static Error from_errno(std::string_view what);

  Code code() const { return code_; }
  int number() const { return number_; }  // errno, or 0
  const std::string& text() const { return text_; }
  const std::string& hint() const { return hint_; }  // what the user can do, or empty

  // `context: text`.
  Error within(std::string_view context) const;
  Error with_hint(std::string hint) const;
  // For the few statuses that a code does not tell apart: 67, no such mailbox, is NotFound too.
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
