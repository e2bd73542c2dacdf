#include "sasl/plain.h"

#include "base/text.h"

namespace gw::sasl {
namespace {

constexpr std::size_t kMaxPlainName = 255;  // RFC 4616 section 2

bool valid_name(std::string_view name) {
  return name.size() <= kMaxPlainName && valid_utf8(name);
}

}  // namespace

Step Plain::start(std::optional<Secret> initial) {
  if (!initial) return Challenge{};
  return respond(std::move(*initial));
}

Step Plain::respond(Secret message) {
  const std::string_view text = message.text();
  const std::size_t first = text.find('\0');
  if (first == std::string_view::npos) return Malformed{};
  const std::size_t second = text.find('\0', first + 1);
  if (second == std::string_view::npos) return Malformed{};
  const std::string_view authorization = text.substr(0, first);
  const std::string_view authentication = text.substr(first + 1, second - first - 1);
  const std::string_view password = text.substr(second + 1);
  // A third NUL. Some libraries would end the password there, so that two servers see different
  // passwords.
  if (password.find('\0') != std::string_view::npos) return Malformed{};
  if (authentication.empty() || password.empty()) return Malformed{};
  if (!valid_name(authorization) || !valid_name(authentication)) return Malformed{};
  return Credentials{std::string(authorization), std::string(authentication), Secret(as_bytes(password))};
}

}  // namespace gw::sasl
