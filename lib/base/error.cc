#include "base/error.h"

#include <cerrno>
#include <system_error>

#include "base/exit_status.h"

namespace gw {

std::string_view name(Code code) {
  switch (code) {
    case Code::NotFound:
      return "not found";
    case Code::Exists:
      return "exists";
    case Code::Conflict:
      return "conflict";
    case Code::Denied:
      return "denied";
    case Code::LeaseLost:
      return "lease lost";
    case Code::Busy:
      return "busy";
    case Code::Full:
      return "full";
    case Code::OverQuota:
      return "over quota";
    case Code::Corrupt:
      return "corrupt";
    case Code::Version:
      return "version";
    case Code::Unavailable:
      return "unavailable";
    case Code::Unknown:
      return "unknown";
    case Code::Usage:
      return "usage";
    case Code::BadInput:
      return "bad input";
    case Code::Config:
      return "configuration";
    case Code::Timeout:
      return "timeout";
    case Code::Closed:
      return "closed";
    case Code::Io:
      return "input/output";
    case Code::Internal:
      return "internal";
  }
  return "internal";
}

int exit_status(Code code) {
  switch (code) {
    case Code::Usage:
      return kExitUsage;
    case Code::Corrupt:
    case Code::BadInput:
      return kExitBadData;
    case Code::NotFound:
      return kExitNoInput;
    case Code::Unavailable:
      return kExitUnavailable;
    case Code::Internal:
      return kExitBug;
    case Code::Exists:
      return kExitCannotCreate;
    case Code::Io:
    case Code::Closed:
      return kExitInputOutput;
    case Code::Conflict:
    case Code::LeaseLost:
    case Code::Busy:
    case Code::Full:
    case Code::OverQuota:
    case Code::Unknown:
    case Code::Timeout:
      return kExitTryAgain;
    case Code::Denied:
      return kExitDenied;
    case Code::Version:
    case Code::Config:
      return kExitConfig;
  }
  return kExitBug;
}

// Clang's vptr sanitizer opens a pipe to check a vtable. Without a free descriptor (EMFILE, which
// this function handles) it fails and reports an invalid vtable.
#ifdef __clang__
__attribute__((no_sanitize("vptr")))
#endif
Error Error::from_errno(std::string_view what, int number) {
  Code code = Code::Io;
  switch (number) {
    case ENOSPC:
    case EDQUOT:
      code = Code::Full;
      break;
    case ENOENT:
      code = Code::NotFound;
      break;
    case EACCES:
    case EPERM:
      code = Code::Denied;
      break;
    case EEXIST:
      code = Code::Exists;
      break;
    case EPIPE:
    case ECONNRESET:
      code = Code::Closed;
      break;
    // Exhausted resources are Busy: a client that tries again later can succeed.
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      code = Code::Busy;
      break;
    default:
      break;
  }
  Error error(code, std::string(what) + ": " + std::generic_category().message(number));
  error.number_ = number;
  return error;
}

Error Error::from_errno(std::string_view what) {
  return from_errno(what, errno);
}

Error Error::within(std::string_view context) const {
  Error error = *this;
  error.text_ = std::string(context) + ": " + text_;
  return error;
}

Error Error::with_hint(std::string hint) const {
  Error error = *this;
  error.hint_ = std::move(hint);
  return error;
}

Error Error::with_exit_status(int status) const {
  Error error = *this;
  error.status_ = status;
  return error;
}

}  // namespace gw
