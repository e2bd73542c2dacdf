#include "sasl/external.h"

#include "base/text.h"

namespace gw::sasl {
namespace {

constexpr std::size_t kMaxExternalName = 255;

}  // namespace

Step External::start(std::optional<Secret> initial) {
  if (!initial) return Challenge{};
  return respond(std::move(*initial));
}

Step External::respond(Secret message) {
  const std::string_view name = message.text();
  // RFC 4422 appendix A.1: the message is UTF-8 without NUL. It may be empty.
  if (name.size() > kMaxExternalName || !valid_utf8(name) || name.find('\0') != std::string_view::npos)
    return Malformed{};
  return Credentials{std::string(name), {}, {}};
}

}  // namespace gw::sasl
