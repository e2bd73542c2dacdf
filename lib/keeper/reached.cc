#include "keeper/reached.h"

namespace gw::keeper {

Unreached::Unreached(const Error& cause) : Unreached(cause.text(), cause.hint()) {
  switch (cause.code()) {
    case Code::NotFound:
    case Code::Corrupt:
    case Code::Version:
    case Code::Config:
      status_ = cause.exit_status();
      break;
    case Code::Unavailable:
      status_ = cause.exit_status();  // perhaps an Unreached already
      break;
    default:
      break;
  }
}

Error Unreached::as_error() const {
  return Error(Code::Unavailable, text_).with_hint(hint_).with_exit_status(status_);
}

}  // namespace gw::keeper
