// Mail addresses: splitting them, comparing them, and checking which may be an alias. Also CIDR
// blocks of client addresses.
//
// gw compares addresses only by their comparable() form. The original text is what is stored and
// shown.
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
// Splits at the last @ outside quotes and comments. Returns nullopt if the local part is empty.
std::optional<Address> split_address(std::string_view address);

// The form in which gw compares addresses: two addresses are the same if their forms are. Removes
// quotes that are not needed (RFC 5321 section 4.1.2), comments and white space (RFC 5322 section
// 4.4), changes letters to lower case, composes characters (NFC), and writes an internationalised
// domain with A-labels (RFC 5890, UTS 46). An address without a domain has the form of its local
// part. Returns an empty string if there is no local part or nothing follows the @.
std::string comparable(std::string_view address);
// Does the same for a domain alone, and removes one dot at its end.
std::string comparable_domain(std::string_view domain);
// Returns a comparable address without the `+tag` of its local part. A plus as the first character
// starts no tag.
std::string without_tag(std::string_view comparable);

// Calls `found` with the comparable form of each address in a text like the value of a To field.
// Understands quotes, comments and white space as RFC 5322 defines them, and skips everything that
// is no address. Never fails; the time is linear.
void each_address(std::string_view text, const std::function<void(const std::string&)>& found);

// Checks a name in gw, for example of a mailbox: 1 to 64 characters of `[a-z0-9._-]`.
bool valid_name(std::string_view name);
// Checks an address for use as an alias: `local@domain` without quotes, comments and `+`, with a
// local part of at most 64 bytes and valid_domain(). `+` is excluded because it starts a tag.
bool valid_alias(std::string_view address);
// Checks a domain: at most 255 bytes, of labels with at most 63 letters, digits and inner hyphens
// (RFC 5321 section 4.5.3.1.2). An internationalised domain must be given with A-labels.
bool valid_domain(std::string_view domain);

// Checks a CIDR block: `192.0.2.0/24`, `2001:db8::/32`, or a single address.
bool valid_block(std::string_view cidr);
// Returns true if the address `peer` is in the block. An IPv4-mapped IPv6 address counts as IPv4; a
// zone (`%eth0`) is ignored. Returns false if either text is invalid.
bool in_block(std::string_view peer, std::string_view cidr);

}  // namespace gw::mail
