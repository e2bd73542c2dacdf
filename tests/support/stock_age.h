// The stock age program, which what is sealed here must agree with. A test that needs it fails without it.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace gw::test {

// `age -d -i IDENTITY_FILE` over `container`; empty, and `ok` false, where age refuses.
struct AgeOutput {
  bool ok = false;
  Bytes data;
};
AgeOutput age_decrypt(ByteView container, std::string_view identity_file);
AgeOutput age_encrypt(ByteView plain, std::string_view recipient);
// `age-keygen`: the identity file as it writes it; and `age-keygen -y`: the recipient of one.
std::string age_keygen();
std::string age_recipient(std::string_view identity_file);

}  // namespace gw::test
