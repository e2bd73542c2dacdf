// Runs the stock age program, which must read what is sealed here. Tests fail if it is missing.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace gw::test {

// `age -d -i IDENTITY_FILE` on `container`. If age refuses, there is no data and `ok` is false.
struct AgeOutput {
  bool ok = false;
  Bytes data;
};
AgeOutput age_decrypt(ByteView container, std::string_view identity_file);
AgeOutput age_encrypt(ByteView plain, std::string_view recipient);
// Return what `age-keygen` prints, an identity file, and what `age-keygen -y` prints, the recipient of one.
std::string age_keygen();
std::string age_recipient(std::string_view identity_file);

}  // namespace gw::test
