#include "mime/charset.h"

#include <catch2/catch.hpp>

using namespace std::literals;

namespace gw::mime {
namespace {

const std::string kReplaced = "\xef\xbf\xbd";

TEST_CASE("Text in the character sets of mail is converted to UTF-8") {
  CHECK(to_utf8(as_bytes("Gr\xfc\xdf"), "ISO-8859-1") == "Grüß");
  CHECK(to_utf8(as_bytes("\x80 5"), "windows-1252") == "€ 5");
  CHECK(to_utf8(as_bytes("\xcf\xf0\xe8"), "Windows-1251") == "При");
  CHECK(to_utf8(as_bytes("\x1b$B8+\x1b(B"), "iso-2022-jp") == "見");
  CHECK(to_utf8(as_bytes("a\0b\0"sv), "utf-16le") == "ab");
  CHECK(to_utf8(as_bytes("Grüß"), " UTF-8 ") == "Grüß");
}

TEST_CASE("Text that is labelled ASCII, or with an unknown name, is read as UTF-8") {
  CHECK(to_utf8(as_bytes("Grüß"), "us-ascii") == "Grüß");
  CHECK(to_utf8(as_bytes("Grüß"), "") == "Grüß");
  CHECK(to_utf8(as_bytes("a"), "x-no-such-set") == "a");
  CHECK(to_utf8(as_bytes("a"), "UTF-8//IGNORE") == "a");
  // A sender may not choose every converter that the C library has.
  CHECK(to_utf8(as_bytes("a"), "IBM1364") == "a");
}

TEST_CASE("Invalid bytes become U+FFFD, and the conversion continues") {
  CHECK(to_utf8(as_bytes("a\xff z"), "utf-8") == "a" + kReplaced + " z");
  CHECK(to_utf8(as_bytes("a\xfez"), "us-ascii") == "a" + kReplaced + "z");
  CHECK(to_utf8(as_bytes("a\x81z"), "windows-1252") == "a" + kReplaced + "z");
  CHECK(to_utf8(as_bytes("a\x88"), "shift_jis") == "a" + kReplaced);
  std::string many(5000, '\x81');
  CHECK(to_utf8(as_bytes(many), "windows-1252").size() == 15000);
}

TEST_CASE("A long text is converted completely") {
  const std::string text(100'001, '\xe4');
  const std::string converted = to_utf8(as_bytes(text), "iso-8859-15");
  CHECK(converted.size() == 200'002);
  CHECK(converted.ends_with("ää"));
}

TEST_CASE("The last character of a text is kept if the converter waits for a combining mark") {
  CHECK(to_utf8(as_bytes("Xin ch\xe0o"), "windows-1258") == "Xin chào");
  CHECK(to_utf8(as_bytes("a"), "windows-1258") == "a");
  CHECK(to_utf8(as_bytes("\xf9\xec\xe5\xed"), "windows-1255") == "שלום");
  CHECK(decode_words("=?windows-1258?Q?Vi=EA=F2t_Nam_a?=") == "Việt Nam a");
}

TEST_CASE("Encoded words are decoded where they are found") {
  CHECK(decode_words("plain text") == "plain text");
  CHECK(decode_words("Re: =?utf-8?Q?Gr=C3=BC=C3=9Fe_aus?= Bonn") == "Re: Grüße aus Bonn");
  CHECK(decode_words("=?ISO-8859-1?q?caf=E9?=") == "café");
  CHECK(decode_words("=?utf-8*de?B?R3LDvMOf?=") == "Grüß");
}

TEST_CASE("Spaces between encoded words are dropped, also in the middle of a character") {
  CHECK(decode_words("=?utf-8?Q?a?= \t=?utf-8?Q?b?= c") == "ab c");
  CHECK(decode_words("=?utf-8?Q?=C3?= =?utf-8?Q?=BC?=") == "ü");
  CHECK(decode_words("=?utf-8?Q?=C3=BC?= =?iso-8859-1?Q?=FC?=") == "üü");
}

TEST_CASE("Text that is not an encoded word is unchanged") {
  for (const char* text :
       {"=?", "=?utf-8?", "=?utf-8?Q?", "=?utf-8?Q?open", "=?utf-8?X?a?=", "a = b?", "=?utf-8?Q"})
    CHECK(decode_words(text) == text);
}

}  // namespace
}  // namespace gw::mime
