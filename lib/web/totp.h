// One-time codes of second factors (RFC 6238 with HMAC-SHA-1, six digits and steps of 30 seconds,
// which every authenticator app supports), and the QR code from which an app reads the secret.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/secret.h"

namespace gw::web {

inline constexpr std::int64_t kTotpStep = 30;  // seconds

// Returns a new random secret of 20 bytes (RFC 4226, section 4).
Secret generate_totp_secret();
// Returns the secret in Base32 (RFC 4648, without padding), which users type into an app by hand.
// In locked memory.
Secret totp_text(const Secret& secret);
// Returns the `otpauth://totp/…` address that the QR code holds. `issuer` and `account` are shown
// by the app. In locked memory.
Secret totp_address(const Secret& secret, std::string_view issuer, std::string_view account);

// Returns the step whose code `code` is: the current one, or the one before or after it, because
// clocks differ. Returns nullopt if it is none of these codes. Spaces in `code` are ignored. `now`
// is in microseconds since the epoch. The caller rejects a step that was used before (RFC 6238,
// section 5.2).
std::optional<std::int64_t> totp_step(const Secret& secret, std::string_view code, Micros now);
// Returns the six digits of a step; empty if liboath fails.
std::string totp_code(const Secret& secret, std::int64_t step);

// Returns a QR code as an SVG element, black on white also in dark mode, because cameras need it;
// empty if `text` is too long for a QR code. The result holds the secret: the page must set
// PageParts::secret.
std::string qr_svg(std::string_view text, std::string_view title);

}  // namespace gw::web
