#include "seal/slot.h"

#include <sys/resource.h>

#include <catch2/catch.hpp>

#include <chrono>
#include <fstream>

#include "seal/age.h"
#include "support/stock_age.h"

using namespace gw;
using namespace gw::seal;

namespace {

constexpr Argon2Cost kCheap{kArgon2TestFloor, 1};

struct Fixture {
  SlotPlace place{random_id<VaultId>(), random_id<MailboxId>()};
  KeyRing ring;
  Secret password{as_bytes("correct horse battery")};

  Fixture() {
    ring.keys.push_back(ring_key(1, generate_key()));
    ring.keys.push_back(ring_key(2, generate_key()));
  }
  Bytes slot() const {
    Result<Bytes> made = seal_password_slot(place, ring, password, kCheap, kArgon2TestFloor);
    REQUIRE(made);
    return *made;
  }
  Result<KeyRing> open(ByteView slot, std::string_view with) const {
    return open_password_slot(place, slot, Secret(as_bytes(with)), kArgon2TestFloor);
  }
};

bool same(const KeyRing& a, const KeyRing& b) {
  if (a.keys.size() != b.keys.size()) return false;
  for (std::size_t i = 0; i < a.keys.size(); ++i)
    if (a.keys[i].generation != b.keys[i].generation || a.keys[i].public_half != b.keys[i].public_half ||
        !equal_secrets(a.keys[i].secret.scalar.view(), b.keys[i].secret.scalar.view()))
      return false;
  return true;
}

}  // namespace

TEST_CASE("a password slot opens to the ring it was made from") {
  const Fixture fixture;
  const Bytes slot = fixture.slot();
  CHECK(slot.size() == 62 + 32 + 24 + 4 + 2 * 68 + 16);
  const Result<KeyRing> ring = fixture.open(slot, fixture.password.text());
  REQUIRE(ring);
  CHECK(same(*ring, fixture.ring));
}

TEST_CASE("a wrong password is denied") {
  const Fixture fixture;
  const Bytes slot = fixture.slot();
  for (const char* wrong : {"", "correct horse batter", "correct horse battery ", "Correct horse battery"}) {
    const Result<KeyRing> ring = fixture.open(slot, wrong);
    REQUIRE_FALSE(ring);
    CHECK(ring.error().code() == Code::Denied);
  }
}

TEST_CASE("a slot with any byte altered, or truncated, never opens") {
  const Fixture fixture;
  const Bytes slot = fixture.slot();
  for (std::size_t i = 0; i < slot.size(); ++i) {
    INFO(i);
    Bytes altered = slot;
    // Only low bits of the cost are altered, so that the test does not need a gibibyte of work.
    altered[i] ^= std::byte{1};
    const Result<KeyRing> ring = fixture.open(altered, fixture.password.text());
    REQUIRE_FALSE(ring);
    const Code code = ring.error().code();
    CHECK((code == Code::Denied || code == Code::Corrupt || (i == 4 && code == Code::Version)));
    const Result<KeyRing> cut = fixture.open(ByteView(slot).first(i), fixture.password.text());
    REQUIRE_FALSE(cut);
    CHECK(cut.error().code() == Code::Corrupt);
  }
}

TEST_CASE("a slot belongs to one mailbox of one vault") {
  const Fixture fixture;
  const Bytes slot = fixture.slot();
  SlotPlace elsewhere = fixture.place;
  elsewhere.mailbox = random_id<MailboxId>();
  const Result<KeyRing> ring = open_password_slot(elsewhere, slot, fixture.password, kArgon2TestFloor);
  REQUIRE_FALSE(ring);
  CHECK(ring.error().code() == Code::Corrupt);
  elsewhere = fixture.place;
  elsewhere.vault = random_id<VaultId>();
  CHECK_FALSE(open_password_slot(elsewhere, slot, fixture.password, kArgon2TestFloor));

  // The name is changed in the slot itself: the commitment covers the place.
  Bytes renamed = slot;
  std::copy(elsewhere.vault.data.begin(), elsewhere.vault.data.end(), renamed.begin() + 6);
  const Result<KeyRing> denied = open_password_slot(elsewhere, renamed, fixture.password, kArgon2TestFloor);
  REQUIRE_FALSE(denied);
  CHECK(denied.error().code() == Code::Denied);
}

TEST_CASE("a hostile cost is refused without the work") {
  const Fixture fixture;
  const Bytes slot = fixture.slot();
  const auto with = [&](std::uint32_t kib, std::uint32_t passes) {
    Bytes altered = slot;
    const Bytes cost = ByteWriter().u32(kib).u32(passes).take();
    std::copy(cost.begin(), cost.end(), altered.begin() + 38);
    return altered;
  };
  const auto start = std::chrono::steady_clock::now();
  for (const Bytes& hostile : {with(0, 1), with(7, 1), with((1 << 20) + 1, 1), with(0xffffffff, 1),
                               with(8, 0), with(8, 11), with(1 << 20, 0xffffffff)}) {
    const Result<KeyRing> ring = fixture.open(hostile, fixture.password.text());
    REQUIRE_FALSE(ring);
    CHECK(ring.error().code() == Code::Corrupt);
    CHECK_FALSE(slot_cost(fixture.place, hostile, kArgon2TestFloor));
  }
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::milliseconds(500));
  const Result<Argon2Cost> cost = slot_cost(fixture.place, slot, kArgon2TestFloor);
  REQUIRE(cost);
  CHECK(*cost == kCheap);
}

TEST_CASE("without memory for Argon2id no slot is made, and the work for an unknown user is Busy") {
  const Fixture fixture;
  const Argon2Cost dear{kArgon2Ceiling, 1};
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_AS, &limit) == 0);
  // Less memory than the slot needs, but enough for everything else that this process does.
  const rlimit scarce{pages * 4096 + kArgon2Ceiling / 2, limit.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_AS, &scarce) == 0);
  const Result<Bytes> made =
      seal_password_slot(fixture.place, fixture.ring, fixture.password, dear, kArgon2TestFloor);
  const Result<void> worked = work_for_nothing(fixture.place.vault, "nobody", fixture.password, dear);
  REQUIRE(::setrlimit(RLIMIT_AS, &limit) == 0);
  REQUIRE_FALSE(made);
  CHECK(made.error().code() == Code::Busy);
  REQUIRE_FALSE(worked);
  CHECK(worked.error().code() == Code::Busy);
}

TEST_CASE("a test's cheap slot is neither made nor opened if the real minimum cost applies") {
  const Fixture fixture;
  CHECK_FALSE(seal_password_slot(fixture.place, fixture.ring, fixture.password, kCheap));
  const Result<KeyRing> ring = open_password_slot(fixture.place, fixture.slot(), fixture.password);
  REQUIRE_FALSE(ring);
  CHECK(ring.error().code() == Code::Corrupt);
}

TEST_CASE("rings that a slot may not contain are refused") {
  Fixture fixture;
  CHECK_FALSE(seal_password_slot(fixture.place, {}, fixture.password, kCheap, kArgon2TestFloor));
  fixture.ring.keys[1].generation = 1;
  CHECK_FALSE(seal_password_slot(fixture.place, fixture.ring, fixture.password, kCheap, kArgon2TestFloor));
}

TEST_CASE("a slot that lists a public key of another secret is corrupt") {
  Fixture fixture;
  fixture.ring.keys[0].public_half = fixture.ring.keys[1].public_half;
  const Result<KeyRing> ring = fixture.open(fixture.slot(), fixture.password.text());
  REQUIRE_FALSE(ring);
  CHECK(ring.error().code() == Code::Corrupt);
}

TEST_CASE("a recovery slot opens with the recovery key and no other") {
  const Fixture fixture;
  const SecretKey recovery = generate_key();
  const std::vector<PublicKey> recipients{public_key(recovery)};
  const Result<Bytes> slot = seal_recovery_slot(fixture.place, fixture.ring, recipients);
  REQUIRE(slot);
  const Result<KeyRing> ring = open_recovery_slot(fixture.place, *slot, recovery);
  REQUIRE(ring);
  CHECK(same(*ring, fixture.ring));

  const Result<KeyRing> denied = open_recovery_slot(fixture.place, *slot, generate_key());
  REQUIRE_FALSE(denied);
  CHECK(denied.error().code() == Code::Denied);
  SlotPlace elsewhere = fixture.place;
  elsewhere.mailbox = random_id<MailboxId>();
  const Result<KeyRing> foreign = open_recovery_slot(elsewhere, *slot, recovery);
  REQUIRE_FALSE(foreign);
  CHECK(foreign.error().code() == Code::Corrupt);
  for (std::size_t i = 0; i < slot->size(); ++i) {
    Bytes altered = *slot;
    altered[i] ^= std::byte{1};
    CHECK_FALSE(open_recovery_slot(fixture.place, altered, recovery));
  }
}

TEST_CASE("the stock age turns a recovery slot into an identity file that opens the mailbox's mail") {
  const Fixture fixture;
  const std::string recovery = test::age_keygen();
  const Result<SecretKey> key = read_identity_file(recovery);
  REQUIRE(key);
  const SecretKey other = generate_key();
  const std::vector<PublicKey> recipients{public_key(other), public_key(*key)};
  const Result<Bytes> slot = seal_recovery_slot(fixture.place, fixture.ring, recipients);
  REQUIRE(slot);
  CHECK(open_recovery_slot(fixture.place, *slot, other));
  CHECK(open_recovery_slot(fixture.place, *slot, *key));
  const Result<std::vector<Digest>> named = recovery_slot_recipients(*slot);
  REQUIRE(named);
  CHECK(*named ==
        std::vector{sha256(as_bytes(recipient(recipients[0]))), sha256(as_bytes(recipient(recipients[1])))});
  // A slot of version 0.1 names nobody.
  const Result<Bytes> old = seal_file(Secret(as_bytes("keys")), recipients[0]);
  REQUIRE(old);
  const Result<std::vector<Digest>> nobody = recovery_slot_recipients(*old);
  REQUIRE(nobody);
  CHECK(nobody->empty());
  const test::AgeOutput identities = test::age_decrypt(*slot, recovery);
  REQUIRE(identities.ok);
  const Result<Bytes> mail = seal_file(Secret(as_bytes("a message")), fixture.ring.keys[1].public_half);
  REQUIRE(mail);
  const test::AgeOutput message = test::age_decrypt(*mail, as_text(identities.data));
  REQUIRE(message.ok);
  CHECK(as_text(message.data) == "a message");
}

TEST_CASE("the work for an unknown user's slot is done") {
  CHECK(work_for_nothing(random_id<VaultId>(), "nobody", Secret(as_bytes("x")), kCheap));
}
