#include "mime/encoding.h"

#include <catch2/catch.hpp>

#include "support/cuts.h"

namespace gw::mime {
namespace {

std::string decoded(Encoding encoding, std::string_view text, std::size_t cut) {
  Decoder decoder(encoding);
  Bytes out;
  test::in_pieces(text, cut, [&](ByteView piece) { decoder.write(piece, out); });
  decoder.finish(out);
  return std::string(as_text(out));
}

// The result must be the same for every cut.
std::string decoded(Encoding encoding, std::string_view text) {
  const std::string whole = decoded(encoding, text, std::max<std::size_t>(text.size(), 1));
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    CAPTURE(text, cut);
    CHECK(decoded(encoding, text, cut) == whole);
  }
  return whole;
}

std::string base64(std::string_view text) {
  return decoded(Encoding::Base64, text);
}
std::string quoted(std::string_view text) {
  return decoded(Encoding::QuotedPrintable, text);
}

TEST_CASE("The encoding is recognised by its name; with any other name data is unchanged") {
  CHECK(parse_encoding(" BASE64 ") == Encoding::Base64);
  CHECK(parse_encoding("base64 (really)") == Encoding::Base64);
  CHECK(parse_encoding("Quoted-Printable;") == Encoding::QuotedPrintable);
  for (const char* name : {"", "7bit", "8bit", "binary", "x-uuencode", "base64x"})
    CHECK(parse_encoding(name) == Encoding::Identity);
  CHECK(decoded(Encoding::Identity, "=41 \r\n") == "=41 \r\n");
}

TEST_CASE("Base64 is decoded across line endings, foreign bytes and missing padding") {
  CHECK(base64("") == "");
  CHECK(base64("aGVs\r\nbG8=") == "hello");
  CHECK(base64("aGVsbG8") == "hello");
  CHECK(base64("aG*Vs!bG8=\r\n") == "hello");
  CHECK(base64("/+8=") == "\xff\xef");
  CHECK(base64("a") == "");
}

TEST_CASE("Base64 that continues after padding is decoded further") {
  CHECK(base64("aGVsbG8=IHdvcmxk") == "hello world");
  CHECK(base64("YQ==Yg==") == "ab");
}

TEST_CASE("Quoted-printable decodes escapes and soft line breaks") {
  CHECK(quoted("caf=C3=a9 =3D 100") == "caf\xc3\xa9 = 100");
  CHECK(quoted("one=\r\ntwo=\nthree= \t\r\nfour") == "onetwothreefour");
  CHECK(quoted("end=") == "end");
}

TEST_CASE("Quoted-printable drops spaces at the end of a line and keeps all others") {
  CHECK(quoted("a \t\r\nb c \n d  ") == "a\r\nb c\n d");
  CHECK(quoted("a \rb") == "a \rb");
  CHECK(quoted("a \r") == "a \r");
  const std::string wide(3000, ' ');
  CHECK(decoded(Encoding::QuotedPrintable, wide + "x", 7) == wide + "x");
}

TEST_CASE("A malformed escape is kept unchanged") {
  CHECK(quoted("a=zz b=4") == "a=zz b=4");
  CHECK(quoted("a==41") == "a=A");
  CHECK(quoted("a=4=41") == "a=4A");
  CHECK(quoted("a=\rb") == "a=\rb");
  CHECK(quoted("=  x") == "=  x");
}

TEST_CASE("Every short text is decoded the same at every cut") {
  test::all_texts("=4 \r\nz", 5, [](const std::string& text) { decoded(Encoding::QuotedPrintable, text); });
}

TEST_CASE("Only the alphabet, padding and white space are taken for base64") {
  CHECK(looks_like_base64(as_bytes("aGVs\r\nbG8=\t ")));
  CHECK_FALSE(looks_like_base64(as_bytes("From: a")));
}

}  // namespace
}  // namespace gw::mime
