#include "wire/base64.h"

#include <catch2/catch.hpp>
#include <string>

using gw::as_bytes;
using namespace gw::wire;

TEST_CASE("The vectors of RFC 4648 section 10 are encoded and decoded") {
  const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"}};
  for (const auto& [data, text] : vectors) {
    CHECK(base64_encode(as_bytes(data)) == text);
    const auto decoded = base64_decode_secret(text);
    REQUIRE(decoded);
    CHECK(decoded->text() == data);
  }
}

TEST_CASE("Every byte value survives") {
  std::string data;
  for (int i = 0; i < 256; ++i) data += static_cast<char>(i);
  const auto decoded = base64_decode_secret(base64_encode(as_bytes(data)));
  REQUIRE(decoded);
  CHECK(decoded->text() == data);
}

TEST_CASE("Text that is not exactly base64 is refused") {
  for (const char* text : {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "====", "=g==", "Z===", "Zg==Zg==", "Zm 9",
                           "Zm9v\r\n", "Zm9v\n", "Zm-_", "Zg==\n", " Zg==", "Zm9v=", "\xff\xff\xff\xff"}) {
    CAPTURE(text);
    CHECK_FALSE(base64_decode_secret(text));
  }
}
