// The rule for names of mailboxes, routes, accounts and tokens that are created.
#pragma once

#include <string_view>

#include "mail/address.h"

namespace gw::vault {

// Checks the name of something new: mail::valid_name(), and it does not begin with a dot or a hyphen,
// because a browser resolves `/mailboxes/..` to another page, and a command takes `-x` for an option.
// A vault may have such names from before, so names that are read are checked with valid_name() alone.
inline bool valid_new_name(std::string_view name) {
  return mail::valid_name(name) && name.front() != '.' && name.front() != '-';
}

}  // namespace gw::vault
