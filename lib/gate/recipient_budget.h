// How much of one SMTP transaction's recipients is held, and sealed as its envelope.
#pragma once

#include <cstddef>

#include "smtp/command.h"

namespace gw::gate {

// Bytes of addresses and parameters in one transaction. It bounds what a connection can make a server hold,
// and keeps the envelope well below the store's limit of 1 MiB: a recipient that the envelope has no room for
// is refused at its RCPT, where the client can send it in another transaction, and not after the message.
// 1,000 recipients of ordinary length fit, and always the 100 of RFC 5321 section 4.5.3.1.8.
inline constexpr std::size_t kMaxRecipientBytes = 256 << 10;
inline constexpr std::size_t kBytesPerRecipient = 64;  // for what the process holds besides the texts

class RecipientBudget {
 public:
  // False if this recipient does not fit any more.
  bool take(const smtp::RcptArguments& to) {
    const std::size_t bytes = to.address.size() + to.parameters.size() + kBytesPerRecipient;
    if (bytes > kMaxRecipientBytes - used_) return false;
    used_ += bytes;
    return true;
  }

 private:
  std::size_t used_ = 0;
};

}  // namespace gw::gate
