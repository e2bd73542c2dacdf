#include "seal/keypair.h"

#include <catch2/catch.hpp>

#include "base/text.h"
#include "support/stock_age.h"

using namespace gw;
using namespace gw::seal;

TEST_CASE("a key survives being written and read") {
  const SecretKey key = generate_key();
  const Secret text = identity(key);
  CHECK(text.text().starts_with("AGE-SECRET-KEY-1"));
  CHECK(text.size() == 74);
  const Result<SecretKey> again = parse_identity(text.text());
  REQUIRE(again);
  CHECK(equal_secrets(again->scalar.view(), key.scalar.view()));
  const std::string recipient_text = recipient(public_key(key));
  CHECK(recipient_text.size() == 62);
  const Result<PublicKey> parsed = parse_recipient(recipient_text);
  REQUIRE(parsed);
  CHECK(*parsed == public_key(key));
}

TEST_CASE("age-keygen computes the same public key") {
  const std::string theirs = test::age_keygen();
  REQUIRE_FALSE(theirs.empty());
  const Result<SecretKey> key = read_identity_file(theirs);
  REQUIRE(key);
  CHECK(theirs.find("# public key: " + recipient(public_key(*key))) != std::string::npos);

  const SecretKey ours = generate_key();
  CHECK(test::age_recipient(std::string(identity(ours).text()) + "\n") == recipient(public_key(ours)));
}

TEST_CASE("a text that is not a recipient or identity is refused") {
  const SecretKey key = generate_key();
  const std::string recipient_text = recipient(public_key(key));
  const std::string identity_text(identity(key).text());
  CHECK_FALSE(parse_recipient(""));
  CHECK_FALSE(parse_recipient("age1"));
  CHECK_FALSE(parse_recipient(upper(recipient_text)));
  CHECK_FALSE(parse_recipient(identity_text));
  CHECK_FALSE(parse_recipient(recipient_text + "q"));
  CHECK_FALSE(parse_recipient(recipient_text.substr(0, 61)));
  CHECK_FALSE(parse_identity(lower(identity_text)));
  CHECK_FALSE(parse_identity(recipient_text));
  CHECK_FALSE(read_identity_file("# only a comment\n\n"));
  for (std::size_t i = 0; i < recipient_text.size(); ++i) {
    std::string altered = recipient_text;
    altered[i] = altered[i] == 'q' ? 'p' : 'q';
    INFO(altered);
    CHECK_FALSE(parse_recipient(altered));
    altered[i] = upper(std::string_view(recipient_text).substr(i, 1))[0];
    if (altered != recipient_text) CHECK_FALSE(parse_recipient(altered));
  }
}

TEST_CASE("an identity file may contain comments, spaces and CRLF") {
  const SecretKey key = generate_key();
  const std::string file = "# created\r\n\r\n  " + std::string(identity(key).text()) + " \r\n";
  const Result<SecretKey> read = read_identity_file(file);
  REQUIRE(read);
  CHECK(equal_secrets(read->scalar.view(), key.scalar.view()));
}

TEST_CASE("a ring finds a key by its generation") {
  KeyRing ring;
  ring.keys.push_back(ring_key(1, generate_key()));
  ring.keys.push_back(ring_key(3, generate_key()));
  REQUIRE(ring.find(3) != nullptr);
  CHECK(ring.find(3)->public_half == public_key(ring.keys[1].secret));
  CHECK(ring.find(2) == nullptr);
}
