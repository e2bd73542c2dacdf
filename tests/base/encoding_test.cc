#include "base/encoding.h"

#include <catch2/catch.hpp>
#include <string>

using namespace gw;

TEST_CASE("The vectors of RFC 4648 section 10 are encoded and decoded") {
  const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"}};
  for (const auto& [data, text] : vectors) {
    CHECK(to_base64(as_bytes(data)) == text);
    const auto decoded = from_base64_secret(text);
    REQUIRE(decoded);
    CHECK(decoded->text() == data);
    CHECK(to_base64_secret(as_bytes(data)).text() == text);
    CHECK(from_base64(text) == to_bytes(data));
    CHECK(to_hex_secret(as_bytes(data)).text() == to_hex(as_bytes(data)));
  }
}

TEST_CASE("Every byte value survives") {
  std::string data;
  for (int i = 0; i < 256; ++i) data += static_cast<char>(i);
  const auto decoded = from_base64_secret(to_base64(as_bytes(data)));
  REQUIRE(decoded);
  CHECK(decoded->text() == data);
}

TEST_CASE("Text that is not exactly base64 is refused") {
  for (const char* text : {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "====", "=g==", "Z===", "Zg==Zg==", "Zm 9",
                           "Zm9v\r\n", "Zm9v\n", "Zm-_", "Zg==\n", " Zg==", "Zm9v=", "\xff\xff\xff\xff"}) {
    CAPTURE(text);
    CHECK_FALSE(from_base64_secret(text));
    CHECK_FALSE(from_base64(text));
  }
}

TEST_CASE("Base64 with and without padding accepts canonical forms only") {
  CHECK(to_base64(as_bytes("fo")) == "Zm8=");
  CHECK(to_base64(as_bytes("fo"), Padding::None) == "Zm8");
  CHECK(to_base64({}).empty());
  CHECK(from_base64("", Padding::None) == Bytes{});
  CHECK(from_base64("Zm8", Padding::None) == to_bytes("fo"));
  CHECK(from_base64("Zm8=", Padding::Full) == to_bytes("fo"));
  for (const char* bad : {"Zm8=", "Zm9", "Z", "Zm8\n", " Zm8", "Zm-_", "Zm8 "}) {
    INFO(bad);
    CHECK_FALSE(from_base64(bad, Padding::None));
  }
  for (const char* bad : {"Zm8", "Zm9=", "Zm8==", "Zm8=Zm8=", "Zm8=\n"}) {
    INFO(bad);
    CHECK_FALSE(from_base64(bad, Padding::Full));
  }
}

TEST_CASE("Base64 knows 64 digits and no other byte") {
  int digits = 0;
  for (int value = 0; value < 256; ++value) {
    const std::string text{'Z', static_cast<char>(value), 'A', 'A'};
    if (from_base64(text, Padding::None)) ++digits;
  }
  CHECK(digits == 64);
}
