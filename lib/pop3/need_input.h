// The event that both the POP3 client and the POP3 session return when they have used up all input.
#pragma once

namespace gw::pop3 {

struct NeedInput {};  // send the pending output, then call receive() or receive_eof()

}  // namespace gw::pop3
