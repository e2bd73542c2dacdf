#include "keeper/reached.h"

namespace gw::keeper {

Unreached::Unreached(const Error& cause) : Unreached(cause.text(), cause.hint(), cause.exit_status()) {}

Error Unreached::as_error() const {
  return Error(Code::Unavailable, text_).with_hint(hint_).with_exit_status(status_);
}

}  // namespace gw::keeper
