// Limits the memory that the recipients of one SMTP transaction take.
#pragma once

#include <cstddef>

#include "smtp/command.h"

namespace gw::daemon {

// The limit for one transaction, in bytes of addresses and parameters. It bounds the memory that
// one connection can occupy, and it keeps the sealed envelope well below the store's limit of 1
// MiB. A recipient that does not fit is refused at its RCPT, where the client can move it to
// another transaction, and not after the whole message was sent. 1,000 recipients of ordinary
// length fit, and always the 100 that RFC 5321, section 4.5.3.1.8 requires.
inline constexpr std::size_t kMaxRecipientBytes = 256 << 10;
inline constexpr std::size_t kBytesPerRecipient = 64;  // added for the objects that hold it

// One object per transaction; not thread safe.
class RecipientBudget {
 public:
  // Counts a recipient. Returns false, and counts nothing, if it does not fit.
  bool take(const smtp::RcptArguments& to) {
    const std::size_t bytes = to.address.size() + to.parameters.size() + kBytesPerRecipient;
    if (bytes > kMaxRecipientBytes - used_) return false;
    used_ += bytes;
    return true;
  }

 private:
  std::size_t used_ = 0;
};

}  // namespace gw::daemon
