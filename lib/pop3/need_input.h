// The event that both pop3::Client and pop3::Session return when all input is used up.
#pragma once

namespace gw::pop3 {

struct NeedInput {};  // send the pending output, then call receive() or receive_eof()

}  // namespace gw::pop3
