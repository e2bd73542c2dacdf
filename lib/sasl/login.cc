#include "sasl/login.h"

#include "base/text.h"

namespace gw::sasl {
namespace {

constexpr std::size_t kMaxLoginName = 255;

}  // namespace

Step Login::start(std::optional<Secret> initial) {
  name_.reset();
  if (!initial) return Challenge{"Username:"};
  return respond(std::move(*initial));
}

Step Login::respond(Secret message) {
  const std::string_view text = message.text();
  if (text.empty() || text.find('\0') != std::string_view::npos) return Malformed{};
  // The first message is the name, the second one the password. An exchange does not continue after
  // Credentials, so the moved-out name is not used again.
  if (!name_) {
    if (text.size() > kMaxLoginName || !valid_utf8(text)) return Malformed{};
    name_ = text;
    return Challenge{"Password:"};
  }
  return Credentials{{}, std::move(*name_), std::move(message)};
}

}  // namespace gw::sasl
