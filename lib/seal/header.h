// Reading an age header (age-encryption.org/v1, "Header"). Internal to this part.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"

namespace gw::seal {

struct Stanza {
  std::vector<std::string_view> arguments;  // the type first
  Bytes body;
};

struct Header {
  std::vector<Stanza> stanzas;
  std::string_view signed_part;  // up to and with the `---`: what the MAC covers
  Digest mac{};
  std::size_t octets = 0;
};

// None for what age does not allow. The views live as long as `prefix`.
std::optional<Header> parse_header(std::string_view prefix);

}  // namespace gw::seal
