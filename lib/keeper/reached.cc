#include "keeper/reached.h"

namespace gw::keeper {

Unreached::Unreached(const Error& cause) : Unreached(cause.text(), cause.hint()) {
  // 77 (EX_NOPERM) is what tools exit with after a wrong password. A socket without permission is
  // not that.
  if (cause.code() != Code::Denied) status_ = cause.exit_status();
}

Error Unreached::as_error() const {
  return Error(Code::Unavailable, text_).with_hint(hint_).with_exit_status(status_);
}

}  // namespace gw::keeper
