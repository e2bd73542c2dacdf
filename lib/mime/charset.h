// Text in the character sets of mail, as UTF-8.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace gw::mime {

// `octets` from `charset` to UTF-8; always valid UTF-8. What cannot be converted becomes U+FFFD. Only
// character sets that mail uses are handed to iconv(3): the sender chooses the name, and the rarer converters
// of C libraries have been a source of hangs and overflows (CVE-2020-27618, CVE-2021-3326). Any other name is
// read as UTF-8, which ASCII is part of.
std::string to_utf8(ByteView octets, std::string_view charset);

// The value of a header field with its encoded words (RFC 2047) decoded, as UTF-8.
std::string decode_words(std::string_view value);

}  // namespace gw::mime
