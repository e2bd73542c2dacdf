#include "seal/envelope.h"

#include <catch2/catch.hpp>

using namespace gw;
using namespace gw::seal;

namespace {

FileKey some_file_key(unsigned char fill) {
  FileKey key;
  std::fill(key.span().begin(), key.span().end(), static_cast<std::byte>(fill));
  return key;
}

EnvelopePlace some_place() {
  EnvelopePlace place;
  place.vault = random_id<VaultId>();
  place.mailbox = random_id<MailboxId>();
  place.message = new_message_id(now());
  place.generation = 3;
  place.received = 1'700'000'000'000'000;
  place.size = 100;
  place.wire_size = 110;
  place.container = sha256(as_bytes("container"));
  return place;
}

}  // namespace

TEST_CASE("an envelope opens in its own place with its own key") {
  const FileKey key = some_file_key(1);
  const EnvelopePlace place = some_place();
  for (std::size_t size : {0u, 1u, 700u}) {
    const Bytes plain(size, std::byte{7});
    const Bytes sealed = seal_envelope(key, place, plain);
    CHECK(sealed.size() == size + kEnvelopeOverhead);
    const Result<Bytes> opened = open_envelope(key, place, sealed);
    REQUIRE(opened);
    CHECK(*opened == plain);
    CHECK_FALSE(open_envelope(some_file_key(2), place, sealed));
  }
}

TEST_CASE("an envelope opens in no other place") {
  const FileKey key = some_file_key(1);
  const EnvelopePlace place = some_place();
  const Bytes sealed = seal_envelope(key, place, to_bytes("facts"));
  const auto refused = [&](auto change) {
    EnvelopePlace other = place;
    change(other);
    const Result<Bytes> opened = open_envelope(key, other, sealed);
    return !opened && opened.error().code() == Code::Corrupt;
  };
  CHECK(refused([](EnvelopePlace& p) { p.vault = random_id<VaultId>(); }));
  CHECK(refused([](EnvelopePlace& p) { p.mailbox = random_id<MailboxId>(); }));
  CHECK(refused([](EnvelopePlace& p) { p.message = new_message_id(now()); }));
  CHECK(refused([](EnvelopePlace& p) { ++p.generation; }));
  CHECK(refused([](EnvelopePlace& p) { ++p.received; }));
  CHECK(refused([](EnvelopePlace& p) { ++p.size; }));
  CHECK(refused([](EnvelopePlace& p) { ++p.wire_size; }));
  CHECK(refused([](EnvelopePlace& p) { p.container[31] ^= std::byte{1}; }));
}

TEST_CASE("an altered or truncated envelope is corrupt") {
  const FileKey key = some_file_key(1);
  const EnvelopePlace place = some_place();
  const Bytes sealed = seal_envelope(key, place, to_bytes("facts"));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes altered = sealed;
    altered[i] ^= std::byte{0x40};
    CHECK_FALSE(open_envelope(key, place, altered));
    CHECK_FALSE(open_envelope(key, place, ByteView(sealed).first(i)));
  }
}

TEST_CASE("a content commitment depends on file key and content alone") {
  const Digest raw = sha256(as_bytes("mail"));
  const Digest one = commitment(commitment_key(some_file_key(1)).view(), raw);
  CHECK(one == commitment(commitment_key(some_file_key(1)).view(), raw));
  CHECK(one != commitment(commitment_key(some_file_key(2)).view(), raw));
  CHECK(one != commitment(commitment_key(some_file_key(1)).view(), sha256(as_bytes("other"))));
}

TEST_CASE("HKDF matches the first and third vectors of RFC 5869") {
  const Bytes material(22, std::byte{0x0b});
  CHECK(to_hex(hkdf(material, *from_hex("000102030405060708090a0b0c"),
                    as_text(*from_hex("f0f1f2f3f4f5f6f7f8f9")))
                   .view()) == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
  CHECK(to_hex(hkdf(material, {}, "").view()) ==
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

TEST_CASE("HMAC matches the vectors of RFC 4231, also for long keys") {
  const auto mac = [](const Bytes& key, std::string_view data) {
    return to_hex(hmac(key, {as_bytes(data)}));
  };
  CHECK(mac(Bytes(20, std::byte{0x0b}), "Hi There") ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(mac(to_bytes("Jefe"), "what do ya want for nothing?") ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(mac(Bytes(131, std::byte{0xaa}), "Test Using Larger Than Block-Size Key - Hash Key First") ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  const Bytes key = to_bytes("Jefe");
  CHECK(hmac(key, {as_bytes("what do ya want "), {}, as_bytes("for nothing?")}) ==
        hmac(key, {as_bytes("what do ya want for nothing?")}));
}
