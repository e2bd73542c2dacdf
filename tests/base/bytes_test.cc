#include "base/bytes.h"

#include <catch2/catch.hpp>

#include "base/digest.h"
#include "base/id.h"
#include "base/secret.h"

using namespace gw;

TEST_CASE("Hex is written and read, and any other text is refused") {
  CHECK(to_hex(as_bytes("\x01\xfe")) == "01fe");
  CHECK(as_text(*from_hex("4A4b")) == "JK");
  CHECK_FALSE(from_hex("4"));
  CHECK_FALSE(from_hex("4g"));
}

TEST_CASE("A reader reads what a writer wrote and notices the end") {
  ByteWriter writer;
  writer.u8(1).u16(0x0203).u32(0x04050607).u64(0x08090a0b0c0d0e0f).text("xy");
  CHECK(to_hex(writer.data()) == "0102030405060708090a0b0c0d0e0f7879");
  ByteReader reader(writer.data());
  CHECK(reader.u8() == 1);
  CHECK(reader.u16() == 0x0203);
  CHECK(reader.u32() == 0x04050607);
  CHECK(reader.u64() == 0x08090a0b0c0d0e0f);
  CHECK(as_text(reader.bytes(2)) == "xy");
  CHECK(reader.done());
  CHECK(reader.u32() == 0);
  CHECK_FALSE(reader.ok());
  CHECK_FALSE(reader.done());
}

TEST_CASE("SHA-256 is that of FIPS 180-4, in one call and in pieces") {
  const std::string expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  CHECK(to_hex(sha256(as_bytes("abc"))) == expected);
  Sha256 hash;
  hash.update(as_bytes("a")).update(as_bytes("bc"));
  CHECK(to_hex(hash.finish()) == expected);
  CHECK(to_hex(hash.finish()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("Ids are 32 hex digits and message ids sort by their millisecond") {
  const auto id = random_id<MailboxId>();
  CHECK(MailboxId::parse(id.hex()) == id);
  CHECK_FALSE(MailboxId::parse("12"));
  CHECK(new_message_id(1'000'000) < new_message_id(1'001'000));
  CHECK(new_message_id(5) != new_message_id(5));
}

TEST_CASE("A secret moves, shortens, and compares in full") {
  Secret secret(as_bytes("correct horse"));
  CHECK(equal_secrets(secret.view(), as_bytes("correct horse")));
  CHECK_FALSE(equal_secrets(secret.view(), as_bytes("correct hors")));
  Secret other = std::move(secret);
  CHECK(secret.empty());  // NOLINT(bugprone-use-after-move): a moved-from Secret is empty
  other.shorten(7);
  CHECK(other.text() == "correct");
  CHECK(other.clone().text() == "correct");
}
