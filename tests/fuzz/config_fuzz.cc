// gw.toml: whatever the text, it is refused or its dump parses back to the same values.
#include <cstdint>
#include <cstdlib>

#include "base/bytes.h"
#include "config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = gw::as_text(std::as_bytes(std::span(data, size)));
  const auto config = gw::config::parse(text, "/etc/gw/gw.toml");
  if (!config) {
    if (config.error().code() != gw::Code::Config || config.error().text().empty()) std::abort();
    return 0;
  }
  const std::string once = gw::config::dump(*config);
  const auto again = gw::config::parse(once, "/etc/gw/gw.toml");
  if (!again || gw::config::dump(*again) != once) std::abort();
  return 0;
}
