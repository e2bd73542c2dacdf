// Converts text from the character sets of mail to UTF-8.
//
// Both functions never fail: text that cannot be converted becomes U+FFFD.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace gw::mime {

// Converts `data` from `charset`, a name in any case, and returns valid UTF-8. Only the common
// character sets of mail are passed to iconv(3): the sender chooses the name, and rare converters
// of C libraries have had hangs and overflows (CVE-2020-27618, CVE-2021-3326). Text under any other
// name is read as UTF-8.
std::string to_utf8(ByteView data, std::string_view charset);

// Returns the value of a header field as valid UTF-8, with its encoded words (RFC 2047) decoded. A
// malformed encoded word stays as it is. The result may contain control characters.
std::string decode_words(std::string_view value);

}  // namespace gw::mime
