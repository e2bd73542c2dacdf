#include "web/status.h"

namespace gw::web {

int status_of(Code code, int bad_input) {
  switch (code) {
    case Code::NotFound:
      return 404;
    case Code::Denied:
      return 403;
    case Code::Exists:
    case Code::Conflict:
    case Code::LeaseLost:
      return 409;
    case Code::Usage:
    case Code::BadInput:
      return bad_input;
    // A retry may succeed: the keeper is away or overloaded, or the disk is full until it is
    // cleaned up. After Unknown the change may have been made; a client checks before it retries.
    case Code::Busy:
    case Code::Full:
    case Code::OverQuota:
    case Code::Timeout:
    case Code::Closed:
    case Code::Unknown:
    case Code::Unavailable:
      return 503;
    default:
      return 500;
  }
}

}  // namespace gw::web
