#include "web/totp.h"

#include <catch2/catch.hpp>

#include "base/bytes.h"

using namespace gw;
using namespace gw::web;

namespace {

const Micros kSecond = 1'000'000;
Secret rfc_secret() {
  return Secret(as_bytes("12345678901234567890"));
}

}  // namespace

TEST_CASE("Codes are those of RFC 6238's test vectors") {
  // Appendix B, the last six of its eight digits.
  const Secret secret = rfc_secret();
  CHECK(totp_code(secret, 59 / 30) == "287082");
  CHECK(totp_code(secret, 1111111109 / 30) == "081804");
  CHECK(totp_code(secret, 20000000000 / 30) == "353130");
}

TEST_CASE("A code is valid in its own half minute, the one before and the one after") {
  const Secret secret = rfc_secret();
  const std::int64_t step = 1000;
  const std::string code = totp_code(secret, step);
  const Micros begins = step * 30 * kSecond;
  CHECK(totp_step(secret, code, begins) == step);
  CHECK(totp_step(secret, code.substr(0, 3) + " " + code.substr(3), begins) == step);
  CHECK(totp_step(secret, code, begins - 30 * kSecond) == step);
  CHECK(totp_step(secret, code, begins + 59 * kSecond) == step);
  CHECK_FALSE(totp_step(secret, code, begins + 60 * kSecond));
  CHECK_FALSE(totp_step(secret, code, begins - 31 * kSecond));
  CHECK_FALSE(totp_step(secret, "", begins));
  CHECK_FALSE(totp_step(secret, "12345", begins));
  CHECK_FALSE(totp_step(secret, "1234567", begins));
  CHECK_FALSE(totp_step(secret, "abcdef", begins));
}

TEST_CASE("The text of the secret is base32, and there is a QR code") {
  CHECK(totp_text(rfc_secret()).text() == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
  CHECK(totp_text(Secret(as_bytes("f"))).text() == "MY");
  CHECK(totp_text(Secret(as_bytes("foobar"))).text() == "MZXW6YTBOI");
  const Secret address = totp_address(rfc_secret(), "gw.example", "anna");
  CHECK(address.text() ==
        "otpauth://totp/gw.example:anna?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=gw.example");
  CHECK(qr_svg(address.text(), "a \"code\"").starts_with("<svg class=\"qr\""));
  CHECK(generate_totp_secret().size() == 20);
}
