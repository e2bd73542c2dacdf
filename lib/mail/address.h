// Mail addresses: their parts, when two of them are the same, and what may be an alias. CIDR blocks of peers.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gw::mail {

struct Address {
  std::string local;   // as written, with its quotes and comments
  std::string domain;  // as written; empty if there is none
};
// Splits at the last @ outside quotes and comments. Returns nothing if the local part is empty.
std::optional<Address> split_address(std::string_view address);

// The form in which gw compares addresses: two addresses are the same if their forms are. Removes quotes that
// are not needed (RFC 5321 section 4.1.2), comments and white space (RFC 5322 section 4.4), changes letters
// to lower case, composes characters (NFC), and writes an internationalised domain with A-labels (RFC 5890,
// UTS 46). An address without a domain has the form of its local part. Returns an empty text if there is no
// local part or nothing follows the @.
std::string comparable(std::string_view address);
std::string comparable_domain(std::string_view domain);
// Removes `+tag` from the local part of a comparable address.
std::string without_tag(std::string_view comparable);

// Calls `found` with the comparable form of each address in a text like the value of a To field, wherever it
// stands. Understands quotes, comments and spaces as RFC 5322 has them, and no text is an error.
void each_address(std::string_view text, const std::function<void(const std::string&)>& found);

// `[a-z0-9._-]`, 1 to 64.
bool valid_name(std::string_view name);
// A plain `local@domain` of sane length and characters, for aliases.
bool valid_alias(std::string_view address);
bool valid_domain(std::string_view domain);

// `192.0.2.0/24`, `2001:db8::/32`, or one address. An IPv4-mapped peer counts as IPv4.
bool valid_block(std::string_view cidr);
bool in_block(std::string_view peer, std::string_view cidr);

}  // namespace gw::mail
