#include "vault/checkpoint.h"
#include "base/encoding.h"

#include "seal/signature.h"
#include "vault/fixture.h"

using namespace gw;
using namespace gw::vault;

namespace {

// Built by hand from C2SP signed-note and tlog-checkpoint, with the seed 00 01 … 1f.
constexpr std::string_view kSeed = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
constexpr std::string_view kVault = "0123456789abcdef0123456789abcdef";

store::LogHead some_head() {
  store::LogHead head;
  head.size = 42;
  head.root = sha256(as_bytes("root"));
  return head;
}

std::string signed_note(const Secret& key, const VaultId& vault, const store::LogHead& head) {
  const Result<store::Signer> signer = make_signer(key);
  REQUIRE(signer);
  const Result<std::string> note = signer->sign(vault, head);
  REQUIRE(note);
  return *note;
}

Code code_of(const Result<Checkpoint>& result) {
  REQUIRE_FALSE(result);
  return result.error().code();
}

}  // namespace

TEST_CASE("a checkpoint is valid under its own verifier key") {
  const Secret key = generate_history_key();
  CHECK(key.size() == 64);
  const VaultId vault = random_id<VaultId>();
  const std::string note = signed_note(key, vault, some_head());
  const Result<Checkpoint> opened = open_checkpoint(note, verifier_key(key, vault));
  REQUIRE(opened);
  CHECK(opened->vault == vault);
  CHECK(opened->head == some_head());
}

TEST_CASE("a checkpoint equals the note of another implementation") {
  const std::optional<VaultId> vault = VaultId::parse(kVault);
  REQUIRE(vault);
  const std::string note = signed_note(Secret(as_bytes(kSeed)), *vault, some_head());
  CHECK(note == R"(gw/0123456789abcdef0123456789abcdef
42
SBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=

— gw/0123456789abcdef0123456789abcdef TqrOTQSCzyGhGg6XJtkAkDM8vGIhO2w6HKcZV8tIVLdNL4gbJayz99fpJ4l/CZ0A7lLPu8LRk/lO/1XT+CIU9jNK3go=
)");
  CHECK(verifier_key(Secret(as_bytes(std::string(kSeed) + "\n")), *vault) ==
        "gw/0123456789abcdef0123456789abcdef+4eaace4d+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4");
}

TEST_CASE("an altered checkpoint is not valid") {
  const Secret key = generate_history_key();
  const VaultId vault = random_id<VaultId>();
  const std::string note = signed_note(key, vault, some_head());
  const std::string verifier = verifier_key(key, vault);
  for (std::size_t i = 0; i < note.size(); ++i) {
    std::string altered = note;
    altered[i] = static_cast<char>(altered[i] ^ 1);
    INFO(altered);
    CHECK_FALSE(open_checkpoint(altered, verifier));
    CHECK_FALSE(open_checkpoint(note.substr(0, i), verifier));
  }
  CHECK(code_of(open_checkpoint(note, verifier_key(generate_history_key(), vault))) == Code::Corrupt);
  CHECK(code_of(open_checkpoint(note, verifier_key(key, random_id<VaultId>()))) == Code::Corrupt);
  CHECK(code_of(open_checkpoint(note, "gw/x+00000000+AQ==")) == Code::BadInput);
  CHECK(code_of(open_checkpoint("", verifier)) == Code::BadInput);
}

TEST_CASE("a checkpoint may have further signatures, in any order") {
  const Secret key = generate_history_key();
  const VaultId vault = random_id<VaultId>();
  const std::string note = signed_note(key, vault, some_head());
  const std::string verifier = verifier_key(key, vault);
  const std::size_t border = note.find("\n\n") + 2;
  const std::string witness = "\u2014 witness.example " + to_base64(Bytes(76, std::byte{9})) + "\n";
  CHECK(open_checkpoint(note + witness, verifier));
  CHECK(open_checkpoint(note.substr(0, border) + witness + note.substr(border), verifier));
  CHECK(code_of(open_checkpoint(note.substr(0, border) + witness, verifier)) == Code::Corrupt);
  CHECK(code_of(open_checkpoint(note + "no signature\n", verifier)) == Code::BadInput);
}

TEST_CASE("a note that is signed but is not a checkpoint of this vault is refused") {
  const VaultId vault = *VaultId::parse(kVault);
  std::array<std::byte, 32> seed;
  REQUIRE(from_hex(kSeed, seed));
  const seal::SigningKey key(seed);
  const Secret history_key(as_bytes(kSeed));
  const std::string verifier = verifier_key(history_key, vault);
  const std::string name = "gw/" + std::string(kVault);
  const std::string root = to_base64(some_head().root);
  const auto sign = [&](const std::string& text) {
    Bytes signature = *from_hex(std::string_view(verifier).substr(name.size() + 1, 8));
    append(signature, key.sign(as_bytes(text)));
    return text + "\n\u2014 " + name + " " + to_base64(signature) + "\n";
  };
  CHECK(open_checkpoint(sign(name + "\n42\n" + root + "\n"), verifier));
  CHECK(open_checkpoint(sign(name + "\n42\n" + root + "\nextension of a newer gw\n"), verifier));
  CHECK(code_of(open_checkpoint(sign(name + "\n042\n" + root + "\n"), verifier)) == Code::BadInput);
  CHECK(code_of(open_checkpoint(sign(name + "\n-1\n" + root + "\n"), verifier)) == Code::BadInput);
  CHECK(code_of(open_checkpoint(sign(name + "\n42\n" + root.substr(0, 40) + "\n"), verifier)) ==
        Code::BadInput);
  CHECK(code_of(open_checkpoint(sign(name + "\n42\n"), verifier)) == Code::BadInput);
  CHECK(code_of(open_checkpoint(sign("other.example/log\n42\n" + root + "\n"), verifier)) == Code::BadInput);
  CHECK(code_of(open_checkpoint(sign("gw/ffffffffffffffffffffffffffffffff\n42\n" + root + "\n"), verifier)) ==
        Code::Corrupt);
}

TEST_CASE("a text that is not a history key signs nothing") {
  CHECK_FALSE(make_signer(Secret(as_bytes("not hex"))));
  CHECK_FALSE(make_signer(Secret(as_bytes(std::string(62, 'a')))));
  CHECK(verifier_key(Secret(as_bytes("x")), random_id<VaultId>()).empty());
}

TEST_CASE("a store's checkpoint names the head of its history") {
  vault::test::Vault vault;
  const CreatedMailbox made = vault.mailbox();
  REQUIRE(vault::test::deliver(*vault.store, made.record, as_bytes("mail")));
  const Result<std::string> note = vault.store->checkpoint("test");
  REQUIRE(note);
  const Result<Checkpoint> opened = open_checkpoint(*note, verifier_key(vault.history_key, vault.id));
  REQUIRE(opened);
  const Result<store::LogHead> head = vault.store->history_head({});
  REQUIRE(head);
  CHECK(opened->head.size == head->size);
  CHECK(opened->head.root == head->root);
}
