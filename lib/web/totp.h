// One-time codes (RFC 6238, HMAC-SHA-1, six digits, thirty seconds: what every authenticator app speaks), and
// the picture that such an app reads a secret from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/secret.h"

namespace gw::web {

inline constexpr std::int64_t kTotpStep = 30;  // seconds

Secret generate_totp_secret();  // 20 octets
// Base32, as apps take it by hand; in locked memory.
Secret totp_text(const Secret& secret);
// `otpauth://totp/…`, which the picture holds.
Secret totp_address(const Secret& secret, std::string_view issuer, std::string_view account);

// The step whose code this is: the present one or a neighbour of it, for clocks differ. None: it is no code
// of these. A step that was used is not to be taken again (RFC 6238 section 5.2): that is the caller's.
std::optional<std::int64_t> totp_step(const Secret& secret, std::string_view code, Micros now);
std::string totp_code(const Secret& secret, std::int64_t step);  // six digits

// A QR code as an SVG element, black on white in light and dark alike; empty where it would be too large.
std::string qr_svg(std::string_view text, std::string_view title);

}  // namespace gw::web
