#include "sasl/mechanism.h"

#include "base/encoding.h"
#include "base/text.h"
#include "sasl/external.h"
#include "sasl/login.h"
#include "sasl/plain.h"

namespace gw::sasl {
namespace {

Step encoded(Step step) {
  if (auto* challenge = std::get_if<Challenge>(&step)) challenge->text = to_base64(as_bytes(challenge->text));
  return step;
}

}  // namespace

std::unique_ptr<Mechanism> make_mechanism(std::string_view name) {
  if (iequals(name, "PLAIN")) return std::make_unique<Plain>();
  if (iequals(name, "LOGIN")) return std::make_unique<Login>();
  if (iequals(name, "EXTERNAL")) return std::make_unique<External>();
  return nullptr;
}

Step Exchange::start(std::optional<std::string_view> initial) {
  if (!initial) return encoded(mechanism_->start(std::nullopt));
  if (*initial == "=") return encoded(mechanism_->start(Secret()));
  auto message = from_base64_secret(*initial);
  // RFC 4954 section 4: an initial response of zero bytes is written `=`, so an empty text is
  // malformed.
  if (!message || message->empty()) return Malformed{};
  return encoded(mechanism_->start(std::move(*message)));
}

Step Exchange::respond(std::string_view line) {
  // RFC 4954 section 4. `*` is no base64, so it cannot be a response.
  if (line == "*") return Cancelled{};
  auto message = from_base64_secret(line);
  if (!message) return Malformed{};
  return encoded(mechanism_->respond(std::move(*message)));
}

}  // namespace gw::sasl
