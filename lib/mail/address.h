// Addresses as SMTP carries them, and CIDR blocks of peers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gw::mail {

struct Address {
  std::string local;   // as written, quotes kept
  std::string domain;  // as written; empty: none
};
// Splits at the last @ outside quotes. None for an empty local part.
std::optional<Address> split_address(std::string_view address);
// Lower case (ASCII), `+tag` dropped from the local part: what lookups compare.
std::string lookup_form(const Address& address);
std::string without_tag(std::string_view local);

// `[a-z0-9._-]`, 1 to 64.
bool valid_name(std::string_view name);
// A plain `local@domain` of sane length and characters, for aliases.
bool valid_alias(std::string_view address);
bool valid_domain(std::string_view domain);

// `192.0.2.0/24`, `2001:db8::/32`, or one address. An IPv4-mapped peer counts as IPv4.
bool valid_block(std::string_view cidr);
bool in_block(std::string_view peer, std::string_view cidr);

}  // namespace gw::mail
